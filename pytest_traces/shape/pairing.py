"""The best way to pair what is missing with what is there, for the explanation only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

_LARGEST = 100
_TRIES = 100


class Budget:
    """How much may still be looked at; shared by all steps of one explanation."""

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, amount: int) -> bool:
        """Whether there is enough left; takes it if so."""
        if amount > self.left:
            return False
        self.left -= amount
        return True


class Pairs(NamedTuple):
    """Positions that belong together, and whether a shortcut was taken."""

    pairs: list[tuple[int, int]]
    approximate: bool = False


def best_pairs(
    rows: int,
    columns: int,
    fits: Callable[[int, int], bool],
    score: Callable[[int, int], float | None],
    budget: Budget,
) -> Pairs:
    """Pair rows with columns for the greatest total score.

    Args:
        rows: how many rows there are.
        columns: how many columns there are.
        fits: whether two fit at all, quickly; asked where there are too many for scores.
        score: how well two fit, above zero; None if they do not at all.
        budget: what this may cost.

    Returns:
        Pairs in the order of the rows. Up to 100 x 100 and within the budget they are the
        best; beyond, each row takes the first column that fits and is free.
    """
    if not rows or not columns:
        return Pairs([])
    if max(rows, columns) > _LARGEST or not budget.spend(rows * columns):
        return Pairs(_first_come(rows, columns, fits, budget), approximate=True)
    scores = [[score(i, j) for j in range(columns)] for i in range(rows)]
    if rows > columns:
        chosen = _least_cost([[-(row[j] or 0.0) for row in scores] for j in range(columns)])
        pairs = sorted((i, j) for j, i in enumerate(chosen))
    else:
        pairs = list(enumerate(_least_cost([[-(one or 0.0) for one in row] for row in scores])))
    return Pairs([(i, j) for i, j in pairs if scores[i][j] is not None])


def _first_come(
    rows: int, columns: int, fits: Callable[[int, int], bool], budget: Budget
) -> list[tuple[int, int]]:
    pairs, free = [], dict.fromkeys(range(columns))
    for row in range(rows):
        for tries, column in enumerate(free):
            if tries > _TRIES or not budget.spend(1):
                break
            if fits(row, column):
                pairs.append((row, column))
                del free[column]
                break
    return pairs


def _least_cost(costs: Sequence[Sequence[float]]) -> list[int]:
    """The column of each row in an assignment of least total cost (the Hungarian method).

    There are at least as many columns as rows. Rows are added one at a time, each along a
    shortest augmenting path, with potentials that keep all reduced costs at or above zero.
    """
    rows, columns = len(costs), len(costs[0])
    row_potential, column_potential = [0.0] * (rows + 1), [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)  # rows and columns count from 1; 0 is none
    for row in range(1, rows + 1):
        row_of[0] = row
        column, came_from = 0, [0] * (columns + 1)
        least, left = [float("inf")] * (columns + 1), set(range(1, columns + 1))
        done = [0]
        while row_of[column]:
            here = row_of[column]
            for other in left:
                reduced = costs[here - 1][other - 1] - row_potential[here] - column_potential[other]
                if reduced < least[other]:
                    least[other], came_from[other] = reduced, column
            following = min(left, key=lambda other: (least[other], other))
            delta = least[following]
            for one in done:
                row_potential[row_of[one]] += delta
                column_potential[one] -= delta
            for other in left:
                least[other] -= delta
            left.remove(following)
            done.append(following)
            column = following
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    chosen = [0] * rows
    for column in range(1, columns + 1):
        if row_of[column]:
            chosen[row_of[column] - 1] = column - 1
    return chosen
