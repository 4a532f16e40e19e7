"""The way to some spans of a large tree."""

from collections.abc import Callable

from pytest_traces import Traces
from pytest_traces.report.focused import focused_lines

Grow = Callable[..., None]


def shown(act: Traces, *names: str) -> str:
    """The lines for these spans."""
    wanted = [span for span in act.spans if span.name in names]
    return "\n".join(focused_lines(act._forest(), wanted))


def test_a_small_tree_is_whole(act: Traces, checkout: None) -> None:
    """As it is shown everywhere."""
    assert shown(act, "POST") == str(act)


def test_of_a_large_one_the_way(act: Traces, grow: Grow) -> None:
    """What is beside it is counted, with all that is below; what is below it says nothing."""
    grow("root", start=0)
    for number in range(30):
        grow(f"n{number}", "root", start=1 + number, service="shop")
        grow(f"m{number}", f"n{number}", start=1 + number)
    grow("other", start=99)

    assert shown(act, "n3", "m7") == (
        "  root      internal  10.0 ms\n"
        "  ├─ n3     internal  10.0 ms   [shop]\n"
        "  ├─ n7     internal  10.0 ms   [shop]\n"
        "  │  └─ m7  internal  10.0 ms\n"
        "  └─ … 56 other spans\n"
        "  … 1 other span"
    )


def test_a_long_way(act: Traces, grow: Grow) -> None:
    """Levels that each only lead on to the next are counted, and those in between are shown."""
    grow("n0", start=0)
    for number in range(1, 60):
        grow(f"n{number}", f"n{number - 1}", start=number)

    assert shown(act, "n20", "n59") == (
        "  … 20 levels\n"
        "  └─ n20        internal  10.0 ms\n"
        "     └─ … 38 levels\n"
        "        └─ n59  internal  10.0 ms"
    )


def test_many_spans(act: Traces, grow: Grow) -> None:
    """The first ones are shown."""
    grow("root", start=0)
    for number in range(100):
        grow(f"n{number}", "root", start=1 + number)

    lines = shown(act, *(f"n{number}" for number in range(100))).splitlines()
    assert len(lines) == 10
    assert lines[-1] == "  └─ … 92 other spans"


def test_a_chain_of_any_depth(act: Traces) -> None:
    """Its end is shown after the number of levels."""
    for number in range(1, 50_001):
        act.add(
            {"trace_id": 1, "span_id": number, "parent_id": number - 1 or None, "name": "n",
             "start": 1_700_000_000_000 + number, "end": 1_700_000_100_000}
        )  # fmt: skip
    last = act.spans[-1]

    lines = focused_lines(act._forest(), [last])

    assert lines == ["  … 49,999 levels", "  └─ n  internal   50.0 s"]


def test_many_long_ways(act: Traces, grow: Grow) -> None:
    """Sixty lines at most."""
    grow("root", start=0)
    for way in range(8):
        above = "root"
        for level in range(12):
            grow(f"n{way} {level}", above, start=1 + level)
            above = f"n{way} {level}"
            grow(f"m{way} {level}", above, start=1 + level)
            grow(f"k{way} {level}", above, start=1 + level)

    wanted = [f"{letter}{way} {level}" for letter in "km" for way in range(4) for level in (3, 11)]
    lines = shown(act, *wanted[:16]).splitlines()

    assert len(lines) <= 60
