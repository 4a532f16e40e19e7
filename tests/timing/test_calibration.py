"""The fixed piece of work."""

from itertools import chain, repeat

from pytest_traces.timing.calibration import calibrate


def test_the_best_of_several_rounds_counts() -> None:
    """What interrupts one round does not count."""
    ticks = chain([0, 900, 1_000, 1_700], *([i * 2_000, i * 2_000 + 800] for i in range(1, 9)))

    assert calibrate(lambda: next(ticks)) == 700


def test_a_clock_that_stands_still_gives_a_figure() -> None:
    """It can be divided by."""
    clock = repeat(5)

    assert calibrate(lambda: next(clock)) == 1
