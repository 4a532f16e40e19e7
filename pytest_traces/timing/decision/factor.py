"""What all paths of a run have in common: the machine's speed, or a change that slows them all."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from statistics import median

from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.decision.data import Key, Past, Present

#: So many other paths say how fast this run is.
LEAST_PATHS = 6
#: The number of this run, beside those of the baseline runs.
NOW = -1
_ROUNDS = 3
#: What is shorter says more of the clock than of the machine: a microsecond.
_LEAST = math.log(1_000)

#: Natural logarithms of durations by path.
Logs = Mapping[Key, float]


class Factors:
    """The common factors of the baseline runs and of this one.

    All are logarithms, relative to one another: their own middle has no meaning.
    """

    def __init__(self, past: Sequence[Logs], present: Logs) -> None:
        middles = _polished(past, present)
        self._ratios = [_ratios(one, middles) for one in (*past, present)]
        self._sorted = [sorted(one.values()) for one in self._ratios]

    def without(self, run: int, key: Key) -> tuple[float, int]:
        """The median ratio of the other paths of a run, and over how many; -1 is this run."""
        ordered = self._sorted[run]
        own = self._ratios[run].get(key)
        count = len(ordered) - (own is not None)
        if count < 1:
            return 0.0, 0
        at = len(ordered) if own is None else bisect_left(ordered, own)

        def other(index: int) -> float:
            return ordered[index + (index >= at)]

        return (other((count - 1) // 2) + other(count // 2)) / 2, count


class Calibrations:
    """How fast the machine was while a test ran: in the baseline runs, and in this one."""

    def __init__(self, past: Sequence[Past], present: Present) -> None:
        self._past = past
        self._present = present

    def of(self, key: Key) -> dict[int, float]:
        """The logarithm of the calibration loop beside the test, by the number of the run."""
        loop = key[0], CALIBRATION
        found = {i: _log(run.bests[loop]) for i, run in enumerate(self._past) if loop in run.bests}
        if times := self._present.repeats.get(loop):
            found[NOW] = _log(min(times))
        return found


def logs_of(past: Sequence[Past], present: Present) -> tuple[list[dict[Key, float]], Logs]:
    """The logarithms of the best self times of what this run and the baseline both know."""
    spans = {key: times for key, times in present.repeats.items() if key[1] != CALIBRATION}
    now = {key: _log(min(times)) for key, times in spans.items() if times}
    before = [{key: _log(run.bests[key]) for key in now if key in run.bests} for run in past]
    known = set().union(*before)
    return before, {key: value for key, value in now.items() if key in known}


def _log(ns: int) -> float:
    return math.log(max(1, ns))


def _ratios(run: Logs, middles: Logs) -> dict[Key, float]:
    return {key: value - middles[key] for key, value in run.items() if key in middles}


def _polished(past: Sequence[Logs], present: Logs) -> dict[Key, float]:
    """The middle of each path over the baseline runs, the factor of each run taken away.

    Median polish (Tukey, Exploratory Data Analysis, 1977): rows and columns by turns.
    """
    factors = [0.0] * len(past)
    middles: dict[Key, float] = {}
    for _ in range(_ROUNDS):
        for key in present:
            values = [run[key] - factors[i] for i, run in enumerate(past) if key in run]
            middles[key] = median(values)
        for index, run in enumerate(past):
            if run:
                factors[index] = median(_ratios(run, middles).values())
    return {key: middle for key, middle in middles.items() if middle >= _LEAST}
