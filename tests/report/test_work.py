"""Words for counted work, from spans whose events are given."""

from __future__ import annotations

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData, Stamps
from pytest_traces.report.work import too_much, unknown
from pytest_traces.timing.counted import over, why_unknown, work_of

TRACE = "1" * 32


def counted(number, parent, name, events, thread=1, end_thread=None, end=20):
    """A span with so many events."""
    stamps = Stamps(10, end, 0, 0, thread, end_thread or thread, events)
    above = f"{parent:016x}" if parent else None
    return SpanData(name, TRACE, f"{number:016x}", above, 10 + number, end, stamps=stamps)


LOAD = (
    counted(1, None, "load cart", 12_408),
    counted(2, 1, "parse", 300),
    counted(3, 1, "price items", 11_800),
    counted(4, 1, "audit", 90_000, thread=2),
    counted(5, 1, "render", None),
)


def test_limit_exceeded():
    """Where the work was done, the most first; what another thread did is not of the span."""
    forest = assemble(LOAD)
    found = over(forest.spans[:1], 10_000)
    assert str(too_much(found, 10_000)) == (
        "'load cart' did 12,408 events of work, limit 10,000\n"
        "\n"
        "  load cart       internal   12,408   self 308\n"
        "  ├─ audit        internal   90,000   in another thread: not counted above\n"
        "  ├─ price items  internal   11,800\n"
        "  ├─ parse        internal      300\n"
        "  └─ render       internal        ?\n"
        "\n"
        "  events: functions of Python that start, calls and jumps, in the thread of the span\n"
        "\n"
        "  hint:  the number is the same in every run: if the limit held before, something does more now; if\n"
        "         this is what it does: at_most=12_408"
    )


def test_several_are_over():
    """The worst is shown, the others are named."""
    spans = [counted(number, None, f"job {number}", number * 1_000) for number in range(1, 10)]
    text = str(too_much(over(assemble(spans).spans, 1_000), 1_000))
    assert text == (
        "'job 9' did 9,000 events of work, limit 1,000, 9.0 times as much\n"
        "\n"
        "  job 9  internal    9,000   self 9,000\n"
        "\n"
        "  'job 8' did 8,000 events, too\n"
        "  'job 7' did 7,000 events, too\n"
        "  'job 6' did 6,000 events, too\n"
        "  'job 5' did 5,000 events, too\n"
        "  'job 4' did 4,000 events, too\n"
        "  and 2 more spans\n"
        "  events: functions of Python that start, calls and jumps, in the thread of the span\n"
        "\n"
        "  hint:  the number is the same in every run: if the limit held before, something does more now; if\n"
        "         this is what it does: at_most=9_000"
    )


def test_many_children():
    """Those with the most work are shown."""
    spans = [counted(1, None, "all", 99_999)]
    spans += [counted(n, 1, f"child {n}", n) for n in range(2, 30)]
    lines = str(too_much(over(assemble(spans).spans, 5_000), 5_000)).splitlines()
    assert lines[3] == "  ├─ child 29  internal       29"
    assert lines[15] == "  └─ … 16 more spans"


@pytest.mark.parametrize(
    ("span", "why", "words"),
    [
        (counted(1, None, "a", None, end=None), "unfinished", "it has not ended"),
        (counted(1, None, "a", None, end_thread=2), "threads", "ended in another"),
        (counted(1, None, "a", None), "foreign", "only spans of the OpenTelemetry SDK"),
    ],
)
def test_work_that_is_not_known(span, why, words):
    """Each reason has its words."""
    (one,) = assemble([span]).spans
    assert work_of(one) is None
    assert why_unknown(one) == why
    assert words in str(unknown(one, why))
