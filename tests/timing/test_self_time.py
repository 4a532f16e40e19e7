"""Self time, against a count of single nanoseconds."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData, Stamps
from pytest_traces.timing.self_time import own_intervals, self_time_ns
from pytest_traces.timing.timeline import Timeline

TIMES = st.tuples(st.integers(0, 12), st.one_of(st.none(), st.integers(0, 14)))


@given(st.tuples(st.integers(0, 8), st.integers(0, 14)), st.lists(TIMES, max_size=5))
def test_a_span_has_each_instant_at_which_no_child_is_open(timed, parent, children):
    """Children may start early, end late, take no time, end before they start, or be open."""
    rows = [("r", None, *parent), *(("c", 0, *times) for times in children)]
    forest = timed(*rows)
    root = next(span for span in forest.spans if span.name == "r")
    own = [
        now
        for now in range(*parent)
        if not any(start <= now < (end or 0) for start, end in children)
    ]
    timeline = Timeline(forest.spans)

    assert root.self_time_ns == self_time_ns(root, timeline) == len(own)
    assert [now for part in own_intervals(root, timeline) for now in range(*part)] == own


def test_an_open_span_has_no_self_time(timed):
    """None, not 0."""
    (span,) = timed(("r", None, 0, None)).spans

    assert self_time_ns(span, Timeline([span])) is None
    assert span.self_time_ns is None
    assert own_intervals(span, Timeline([span])) == []


def test_grandchildren_are_their_parents_matter(timed):
    """Only direct children are taken away."""
    forest = timed(("r", None, 0, 10), ("a", 0, 2, 4), ("b", 1, 3, 9))

    assert [span.self_time_ns for span in forest.spans] == [8, 1, 6]


def test_children_outside_the_timeline_take_no_part(timed):
    """A timeline may be of a part of the spans."""
    forest = timed(("r", None, 0, 10), ("a", 0, 2, 4))

    assert self_time_ns(forest.roots[0], Timeline(forest.roots)) == 10


def test_a_moved_clock_does_not_spoil_it():
    """Under a clock that stood still, self time comes from the source's own clock."""

    def data(name, parent, start, end):
        stamps = Stamps(start * 10**6, end * 10**6, 0, 0, 1, 1)
        return SpanData(name, "1", name, parent, 10**18, 10**18, stamps=stamps)

    forest = assemble([data("r", None, 0, 100), data("a", "r", 10, 30), data("b", "r", 20, 40)])
    root = forest.roots[0]

    assert root.self_time_ns == self_time_ns(root, Timeline(forest.spans)) == 70 * 10**6


def test_recorded_times_count_where_not_all_have_a_clock_of_their_own(timed):
    """Clocks of two kinds cannot be compared within one span."""
    stamps = Stamps(0, 100, 0, 0, 1, 1)
    forest = timed(("r", None, 0, 10), ("a", 0, 2, 4), stamps=[stamps, None])

    assert forest.roots[0].self_time_ns == 8
