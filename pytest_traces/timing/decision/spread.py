"""How much the baseline runs differ among themselves, each compared with all the others."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Student's t: 95 % lie below, by degrees of freedom from 1 (NIST/SEMATECH, table 1.3.6.7.2).
_T95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
_NORMAL95 = 1.645


def leave_one_out(logs: Sequence[float]) -> float:
    """The root mean square of each value minus the middle of the others.

    That is how far a run strays which has nothing to do with a change: each run of the baseline
    plays this one. Not a robust measure, so one run that strayed widens what is allowed.

    Args:
        logs: natural logarithms of durations, two at least.
    """
    ordered = sorted(logs)
    low, high = (len(ordered) - 2) // 2, (len(ordered) - 1) // 2
    total = 0.0
    for index, value in enumerate(ordered):
        # The middle of the others, which are all but this one.
        others = ordered[low + (low >= index)] + ordered[high + (high >= index)]
        total += (value - others / 2) ** 2
    return math.sqrt(total / len(ordered))


def interval(ratio: float, spread: float, runs: int) -> tuple[float, float]:
    """The ratios between which the true one lies in about 90 of 100 runs."""
    degrees = runs - 1
    width = (_T95[degrees - 1] if degrees <= len(_T95) else _NORMAL95) * spread
    return ratio * math.exp(-width), ratio * math.exp(width)
