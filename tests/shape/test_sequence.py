from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.shape.assign import Bounds
from pytest_traces.shape.sequence import in_order

bounds_of_members = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2) | st.none()).map(
        lambda pair: (pair[0], None if pair[1] is None else max(1, pair[0] + pair[1]))
    ),
    min_size=1,
    max_size=4,
)


def by_trying(bounds: Bounds, starts: list[int], takers: list[list[int]]) -> bool:
    """Hands each span to each of its members, and looks whether the starts allow it."""
    for given_to in product(*takers):
        counts = [given_to.count(member) for member in range(len(bounds))]
        if all(
            low <= count and (high is None or count <= high)
            for count, (low, high) in zip(counts, bounds, strict=True)
        ) and not any(
            starts[one] < starts[other] and given_to[one] > given_to[other]
            for one in range(len(starts))
            for other in range(len(starts))
        ):
            return True
    return False


@settings(max_examples=500)
@given(bounds_of_members, st.lists(st.integers(0, 3), max_size=6), st.data())
def test_agrees_with_trying_everything(
    bounds: Bounds, starts: list[int], data: st.DataObject
) -> None:
    """Members that overlap, any multiplicity, and many starts at one instant."""
    members = st.lists(st.sampled_from(range(len(bounds))), unique=True)
    takers = [data.draw(members) for _ in starts]
    takes = [
        [span for span, mine in enumerate(takers) if member in mine]
        for member in range(len(bounds))
    ]

    assert in_order(bounds, starts, takes) is by_trying(bounds, starts, takers)


@pytest.mark.parametrize("wanted", ["aba", "abab", "baab"])
def test_a_name_may_come_back(wanted: str) -> None:
    """In a, b, a the first is not the last."""

    def holds(started: str) -> bool:
        takes = [[n for n, name in enumerate(started) if name == one] for one in wanted]
        return in_order([(1, 1)] * len(wanted), list(range(len(started))), takes)

    assert holds(wanted)
    assert not holds("".join(sorted(wanted)))


def test_ten_thousand_in_order() -> None:
    """As many members as spans; many spans of few members; all of them at one instant."""
    size = 10_000
    singles = [[n] for n in range(size)]
    assert in_order([(1, 1)] * size, list(range(size)), singles)
    assert not in_order([(1, 1)] * size, [*range(size - 2), size, size - 1], singles)
    everything = list(range(size))
    assert in_order([(0, None)] * 3, list(range(size)), [everything] * 3)
    assert in_order([(1, 1)] * size, [7] * size, singles)
    assert not in_order([(size, None), (1, None)], [7] * size, [everything] * 2)
