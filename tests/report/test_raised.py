"""Exceptions below their spans, in the recorded tree and in the compared one."""

from collections.abc import Callable
from typing import Any

import pytest

from pytest_traces import Traces, span

Grow = Callable[..., None]
Failure = Callable[..., str]


def raised(kind: str | None, message: str | None = None) -> dict[str, Any]:
    """An exception event."""
    given = {"exception.type": kind, "exception.message": message}
    return {"name": "exception", "attributes": {k: v for k, v in given.items() if v is not None}}


def test_an_exception_stands_below_its_span(act: Traces, grow: Grow) -> None:
    """Below its name, above its children; the branches pass by."""
    grow("root", start=0)
    grow("a", "root", start=1, events=[raised("ValueError", "x")])
    grow("b", "a", start=2)
    grow("c", "root", start=3, events=[raised("KeyError")])
    grow("d", start=4, events=[raised(None, "just text")])

    assert str(act) == (
        "  root     internal  10.0 ms\n"
        "  ├─ a     internal  10.0 ms\n"
        "  │  ! ValueError: x\n"
        "  │  └─ b  internal  10.0 ms\n"
        "  └─ c     internal  10.0 ms\n"
        "     ! KeyError\n"
        "  d        internal  10.0 ms\n"
        "  ! just text"
    )


@pytest.mark.parametrize(
    ("kind", "message", "description"),
    [
        ("ValueError", "x", "ValueError: x"),
        ("shop.Gone", "x", "Gone: x"),
        ("shop.Gone", "x", "shop.Gone: x"),
        ("shop.Gone", "x", "x"),
        ("shop.Gone", None, "Gone"),
        ("shop.Gone", "x", "shop.Gone"),
    ],
)
def test_a_status_that_says_no_more(
    act: Traces, grow: Grow, kind: str, message: str | None, description: str
) -> None:
    """Is not said twice."""
    event = raised(kind, message)
    grow("a", status="error", status_description=description, events=[event])

    text = kind.rpartition(".")[2] + (f": {message}" if message else "")
    assert str(act) == f"  a  internal  10.0 ms   error\n  ! {text}"


def test_a_status_that_says_something_else(act: Traces, grow: Grow) -> None:
    """Both are there."""
    event = raised("ValueError", "x")
    grow("a", status="error", status_description="no answer", events=[event])

    assert str(act) == "  a  internal  10.0 ms   error: no answer\n  ! ValueError: x"


def test_an_exception_that_goes_up(act: Traces, grow: Grow) -> None:
    """It is told where it comes from; where it has gone through the status says so, if any does."""
    event = raised("ValueError", "x")
    grow("a", start=0, status="error", events=[event])
    grow("b", "a", start=1, status="error", events=[event])
    grow("c", "b", start=2, events=[event])
    grow("d", "c", start=3, status="error", events=[event])
    grow("e", "a", start=4, status="error", events=[raised("ValueError", "y")])

    assert str(act) == (
        "  a           internal  10.0 ms   error\n"
        "  ├─ b        internal  10.0 ms   error\n"
        "  │  └─ c     internal  10.0 ms\n"
        "  │     ! ValueError: x\n"
        "  │     └─ d  internal  10.0 ms   error\n"
        "  │        ! ValueError: x\n"
        "  └─ e        internal  10.0 ms   error\n"
        "     ! ValueError: y"
    )


def test_neighbours_alike_have_one_exception(act: Traces, grow: Grow) -> None:
    """Others are not folded."""
    for number, text in enumerate("xxy"):
        grow("a", key=str(number), start=number, events=[raised("ValueError", text)])

    assert str(act) == (
        "  2 × a  internal  20.0 ms\n"
        "  ! ValueError: x\n"
        "  a      internal  10.0 ms\n"
        "  ! ValueError: y"
    )


def test_several_exceptions_of_one_span(act: Traces, grow: Grow) -> None:
    """The same are counted; of many the first are shown."""
    events = [raised("ValueError", text) for text in "xyxz"]
    grow("three", start=0, events=events)
    grow("four", start=1, events=[*events, raised("KeyError", "k"), raised("KeyError", "l")])

    assert str(act) == (
        "  three  internal  10.0 ms\n"
        "  ! 2 × ValueError: x\n"
        "  ! ValueError: y\n"
        "  ! ValueError: z\n"
        "  four   internal  10.0 ms\n"
        "  ! 2 × ValueError: x\n"
        "  ! ValueError: y\n"
        "  ! 3 more errors"
    )


def test_a_long_message(act: Traces, grow: Grow, failure: Failure) -> None:
    """One line, cut: at 100 columns, unless the tree alone is as wide."""
    grow("n0", start=0)
    for number in range(1, 28):
        event = raised("ValueError", "no such order\n" + "word " * 50)
        grow(f"n{number}", f"n{number - 1}", start=number, events=[event])

    for text in (str(act), failure("assert_tree", "x")):
        lines = [line for line in text.splitlines() if "! " in line]
        assert len(lines) > 3
        assert all(line.endswith("…") for line in lines)
        assert all("! ValueError: no such" in line for line in lines)
        assert max(map(len, lines[:20])) == 100
    assert max(map(len, str(act).splitlines())) == 100


def test_lines_that_are_cut_count_spans(act: Traces, grow: Grow) -> None:
    """Not exceptions, nor rows that stand for several."""
    for number in range(70):
        grow(f"n{number}", start=number, events=[raised("ValueError", "x")])

    lines = str(act).splitlines()
    assert (len(lines), lines[-2], lines[-1]) == (
        60, "  n29  internal  10.0 ms", "  … and 40 more spans"
    )  # fmt: skip


def test_lines_that_are_cut_where_no_span_is_left_out(act: Traces, grow: Grow) -> None:
    """Then it is the exception that is."""
    for number in range(58):
        grow(f"n{number}", start=number)
    grow("last", start=99, events=[raised("ValueError", "x"), raised("KeyError", "x")])

    assert str(act).splitlines()[-2:] == ["  last  internal  10.0 ms", "  …"]


def test_in_the_compared_tree(act: Traces, grow: Grow, failure: Failure) -> None:
    """Below each span that is shown, whatever is said of the span itself."""
    grow("root", start=0)
    grow("a", "root", start=1, status="error", events=[raised("ValueError", "x")])
    grow("b", "a", start=2)
    grow("c", "root", start=3, events=[raised("KeyError", "y")])

    text = failure("assert_tree", span("root", span("a", span("b")), span("d")))

    assert text.splitlines()[2:] == [
        "    root     internal  10.0 ms",
        "    ├─ a     internal  10.0 ms   error",
        "    │  ! ValueError: x",
        "    │  └─ b  internal  10.0 ms",
        "  ~ └─ c     internal  10.0 ms   expected 'd'",
        "       ! KeyError: y",
    ]
