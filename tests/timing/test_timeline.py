"""The times that every analysis uses, with the clock in place and with the clock moved."""

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData, Stamps
from pytest_traces.timing.timeline import Timeline

MS = 1_000_000
EPOCH = 1_700_000_000_000 * MS


def data(name, start, end, own=None, parent=None):
    """A span with recorded times in milliseconds, and perhaps those of the source's own clock."""
    stamps = None
    if own is not None:
        ends = None if own[1] is None else own[1] * MS
        stamps = Stamps(own[0] * MS, ends, 0, None if ends is None else 0, 1, 1)
    end_ns = None if end is None else EPOCH + end * MS
    return SpanData(name, "1", name, parent, EPOCH + start * MS, end_ns, stamps=stamps)


def timeline_of(*spans):
    forest = assemble(spans)
    timeline = Timeline(forest.spans)
    return timeline, {
        span.name: found and ((found[0] - EPOCH) / MS, (found[1] - EPOCH) / MS)
        for span in forest.spans
        for found in [timeline.interval(span)]
    }


def test_recorded_times_count_while_the_clock_stands():
    """A drift of less than a millisecond between the clocks is none."""
    timeline, times = timeline_of(data("r", 0, 100, (5_000, 5_100)), data("a", 10, 20, None, "r"))

    assert times == {"r": (0, 100), "a": (10, 20)}
    assert not timeline.moved


def test_a_frozen_clock_is_replaced_by_the_sources_own():
    """Spans that all read 0 ms have the places and the lengths that they really had."""
    timeline, times = timeline_of(
        data("r", 0, 0, (5_000, 5_100)),
        data("a", 0, 0, (5_010, 5_030), "r"),
        data("b", 0, 0, (5_040, 5_041), "r"),
    )

    assert times == {"r": (0, 100), "a": (10, 30), "b": (40, 41)}
    assert timeline.moved


def test_a_clock_that_jumped_between_spans_is_seen():
    """No span was open at the jump, so none of them says so by itself."""
    timeline, times = timeline_of(
        data("a", 0, 10, (5_000, 5_010)), data("b", 3_600_011, 3_600_021, (5_011, 5_021))
    )

    assert times == {"a": (0, 10), "b": (11, 21)}
    assert timeline.moved


def test_the_earliest_root_says_where_the_own_clock_is():
    """Its recorded start stays; spans without a clock of their own keep what was recorded."""
    _, times = timeline_of(
        data("foreign", 3, 7),
        data("late", 900, 901, (5_050, 5_060)),
        data("r", 0, 0, (5_000, 5_100)),
    )

    assert times == {"foreign": (3, 7), "late": (50, 60), "r": (0, 100)}


def test_without_a_stamped_root_the_median_says_it():
    """One span in a moved clock does not carry the others away."""
    _, times = timeline_of(
        data("r", 0, 100),
        data("a", 10, 20, (5_010, 5_020), "r"),
        data("b", 500, 520, (5_030, 5_050), "r"),
        data("c", 60, 70, (5_060, 5_070), "r"),
    )

    assert times == {"r": (0, 100), "a": (10, 20), "b": (30, 50), "c": (60, 70)}


def test_an_open_span_has_no_interval_and_no_length():
    """Neither by recorded times nor by the own clock."""
    forest = assemble([data("r", 0, None, (5_000, None)), data("a", 0, 5, None, "r")])
    timeline = Timeline(forest.spans)

    assert [timeline.interval(span) for span in forest.spans] == [None, (EPOCH, EPOCH + 5 * MS)]
    assert [timeline.duration_ns(span) for span in forest.spans] == [None, 5 * MS]
    assert [span.name for span in timeline.finished()] == ["a"]


def test_only_its_own_spans_have_ended():
    """Neither one that is open, nor one of another timeline."""
    forest = assemble([data("r", 0, 10), data("a", 1, None, None, "r")])
    root, child = forest.spans

    assert Timeline(forest.spans).has_ended(root)
    assert not Timeline(forest.spans).has_ended(child)
    assert not Timeline([child]).has_ended(root)


def test_an_end_before_the_start_is_no_length():
    """Such a span is flagged elsewhere; here it takes no time."""
    assert timeline_of(data("x", 8, 3))[1] == {"x": (8, 8)}


def test_a_shifted_timeline_leaves_the_first_one_alone():
    """And moves only what is listed."""
    forest = assemble([data("r", 0, 10), data("a", 2, 5), data("open", 3, None)])
    timeline = Timeline(forest.spans)
    r, a, still_open = forest.spans
    shifted = timeline.shifted({a: MS, still_open: MS})

    assert shifted.interval(a) == (EPOCH + 3 * MS, EPOCH + 6 * MS)
    assert shifted.interval(r) == timeline.interval(r)
    assert shifted.interval(still_open) is None
    assert timeline.interval(a) == (EPOCH + 2 * MS, EPOCH + 5 * MS)
    assert r in shifted
