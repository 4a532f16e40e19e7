from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.shape.assign import Bounds, assign, feasible

bounds_of_takers = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3) | st.none()).map(
        lambda pair: (pair[0], None if pair[1] is None else pair[0] + pair[1])
    ),
    max_size=3,
)
counts_of_items = st.lists(st.integers(0, 2), max_size=3)


def ways(bounds: Bounds, counts: list[int], takes: list[list[int]], take_all: bool) -> list[int]:
    """How many items each complete assignment gives away, one item at a time."""
    units = [item for item, count in enumerate(counts) for _ in range(count)]
    choices = [
        [taker for taker, items in enumerate(takes) if item in items] + ([] if take_all else [None])
        for item in units
    ]
    return [
        sum(taker is not None for taker in given_to)
        for given_to in product(*choices)
        if all(
            low <= given_to.count(taker) and (high is None or given_to.count(taker) <= high)
            for taker, (low, high) in enumerate(bounds)
        )
    ]


@settings(max_examples=400)
@given(bounds_of_takers, counts_of_items, st.booleans(), st.data())
def test_an_assignment_is_found_if_there_is_one(
    bounds: Bounds, counts: list[int], take_all: bool, data: st.DataObject
) -> None:
    """Against every way to hand the items out; and as many are given away as can be."""
    subsets = st.lists(st.sampled_from(range(len(counts))), unique=True) if counts else st.just([])
    takes = [data.draw(subsets) for _ in bounds]
    possible = ways(bounds, counts, takes, take_all)
    found = assign(bounds, counts, takes, take_all=take_all)

    assert found.complete is bool(possible)
    assert feasible(bounds, counts, takes, take_all=take_all) is bool(possible)
    for (taker, item), number in found.flow.items():
        assert item in takes[taker]
        assert number > 0
    for item, count in enumerate(counts):
        assert sum(n for (_, given_item), n in found.flow.items() if given_item == item) <= count
    for taker, (low, high) in enumerate(bounds):
        got = sum(n for (given_to, _), n in found.flow.items() if given_to == taker)
        assert high is None or got <= high
        assert not found.complete or got >= low
    if possible:
        assert sum(found.flow.values()) == max(possible)


def test_nothing_wanted_and_nothing_there() -> None:
    """An empty level is complete; one item more is not, unless others are allowed."""
    assert feasible([], [], [], take_all=True)
    assert not feasible([], [1], [], take_all=True)
    assert feasible([], [1], [], take_all=False)
    assert not feasible([(1, 1)], [], [[]], take_all=False)


def test_those_who_can_take_the_same_count_as_one() -> None:
    """Two thousand takers of the same two thousand items are a single question."""
    everything = list(range(2_000))
    found = assign([(1, 1)] * 2_000, [1] * 2_000, [everything] * 2_000, take_all=True)

    assert found.complete
    assert len({item for _, item in found.flow}) == len({taker for taker, _ in found.flow}) == 2_000


def test_a_long_chain_of_displacements() -> None:
    """Each taker but the last can have its own item or the next one; the last wants the first."""
    size = 3_000
    takes = [[n, n + 1] for n in range(size - 1)] + [[0]]
    assert feasible([(1, 1)] * size, [1] * size, takes, take_all=True)
