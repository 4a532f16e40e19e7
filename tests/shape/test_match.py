import re
from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from pytest_traces import Pattern, glob, span
from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import SpanData
from pytest_traces.shape.literal import literal_matches
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.pattern import forest_of

BASE = 10**18
MANY = 99

#: name, kind, duration (None: still open), children
Row = tuple[str, str, int | None, list[Any]]


def grow(rows: list[Row]) -> Forest:
    data: list[SpanData] = []

    def add(row: Row, parent: str | None) -> None:
        name, kind, took, children = row
        number, start = f"{len(data):016x}", BASE + len(data)
        end = None if took is None else start + took
        data.append(SpanData(name, "ab" * 16, number, parent, start, end, kind))
        for child in children:
            add(child, number)

    for row in rows:
        add(row, None)
    return assemble(data)


def rows(names: str = "ab", depth: int = 2) -> st.SearchStrategy[Row]:
    below = st.lists(rows(names, depth - 1), max_size=3) if depth else st.just([])
    return st.tuples(
        st.sampled_from(names),
        st.sampled_from(["internal", "internal", "client"]),
        st.sampled_from([1, 1, 5, 5, 9, None]),
        below,
    )


some_names = st.sampled_from(["a", "b", "a", "b", glob("*"), glob("[a]"), re.compile("a|c"), None])
some_counts = st.sampled_from([(1, 1)] * 4 + [(2, 2), (0, 1), (0, None), (1, 2), (1, None)])


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2) -> Pattern:
    below = draw(st.lists(patterns(depth - 1), max_size=3)) if depth else []
    found = span(
        draw(some_names),
        *below,
        *draw(st.sampled_from([[], [], [...]])),
        kind=draw(st.sampled_from([None, None, None, "client"])),
        under=draw(st.sampled_from([None, None, None, "4ns"])),
        unfinished=draw(st.sampled_from([False, False, False, True])),
    )
    return found.times(*draw(some_counts))


@st.composite
def loosened(draw: st.DrawFn, row: Row) -> Pattern:
    """What a recorded span could have been wanted as."""
    name, kind, took, children = row
    below = [draw(loosened(child)) for child in children]
    return span(
        draw(st.sampled_from([name, name, glob("*"), re.compile(f"{name}|z"), None])),
        *draw(st.permutations(below)),
        *draw(st.sampled_from([[], [], [...]])),
        kind=draw(st.sampled_from([None, None, kind])),
        unfinished=took is None,
    )


def by_trying(wanted: tuple[Pattern, ...], is_open: bool, spans: list[Span]) -> bool:
    """Tries every way to hand the spans out."""
    options = [
        [number for number, one in enumerate(wanted) if matches_span(one, given_span)]
        + ([-1] if is_open else [])
        for given_span in spans
    ]
    return any(
        all(
            one.low <= given_to.count(number) <= (MANY if one.high is None else one.high)
            for number, one in enumerate(wanted)
        )
        for given_to in product(*options)
    )


def matches_span(wanted: Pattern, given_span: Span) -> bool:
    fields, took = wanted.fields, given_span.duration_ns
    return (
        fields.name_matches(given_span.name)
        and fields.kind in (None, given_span.kind)
        and fields.unfinished is (took is None)
        and (fields.under_ns is None or (took is not None and took < fields.under_ns))
        and by_trying(wanted.children, wanted.open, given_span.children)
    )


def agrees(root: Pattern, forest: Forest) -> bool:
    expected = by_trying(root.children, root.open, list(forest.roots))
    event(f"matches: {expected}")
    assert Matcher(root, forest.roots).forest_matches() is expected
    assert literal_matches(root, forest.roots) in (None, expected)
    return expected


@settings(max_examples=400)
@given(st.lists(rows(), max_size=3), st.lists(patterns(), min_size=1, max_size=3), st.booleans())
def test_agrees_with_trying_everything(
    given_rows: list[Row], wanted: list[Pattern], is_open: bool
) -> None:
    """Any names, multiplicities, fields and ``...``: a match is found if there is one."""
    agrees(forest_of(tuple(wanted), is_open=is_open), grow(given_rows))


@settings(max_examples=400)
@given(st.data())
def test_what_is_there_is_found_among_overlapping_patterns(data: st.DataObject) -> None:
    """Patterns made from the spans themselves, loosened: they match, whoever could take whom."""
    given_rows = data.draw(st.lists(rows("abc"), min_size=1, max_size=3))
    wanted = tuple(data.draw(loosened(row)) for row in given_rows)
    assert agrees(forest_of(wanted), grow(given_rows))


@settings(max_examples=400)
@given(st.lists(rows(), min_size=1, max_size=2), st.lists(rows(), min_size=1, max_size=2))
def test_names_alone_compared_by_canonical_form(one: list[Row], other: list[Row]) -> None:
    """The quick way gives the answer of exact matching, and of trying everything."""

    def literal(row: Row) -> Pattern:
        name, _, took, children = row
        return span(name, *map(literal, children), unfinished=took is None)

    root = forest_of(tuple(map(literal, other)))
    assert literal_matches(root, grow(one).roots) is agrees(root, grow(one))
    assert literal_matches(root, grow(other).roots) is True


def matches(forest: Forest, *expected: Pattern) -> bool:
    return Matcher(forest_of(expected), forest.roots).forest_matches()


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_siblings_in_any_order(grown: Callable[..., Forest], order: tuple[str, ...]) -> None:
    """The order in which children are listed never matters."""
    assert matches(grown(["r", ["c"], ["a"], ["b"]]), span("r", *order))


def test_one_span_never_satisfies_two(grown: Callable[..., Forest]) -> None:
    """Nor does the same pattern object used twice mean one span."""
    twice = span("a")
    assert not matches(grown(["r", ["a"], ["b"]]), span("r", twice, twice, ...))
    assert matches(grown(["r", ["a"], ["a"]]), span("r", twice, twice))


def test_listed_children_mean_exactly_those(grown: Callable[..., Forest]) -> None:
    """A leaf has no children; others are allowed by `...` alone, and only at its level."""
    forest = grown(["r", ["a", ["b"]], ["c"]])
    assert not matches(forest, span("r"))
    assert matches(forest, span("r", ...))
    assert not matches(forest, span("r", "a", ...))
    assert matches(forest, span("r", span("a", ...), ...))


def test_under_chooses_among_valid_assignments() -> None:
    """The slow one of two goes to the pattern without a limit."""
    forest = grow([("r", "internal", 9, [("a", "internal", 900, []), ("a", "internal", 3, [])])])
    assert matches(forest, span("r", span("a", under="100ns"), span("a")))
    assert not matches(forest, span("r", span("a", under="100ns") * 2))


def test_a_pattern_object_may_be_used_over_and_over(grown: Callable[..., Forest]) -> None:
    """Sixty levels of one object used twice are 2**60 wanted spans, and are refused at once."""
    pattern = span("leaf")
    for _ in range(60):
        pattern = span("n", pattern, pattern)
    assert not matches(grown(["n", ["n"], ["n"]]), pattern)
    assert literal_matches(forest_of((pattern,)), grown(["n"]).roots) is False


def test_an_object_with_an_equals_of_its_own(grown: Callable[..., Forest]) -> None:
    """Whatever is no string, pattern or glob is compared with ``==``."""

    class Short:
        def __eq__(self, other: object) -> bool:
            return isinstance(other, str) and len(other) < 3

        __hash__ = None  # type: ignore[assignment]

    assert matches(grown(["ab", ["abc"]]), span(Short(), "abc"))
    assert not matches(grown(["abc"]), span(Short()))
