from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces import PatternError, concurrent, glob, in_order, sequential, span
from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import SpanData
from pytest_traces.shape.literal import literal_matches
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.outline import parse
from pytest_traces.shape.pattern import Pattern, forest_of
from pytest_traces.shape.rendering import render

NAMES = [
    "a",
    "b",
    "a b",
    "",
    "3 × x",
    "'",
    "...",
    "x (unfinished)",
    "é\n",
    "@3 x",
    "│ a",
    " a ",
    "…",
]


def matches(forest: Forest, *expected: Pattern) -> bool:
    return Matcher(forest_of(expected), forest.roots).forest_matches()


def grow(trees: list[Any]) -> Forest:
    data: list[SpanData] = []

    def add(tree: Any, parent: str | None) -> None:
        name, children = tree
        number = len(data) + 1
        start = 10**18 + number
        data.append(SpanData(name, "ab" * 16, f"{number:016x}", parent, start, start + 5))
        for child in children:
            add(child, f"{number:016x}")

    for tree in trees:
        add(tree, None)
    return assemble(data)


def trees(names: st.SearchStrategy[str], leaves: int = 6) -> st.SearchStrategy[Any]:
    return st.recursive(
        st.tuples(names, st.just([])),
        lambda below: st.tuples(names, st.lists(below, max_size=3)),
        max_leaves=leaves,
    )


few = st.sampled_from("ab")


@st.composite
def patterns(draw: st.DrawFn, depth: int = 2) -> Pattern:
    name = draw(st.sampled_from(["a", "b", glob("*"), glob("[a]")]))
    below = draw(st.lists(patterns(depth - 1), max_size=3)) if depth else []
    found = span(name, *below, *([...] if draw(st.booleans()) else []))
    low = draw(st.integers(0, 2))
    return found.times(low, draw(st.integers(max(low, 1), 3)))


def brute_force(children: tuple[Pattern, ...], is_open: bool, spans: list[Span]) -> bool:
    """Tries every way to hand the spans out, one at a time."""
    if not spans:
        return all(child.low == 0 for child in children)
    first, rest = spans[0], spans[1:]
    if is_open and brute_force(children, is_open, rest):
        return True
    for place, child in enumerate(children):
        if child.high == 0 or not child.fields.match(first):
            continue
        if brute_force(child.children, child.open, first.children):
            less = child.times(0, 1)
            less.low, less.high = max(0, child.low - 1), (child.high or 0) - 1
            if brute_force((*children[:place], less, *children[place + 1 :]), is_open, rest):
                return True
    return False


@settings(deadline=None, max_examples=300)
@given(
    st.lists(trees(few), max_size=3), st.lists(patterns(), min_size=1, max_size=3), st.booleans()
)
def test_agrees_with_trying_everything(
    roots: list[Any], wanted: list[Pattern], is_open: bool
) -> None:
    """An assignment is found if there is one, whatever the multiplicities and wildcards."""
    forest = grow(roots)
    root = forest_of(tuple(wanted), is_open=is_open)

    assert Matcher(root, forest.roots).forest_matches() is brute_force(
        root.children, is_open, list(forest.roots)
    )


@settings(deadline=None, max_examples=200)
@given(st.lists(trees(st.sampled_from(NAMES) | st.text(max_size=4), 10), min_size=1, max_size=3))
def test_every_forest_matches_its_own_outline(roots: list[Any]) -> None:
    """Whatever the names are, what is printed can be pasted back."""
    forest = grow(roots)
    expected, is_open = parse(render(forest))
    root = forest_of(expected, is_open=is_open)

    assert literal_matches(root, forest.roots) is True
    assert Matcher(root, forest.roots).forest_matches()
    again = grow([shuffled(tree) for tree in reversed(roots)])
    assert render(again) == render(forest)


def shuffled(tree: Any) -> Any:
    name, children = tree
    return name, [shuffled(child) for child in reversed(children)]


@settings(deadline=None, max_examples=200)
@given(st.lists(trees(few), min_size=1, max_size=2), st.lists(trees(few), min_size=1, max_size=2))
def test_the_quick_way_agrees(one: list[Any], other: list[Any]) -> None:
    """Literal patterns compared by canonical form give the answer of exact matching."""
    expected, _ = parse(render(grow(other)))
    root, forest = forest_of(expected), grow(one)

    assert literal_matches(root, forest.roots) is Matcher(root, forest.roots).forest_matches()


def timed(*intervals: tuple[str, int, int | None]) -> Forest:
    """One root with children that have these starts and ends."""
    base = 10**18
    data = [SpanData("root", "ab" * 16, "f" * 16, None, base, base + 1000)]
    data += [
        SpanData(name, "ab" * 16, f"{n:016x}", "f" * 16, base + start, end and base + end)
        for n, (name, start, end) in enumerate(intervals, 1)
    ]
    return assemble(data)


def test_in_order() -> None:
    """Starts in the listed order; where two start at one instant, either order will do."""
    group = in_order(span("a").times(1, 2), "b")
    assert matches(timed(("a", 1, 9), ("a", 2, 3), ("b", 4, 5)), span("root", group))
    assert not matches(timed(("a", 1, 9), ("b", 2, 3), ("a", 4, 5)), span("root", group))
    assert matches(timed(("b", 1, 9), ("a", 1, 3)), span("root", group))


def test_sequential_and_concurrent() -> None:
    """Half-open intervals: one may begin at the instant at which the other ends."""
    touching = timed(("a", 1, 4), ("b", 4, 6))
    overlapping = timed(("a", 1, 5), ("b", 4, 6))
    assert matches(touching, span("root", sequential("a", "b")))
    assert not matches(overlapping, span("root", sequential("a", "b")))
    assert matches(overlapping, span("root", concurrent("a", "b")))
    assert not matches(touching, span("root", concurrent("a", "b")))


def test_a_group_owns_what_its_members_match() -> None:
    """A third `a` is not let off by `...`: the group would say nothing about it."""
    forest = timed(("a", 1, 2), ("b", 3, 4), ("a", 5, 6))
    assert not matches(forest, span("root", in_order("a", "b"), ...))
    assert matches(
        timed(("a", 1, 2), ("b", 3, 4), ("c", 0, 6)), span("root", in_order("a", "b"), ...)
    )


def test_an_ambiguous_group_is_refused() -> None:
    """A sibling that fits a member as well as a pattern outside names both."""
    forest = timed(("a", 1, 2), ("b", 3, 4))

    with pytest.raises(PatternError) as caught:
        matches(forest, span("root", in_order("a"), glob("*")))

    assert str(caught.value).startswith("ambiguous: 'a' ")
    assert "in_order" in str(caught.value)
    assert "glob('*')" in str(caught.value)


def test_under_chooses_among_valid_assignments() -> None:
    """The slow one of two goes to the pattern without a limit."""
    forest = timed(("a", 1, 900), ("a", 2, 3))
    assert matches(forest, span("root", span("a", under="100ns"), span("a")))
    assert not matches(forest, span("root", span("a", under="100ns") * 2))


def test_an_open_span_fits_only_where_it_is_expected() -> None:
    """`unfinished=True` wants an open span, and without it an open span fails."""
    forest = timed(("a", 1, None))
    assert not matches(forest, span("root", "a"))
    assert matches(forest, span("root", span("a", unfinished=True)))
    assert not matches(timed(("a", 1, 2)), span("root", span("a", unfinished=True)))


def test_siblings_in_any_order(grown: Callable[..., Forest]) -> None:
    """The order in which children are listed never matters."""
    for order in permutations(["a", "b", "c"]):
        assert matches(grown(["r", ["c"], ["a"], ["b"]]), span("r", *order))
