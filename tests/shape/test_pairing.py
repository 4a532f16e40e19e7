from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.shape.pairing import Budget, best_pairs

scores = st.integers(1, 3).flatmap(
    lambda columns: st.lists(
        st.lists(st.none() | st.integers(1, 9).map(float), min_size=columns, max_size=columns),
        min_size=1,
        max_size=4,
    )
)


def total(table: list[list[float | None]], pairs: list[tuple[int, int]]) -> float:
    return sum(table[i][j] or 0.0 for i, j in pairs)


@settings(max_examples=300)
@given(scores)
def test_the_best_total_of_all_pairings(table: list[list[float | None]]) -> None:
    """Against every way to pair rows with columns."""
    rows, columns = len(table), len(table[0])
    found = best_pairs(rows, columns, lambda i, j: True, lambda i, j: table[i][j], Budget(1_000))
    small = min(rows, columns)
    best = max(
        total(table, list(zip(chosen, order, strict=True)))
        for chosen in permutations(range(rows), small)
        for order in permutations(range(columns), small)
    )

    assert not found.approximate
    assert total(table, found.pairs) == best
    assert all(table[i][j] is not None for i, j in found.pairs)
    assert len({i for i, _ in found.pairs}) == len({j for _, j in found.pairs}) == len(found.pairs)


def test_too_many_are_paired_as_they_come() -> None:
    """Beyond a hundred rows each takes the first free column that fits, and that is said."""
    found = best_pairs(101, 101, lambda i, j: (i + j) % 2 == 1, lambda i, j: 1 / 0, Budget(100_000))

    assert found.approximate
    assert found.pairs[:3] == [(0, 1), (1, 0), (2, 3)]


def test_a_budget_that_is_spent_ends_the_search() -> None:
    """What was found until then is kept."""
    found = best_pairs(50, 50, lambda i, j: i == j, lambda i, j: 1.0, Budget(10))
    assert found.approximate
    assert found.pairs == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7), (8, 8),
                           (9, 9)]  # fmt: skip


def test_a_budget_gives_all_or_nothing() -> None:
    """An amount that is not there leaves the rest as it is."""
    budget = Budget(3)
    assert budget.spend(2)
    assert not budget.spend(2)
    assert budget.left == 1


def test_nothing_to_pair() -> None:
    """No rows or no columns: no pairs, and no shortcut was taken."""
    never = best_pairs(0, 3, lambda i, j: True, lambda i, j: 1.0, Budget(0))
    assert never.pairs == []
    assert not never.approximate
