"""Whether the overlap of spans is a matter of luck."""

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData, Stamps
from pytest_traces.timing.luck import is_luck

MS = 1_000_000


def spans(*clocks):
    """Each has its thread, its length, the CPU time it used in ms, and the thread it ended in."""
    found = []
    for thread, took, cpu, *end in clocks:
        stamps = Stamps(0, took * MS, 0, cpu * MS, thread, end[0] if end else thread)
        found.append(SpanData("a", "1", str(len(found)), None, 0, took * MS, stamps=stamps))
    return assemble(found).spans


def test_short_spans_of_several_threads():
    """Each is often over before the other thread has a turn."""
    assert is_luck(spans((1, 3, 3), (2, 5, 1)))


@pytest.mark.parametrize(
    "clocks",
    [
        pytest.param([(1, 3, 3), (1, 5, 1)], id="one thread"),
        pytest.param([(1, 3, 3), (2, 30, 25)], id="one computes long enough"),
        pytest.param([(1, 3, 3), (2, 50, 1)], id="one waits, so that the other has its turn"),
        pytest.param([(1, 3, 3), (2, 5, 1, 3)], id="one wandered through threads"),
    ],
)
def test_what_needs_no_luck(clocks):
    """Long ones meet; of tasks in one thread, and of wanderers, nothing is known."""
    assert not is_luck(spans(*clocks))


def test_without_clocks_nothing_is_said(timed):
    """A source that reads none cannot say."""
    assert not is_luck(timed(("a", None, 0, 1), ("a", None, 0, 1)).spans)


def test_one_without_a_clock_among_others(timed):
    """All of them must be known to be short."""
    assert not is_luck([*spans((1, 3, 3), (2, 5, 1)), *timed(("a", None, 0, 1)).spans])
