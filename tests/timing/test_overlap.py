"""Peaks and clashes of half-open intervals, against a count of single instants."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.concurrent import busiest, together
from pytest_traces.timing.overlap import first_clash, outermost, peak
from pytest_traces.timing.timeline import Timeline

INTERVALS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda one: (one[0], sum(one))), max_size=7
)


def below(span, other):
    return other in span.ancestors


@given(INTERVALS)
def test_the_peak_is_that_of_some_instant(timed, intervals):
    """What ends as another begins is not open with it; what takes no time is never open."""
    most = max((sum(s <= now < e for s, e in intervals) for now in range(15)), default=0)
    forest = timed(*[("a", None, *one) for one in intervals])
    found = busiest(forest.spans, Timeline(forest.spans))

    assert peak(intervals) == len(found.spans) == most
    assert all(span.start_ns <= found.at_ns < span.end_ns for span in found.spans)


@given(INTERVALS)
def test_a_clash_is_found_if_there_is_one(timed, intervals):
    """Two that share an instant; or one without length strictly within another."""
    forest = timed(*[("a", None, *one) for one in intervals])
    clashes = {
        (one, other)
        for one in forest.spans
        for other in forest.spans
        if one is not other
        and one.start_ns <= other.start_ns < one.end_ns
        and (other.end_ns > other.start_ns or one.start_ns < other.start_ns)
    }
    found = first_clash(forest.spans, Timeline(forest.spans))

    assert (found is None) == (not clashes)
    if found is not None:
        assert (found.earlier, found.later) in clashes
        assert found.overlap_ns == peak_time(found.earlier, found.later)


def peak_time(one, other):
    return min(one.end_ns, other.end_ns) - max(one.start_ns, other.start_ns)


ROWS = st.lists(
    st.tuples(st.sampled_from("abcx"), st.integers(0, 6), st.integers(0, 6), st.integers(0, 4)),
    max_size=7,
)


@given(
    ROWS, st.sampled_from([("a", "b"), ("a", "b", "c"), ("a", "ab"), ("ab", "ab", "a"), ("a", "a")])
)
def test_one_span_for_each_name(timed, rows, names):
    """None stands for two, none is below another one, and all share an instant."""
    forest = timed(
        *[
            (name, parent if parent < place else None, start, start + took)
            for place, (name, parent, start, took) in enumerate(rows)
        ]
    )
    wanted = [[span for span in forest.spans if span.name in name] for name in names]

    def most(place, chosen, now):
        """The most names from this place on, by trying everything."""
        if place == len(wanted):
            return len(chosen)
        found = most(place + 1, chosen, now)
        for span in wanted[place]:
            if span.start_ns <= now < span.end_ns and not any(
                span is one or below(span, one) or below(one, span) for one in chosen
            ):
                found = max(found, most(place + 1, [*chosen, span], now))
        return found

    found = together(wanted, Timeline(forest.spans))

    assert len(found.spans) == max(most(0, [], now) for now in range(12))
    assert all(span.start_ns <= found.at_ns < span.end_ns for span in found.spans)
    assert outermost(found.spans) == list(found.spans)


@given(ROWS)
def test_the_outermost_of_some_spans(timed, rows):
    """Those that are below none of the others."""
    forest = timed(
        *[
            (name, parent if parent < place else None, start, start + took)
            for place, (name, parent, start, took) in enumerate(rows)
        ]
    )
    spans = [span for span in forest.spans if span.name in "ab"]

    assert outermost(spans) == [one for one in spans if not any(below(one, two) for two in spans)]


def test_many_names_and_many_spans_for_each(timed):
    """Which stands for which takes no longer for that: there are more ways than can be tried."""
    forest = timed(("r", None, 0, 100), *((f"a{i}", 0, 1 + i, 90) for i in range(40)))
    spans = forest.spans[1:]

    apart = together([[one] for one in spans], Timeline(forest.spans))
    alike = together([spans] * 40, Timeline(forest.spans))
    too_many = together([*[spans] * 40, spans[:5], spans[:5]], Timeline(forest.spans))

    assert len(apart.spans) == len(alike.spans) == len(too_many.spans) == 40


def test_many_names_below_one_another(timed):
    """Of each pair either can be had, and of all pairs one each."""
    rows = [("r", None, 0, 100)]
    for i in range(20):
        rows += [(f"a{i}", 0, 1, 90), (f"b{i}", 2 * i + 1, 2, 80)]
    forest = timed(*rows)

    found = together([[one] for one in forest.spans[1:]], Timeline(forest.spans))

    assert len(found.spans) == 20
