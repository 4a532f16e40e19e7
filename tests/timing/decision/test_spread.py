"""How much the baseline runs differ among themselves."""

import math
import random

import pytest

from pytest_traces.timing.decision.spread import interval, leave_one_out


def test_equal_runs_have_no_spread() -> None:
    """Whatever their number is."""
    assert leave_one_out([3.0] * 5) == 0


def test_each_run_is_compared_with_the_middle_of_the_others() -> None:
    """The root mean square of these differences, by hand."""
    assert leave_one_out([0.0, 0.1, 0.4]) == pytest.approx(
        math.sqrt((0.25**2 + 0.1**2 + 0.35**2) / 3)
    )


def test_a_run_that_strays_widens_the_spread() -> None:
    """It might be this one."""
    assert leave_one_out([0.0, 0.01, 0.0, 0.01, 0.3]) > 0.1


@pytest.mark.parametrize("runs", [3, 5, 10, 40])
def test_the_interval_covers_about_90_percent(runs: int) -> None:
    """Where runs differ by chance alone, the true ratio is within it in 80 to 97 of 100 cases."""
    chance, covered = random.Random(runs), 0
    for _ in range(2_000):
        *before, now = (chance.gauss(0, 0.05) for _ in range(runs + 1))
        ratio = math.exp(now - sorted(before)[runs // 2])
        low, high = interval(ratio, leave_one_out(before), runs)
        covered += low <= 1 <= high

    assert 0.80 <= covered / 2_000 <= 0.97
