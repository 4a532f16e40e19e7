"""The best way to pair what is missing with what is there, for the explanation only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

_LARGEST = 100


class Pairs(NamedTuple):
    """Positions that belong together, and whether a shortcut was taken."""

    pairs: list[tuple[int, int]]
    approximate: bool


def best_pairs(
    rows: int, columns: int, score: Callable[[int, int], float | None], budget: list[int]
) -> Pairs:
    """Pair rows with columns for the greatest total score.

    Args:
        rows: how many rows there are.
        columns: how many columns there are.
        score: how well two fit, above zero; None if they do not at all.
        budget: how many scores may still be asked for; shared by the calls of one explanation.

    Returns:
        Pairs in the order of the rows. Up to 100 x 100 and within the budget they are the
        best; beyond, the first row takes its first fitting column, and so on.
    """
    if rows > _LARGEST or columns > _LARGEST or rows * columns > budget[0]:
        return Pairs(_greedy(rows, columns, score, budget), approximate=True)
    budget[0] -= rows * columns
    if rows > columns:
        turned = best_pairs(columns, rows, lambda j, i: score(i, j), budget)
        return Pairs(sorted((i, j) for j, i in turned.pairs), approximate=False)
    scores = [[score(i, j) for j in range(columns)] for i in range(rows)]
    costs = [[0.0 if one is None else -one for one in row] for row in scores]
    chosen = _least_cost(costs, columns)
    return Pairs(
        [(i, j) for i, j in enumerate(chosen) if scores[i][j] is not None], approximate=False
    )


def _greedy(
    rows: int, columns: int, score: Callable[[int, int], float | None], budget: list[int]
) -> list[tuple[int, int]]:
    pairs, free = [], dict.fromkeys(range(columns))
    for row in range(rows):
        for tries, column in enumerate(free):
            if budget[0] <= 0 or tries > _LARGEST:
                break
            budget[0] -= 1
            if score(row, column) is not None:
                pairs.append((row, column))
                del free[column]
                break
    return pairs


def _least_cost(costs: Sequence[Sequence[float]], columns: int) -> list[int]:
    """The column of each row in an assignment of least total cost (the Hungarian method).

    Rows are added one at a time, each along a shortest augmenting path, with potentials that
    keep all reduced costs at or above zero.
    """
    rows = len(costs)
    row_potential, column_potential = [0.0] * (rows + 1), [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)  # rows and columns count from 1; 0 is none
    for row in range(1, rows + 1):
        row_of[0] = row
        column, came_from = 0, [0] * (columns + 1)
        least, done = [float("inf")] * (columns + 1), [False] * (columns + 1)
        while True:
            done[column] = True
            here, delta, following = row_of[column], float("inf"), 0
            for other in range(1, columns + 1):
                if done[other]:
                    continue
                reduced = costs[here - 1][other - 1] - row_potential[here] - column_potential[other]
                if reduced < least[other]:
                    least[other], came_from[other] = reduced, column
                if least[other] < delta:
                    delta, following = least[other], other
            for other in range(columns + 1):
                if done[other]:
                    row_potential[row_of[other]] += delta
                    column_potential[other] -= delta
                else:
                    least[other] -= delta
            column = following
            if row_of[column] == 0:
                break
        while column:
            row_of[column] = row_of[came_from[column]]
            column = came_from[column]
    chosen = [0] * rows
    for column in range(1, columns + 1):
        if row_of[column]:
            chosen[row_of[column] - 1] = column - 1
    return chosen
