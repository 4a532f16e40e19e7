from collections.abc import Callable
from typing import Any

import pytest

from pytest_traces import Traces, record


def test_tree_as_text(act: Traces, checkout: None) -> None:
    """Name, kind and duration in columns, in order of start."""
    assert str(act) == (
        "  POST /checkout      server    31.0 ms\n"
        "  ├─ SELECT orders    client    2.00 ms\n"
        "  ├─ POST             client    11.0 ms\n"
        "  │  └─ POST /charge  server    9.00 ms\n"
        "  └─ orders publish   producer  1.00 ms"
    )


def test_what_is_remarkable_is_remarked(act: Traces, grow: Callable[..., None]) -> None:
    """Open, failed, orphaned, remote and unsampled spans say so; neighbours alike are folded."""
    grow("root", start=0)
    grow("open", "root", start=1, took=None)
    for number in range(3):
        grow("SELECT", "root", key=f"s{number}", start=10 + number, took=1, kind="client")
    grow("failed", "root", start=20, status="error", status_description="no\nway")
    grow("orphan", start=30, parent_id=77)
    grow("remote", start=40, parent_id=78, remote_parent=True)
    grow("dropped", start=50, sampled=False)

    assert str(act) == (
        "  root           internal  10.0 ms\n"
        "  ├─ open        internal     open   still open\n"
        "  ├─ 3 × SELECT  client    3.00 ms\n"
        "  └─ failed      internal  10.0 ms   error: no way\n"
        "  orphan         internal  10.0 ms   its parent was not recorded\n"
        "  remote         internal  10.0 ms   its parent is remote\n"
        "  dropped        internal  10.0 ms   not sampled"
    )


def test_services_are_shown_where_there_are_several(act: Traces, grow: Callable[..., None]) -> None:
    """With one service its name would be noise."""
    grow("a", start=0, service="shop")
    grow("b", "a", start=1, service="bank")

    assert str(act) == ("  a     internal  10.0 ms   [shop]\n  └─ b  internal  10.0 ms   [bank]")


def test_large_trees_are_cut(act: Traces, grow: Callable[..., None]) -> None:
    """Sixty lines at most, and how many spans are left out."""
    grow("root", start=0)
    for number in range(200):
        grow(f"n{number}", "root", start=number)

    lines = str(act).splitlines()

    assert len(lines) == 60
    assert lines[-1] == "  … and 142 more spans"


def test_deep_trees_stay_narrow(act: Traces, grow: Callable[..., None]) -> None:
    """Beyond some levels the indentation begins anew, with the level it stands for."""
    grow("n0", start=0)
    for number in range(1, 50):
        grow(f"n{number}", f"n{number - 1}", start=number)

    assert max(map(len, str(act).splitlines())) < 120
    assert "levels" in str(act)


def test_nothing_recorded() -> None:
    """An empty recording says so."""
    with record(sources=["handwritten"]) as act:
        pass

    assert str(act) == "no span was recorded"


@pytest.mark.parametrize("markup", [True, False])
def test_colours_only_where_the_terminal_has_them(
    act: Traces, grow: Callable[..., Any], markup: bool
) -> None:
    """Errors are red and open spans yellow, or nothing is."""
    grow("failed", status="error")
    grow("open", took=None)

    assert ("\x1b[31m" in act.section(markup=markup)) is markup
    assert ("\x1b[33m" in act.section(markup=markup)) is markup
