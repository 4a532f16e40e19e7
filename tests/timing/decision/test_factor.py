"""What all paths of a run have in common."""

import math
import random
from statistics import median

import pytest

from pytest_traces.timing.decision.data import Past, Present
from pytest_traces.timing.decision.factor import Factors, logs_of


def key(number: int) -> tuple[str, tuple[str, ...]]:
    return "test", (f"span {number}",)


def factors_of(past: list[list[int]], present: list[int]) -> Factors:
    runs = [Past({key(i): ns for i, ns in enumerate(run)}) for run in past]
    return Factors(*logs_of(runs, Present({key(i): [ns] for i, ns in enumerate(present)})))


def test_a_machine_that_is_slower_by_half_is_seen() -> None:
    """All paths but one that changed by itself say so."""
    steady = [10_000 * (i + 1) for i in range(8)]
    now = [round(1.5 * ns) for ns in steady]
    now[0] *= 4

    factor, paths = factors_of([steady] * 3, now).without(-1, key(0))

    assert math.exp(factor) == pytest.approx(1.5)
    assert paths == 7


def test_each_run_has_its_own_factor() -> None:
    """Machines of the baseline may differ, too."""
    steady = [10_000 * (i + 1) for i in range(8)]
    runs = [[round(speed * ns) for ns in steady] for speed in (1.0, 0.5, 2.0)]

    factors = factors_of(runs, steady)

    seen = [math.exp(factors.without(run, key(3))[0]) for run in (0, 1, 2)]
    assert [one / seen[0] for one in seen] == pytest.approx([1.0, 0.5, 2.0])


def test_a_path_alone_has_no_others() -> None:
    """Nothing can be said of the machine."""
    assert factors_of([[50_000]] * 3, [70_000]).without(-1, key(0)) == (0.0, 0)


def test_what_is_shorter_than_a_microsecond_says_nothing_of_the_machine() -> None:
    """It says more of the clock."""
    assert factors_of([[300, 400, 90_000]] * 3, [900, 900, 90_000]).without(-1, key(2)) == (0.0, 0)


@pytest.mark.parametrize("number", range(1, 10))
def test_the_median_of_the_others_is_exact(number: int) -> None:
    """Found by a position in a sorted list, and the same as by leaving the path out."""
    chance = random.Random(number)
    steady = [100_000] * number
    now = [chance.randrange(50_000, 200_000) for _ in steady]
    factors = factors_of([steady] * 3, now)

    for index in range(number):
        others = [math.log(ns / 100_000) for i, ns in enumerate(now) if i != index]
        expected = median(others) if others else 0.0
        assert factors.without(-1, key(index)) == (pytest.approx(expected), number - 1)


def test_a_path_that_this_run_does_not_have_is_left_out() -> None:
    """And one that the baseline does not have."""
    before, now = logs_of(
        [Past({key(1): 5, key(2): 0})], Present({key(2): [7, 3], key(3): [9], key(4): []})
    )

    assert before == [{key(2): 0.0}]
    assert now == {key(2): pytest.approx(math.log(3))}
