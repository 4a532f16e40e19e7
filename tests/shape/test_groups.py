from collections import Counter
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from pytest_traces import Pattern, PatternError, concurrent, glob, in_order, sequential, span
from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import SpanData
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.pattern import Group, forest_of

BASE = 10**18
FOREVER = BASE * 2

#: name, start, duration (None: still open), the names below it
Timed = tuple[str, int, int | None]


def grow(*children: Timed, below: dict[str, list[str]] | None = None) -> Forest:
    """One root with these children."""
    data = [SpanData("root", "ab" * 16, "f" * 16, None, BASE, BASE + 1000)]
    for name, start, took in children:
        number = f"{len(data):016x}"
        end = None if took is None else BASE + start + took
        data.append(SpanData(name, "ab" * 16, number, "f" * 16, BASE + start, end))
        for child in (below or {}).get(name, []):
            key = f"{len(data):016x}"
            data.append(SpanData(child, "ab" * 16, key, number, BASE + start, BASE + start))
    return assemble(data)


def matches(forest: Forest, *expected: Any) -> bool:
    return Matcher(forest_of((span("root", *expected),)), forest.roots).forest_matches()


class Ambiguous(Exception):
    pass


def by_trying(wanted: Pattern, spans: list[Span]) -> bool:
    """The definition, word for word: who owns what, then every way to hand the spans out."""
    takers = [(None, one) for one in wanted.children]
    takers += [(g, one) for g, group in enumerate(wanted.groups) for one in group.members]
    owner: list[int | None] = []
    for one in spans:
        owners = {group for group, taker in takers if by_itself(taker, one, clock=False)}
        if len(owners) > 1:
            raise Ambiguous
        owner.append(owners.pop() if owners else None)
    options = [
        [
            number
            for number, (group, taker) in enumerate(takers)
            if group == owned and by_itself(taker, one, clock=True)
        ]
        + ([-1] if wanted.open and owned is None else [])
        for one, owned in zip(spans, owner, strict=True)
    ]
    return any(is_valid(wanted, takers, spans, owner, given_to) for given_to in product(*options))


def by_itself(taker: Pattern, one: Span, *, clock: bool) -> bool:
    if not taker.fields.name_matches(one.name) or one.end_ns is None or one.children:
        return False
    limit = taker.fields.under_ns
    return not clock or limit is None or one.end_ns - one.start_ns < limit


def is_valid(
    wanted: Pattern,
    takers: list[Any],
    spans: list[Span],
    owner: list[int | None],
    given_to: tuple[int, ...],
) -> bool:
    counts = Counter(given_to)
    for number, (_, taker) in enumerate(takers):
        if not taker.low <= counts[number] <= (FOREVER if taker.high is None else taker.high):
            return False
    return all(
        holds(
            group,
            [
                p
                for p, owned in zip(zip(spans, given_to, strict=True), owner, strict=True)
                if owned == number
            ],
        )
        for number, group in enumerate(wanted.groups)
    )


def holds(group: Group, members: list[tuple[Span, int]]) -> bool:
    if group.order == "in_order":
        return not any(
            one.start_ns < other.start_ns and place > later
            for one, place in members
            for other, later in members
        )
    if group.order == "sequential":
        return not any(
            one.start_ns < end_of(other) and other.start_ns < end_of(one)
            for (one, _), (other, _) in combinations(members, 2)
        )
    instants = range(BASE, BASE + 30)
    return len(members) < 2 or any(
        all(one.start_ns <= t < end_of(one) for one, _ in members) for t in instants
    )


def end_of(one: Span) -> int:
    return FOREVER if one.end_ns is None else one.end_ns


members_of_groups = st.builds(
    lambda name, under, times: span(name, under=under).times(*times),
    st.sampled_from(["a", "b", "c", glob("*"), glob("[ab]"), glob("[bc]")]),
    st.none() | st.none() | st.just("2ns"),
    st.sampled_from([(1, 1), (1, 1), (2, 2), (0, 1), (0, None), (1, 2), (1, None)]),
)
groups = st.builds(
    lambda order, members: order(*members),
    st.sampled_from([in_order, in_order, sequential, concurrent]),
    st.lists(members_of_groups, min_size=1, max_size=3),
)
given_children = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 4), st.integers(0, 4)), max_size=5
)


@settings(max_examples=600)
@given(given_children, groups, st.booleans(), st.none() | st.sampled_from(["a", "c", "d"]))
def test_agrees_with_trying_everything(
    children: list[Timed], group: Group, is_open: bool, beside: str | None
) -> None:
    """Order and overlap, ties in start, multiplicities, limits, a pattern beside the group."""
    forest = grow(*children)
    wanted = span("root", group, *([beside] if beside else []), *([...] if is_open else []))
    try:
        expected = by_trying(wanted, forest.roots[0].children)
    except Ambiguous:
        assume(False)
    event(f"{group.order}: {expected}")

    assert Matcher(forest_of((wanted,)), forest.roots).forest_matches() is expected


def test_in_order() -> None:
    """Starts in the listed order; where two start at one instant, either order will do."""
    group = in_order(span("a").times(1, 2), "b")
    assert matches(grow(("a", 1, 8), ("a", 2, 1), ("b", 4, 1)), group)
    assert not matches(grow(("a", 1, 8), ("b", 2, 1), ("a", 4, 1)), group)
    assert matches(grow(("b", 1, 8), ("a", 1, 2)), group)


def test_a_name_may_come_back_in_order() -> None:
    """reserve, charge, reserve is not reserve, reserve, charge."""
    group = in_order("reserve", "charge", "reserve")
    assert matches(grow(("reserve", 1, 1), ("charge", 2, 1), ("reserve", 3, 1)), group)
    assert not matches(grow(("reserve", 1, 1), ("reserve", 2, 1), ("charge", 3, 1)), group)


def test_in_order_with_patterns_that_overlap() -> None:
    """The spans of one instant are handed out so that the members before and after are served."""
    group = in_order(glob("*"), "a", glob("[ab]"))
    assert matches(grow(("a", 1, 1), ("b", 1, 1), ("c", 1, 1)), group)
    assert not matches(grow(("b", 1, 1), ("b", 1, 1), ("c", 1, 1)), group)


def test_intervals_are_half_open() -> None:
    """One may begin at the instant at which the other ends; an open span has no end yet."""
    touching = grow(("a", 1, 3), ("b", 4, 2))
    overlapping = grow(("a", 1, 4), ("b", 4, 2))
    assert matches(touching, sequential("a", "b"))
    assert not matches(overlapping, sequential("a", "b"))
    assert matches(overlapping, concurrent("a", "b"))
    assert not matches(touching, concurrent("a", "b"))
    still = grow(("a", 1, None), ("b", 400, 2))
    assert matches(still, concurrent(span("a", unfinished=True), "b"))
    assert not matches(still, sequential(span("a", unfinished=True), "b"))


def test_one_span_is_in_order_sequential_and_concurrent() -> None:
    """There is nothing it could stand in the way of, even if it took no time."""
    for order in (in_order, sequential, concurrent):
        assert matches(grow(("a", 1, 0)), order("a"))


def test_a_group_owns_what_its_members_match() -> None:
    """A third `a` is not let off by `...`: the group would say nothing about it."""
    assert not matches(grow(("a", 1, 1), ("b", 3, 1), ("a", 5, 1)), in_order("a", "b"), ...)
    assert matches(grow(("a", 1, 1), ("b", 3, 1), ("c", 0, 6)), in_order("a", "b"), ...)


def test_a_sibling_that_differs_below_is_not_owned() -> None:
    """A member matches a span with all that is below it; another one is left to `...`."""
    forest = grow(("a", 1, 1), ("b", 3, 1), below={"b": ["c"]})
    assert matches(forest, in_order("a", span("b").optional), ...)
    assert not matches(forest, in_order("a", span("b").optional))


def test_a_slow_member_stays_a_member() -> None:
    """What a group owns does not depend on clocks, so `...` does not let the slow one off."""
    slow = grow(("a", 1, 1), ("a", 5, 50))
    limited = span("a", under="10ns").times(1, None)
    assert not matches(slow, in_order(limited), ...)
    assert matches(slow, limited, ...)


@pytest.mark.parametrize(
    ("expected", "labels"),
    [
        ([in_order("a"), glob("*")], ["'a' in in_order(...)", "glob('*') beside it"]),
        ([in_order("a"), sequential(glob("[a]"))], ["'a' in in_order(...)", "glob('[a]') beside"]),
        ([span("a", under="1s"), concurrent("a")], ["'a' in concurrent(...)", "'a' beside it"]),
    ],
    ids=["a pattern beside", "another group", "a limit does not tell them apart"],
)
def test_a_sibling_that_could_be_elsewhere_is_refused(
    expected: list[Any], labels: list[str]
) -> None:
    """Both are named."""
    with pytest.raises(PatternError) as caught:
        matches(grow(("a", 1, 2), ("b", 3, 1)), *expected)

    text = str(caught.value)
    assert text.startswith("ambiguous: 'a' matches ")
    for label in labels:
        assert label in text
    assert text.endswith("so make the other one more specific")


def test_groups_among_the_roots() -> None:
    """The roots of a forest are siblings too."""
    data = [
        SpanData(n, "ab" * 16, f"{i:016x}", None, BASE + i, BASE + 9) for i, n in enumerate("ab")
    ]
    forest = assemble(data)
    for order, holds_there in ((in_order("a", "b"), True), (in_order("b", "a"), False)):
        root = forest_of((), (order,))
        assert Matcher(root, forest.roots).forest_matches() is holds_there
