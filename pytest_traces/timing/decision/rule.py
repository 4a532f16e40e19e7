"""The decision rule: is a path slower than in the baseline runs, or does it only look so.

Best of the repeats, divided by what all other paths have in common, over a limit that the
baseline runs themselves set. What is said of one run stands only when a second process says
the same.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import median

from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.decision.data import (
    Basis,
    Key,
    Outcome,
    Past,
    Present,
    Scale,
    Verdict,
)
from pytest_traces.timing.decision.factor import LEAST_PATHS, NOW, Calibrations, Factors, logs_of
from pytest_traces.timing.decision.spread import interval, leave_one_out

#: A verdict takes so many baseline runs.
LEAST_RUNS = 3
#: Repeats: the first number always, the next ones only while something is over.
STAGES = (5, 10, 30)
#: A baseline run has up to so many times the least number of repeats, while all of them together
#: have taken no longer than this.
RECORDED_TIMES = 3
RECORDED_NS = 1_000_000_000
FLOOR = 0.25
SPREADS = 4.0
#: Over such a cut, nothing that matters could be seen; only what is over it twice as far, on the
#: scale of ratios, is no noise either.
NOISIEST_CUT = 2.0
#: What a path must take longer to be more than a note.
LEAST_ADDED_NS = 50_000
#: Shorter self times count as this: what a clock and a scheduler do to them is no news.
GRAIN_NS = 20_000

_GRAIN = math.log(GRAIN_NS)


def judge(
    past: Sequence[Past], present: Present, keys: Collection[Key] | None = None
) -> dict[Key, Verdict]:
    """What this run says of each path, as far as the baseline runs allow.

    Args:
        past: the runs of the baseline, of this environment.
        present: this run; the more paths it has, the better the common factor.
        keys: the paths to judge; None for all.
    """
    judged = present.repeats if keys is None else keys
    before, now = logs_of(past, present)
    factors, calibrations = Factors(before, now), Calibrations(past, present)
    verdicts = {}
    for key in judged:
        if key[1] == CALIBRATION:
            continue
        times = present.repeats.get(key, ())
        runs = [index for index, run in enumerate(before) if key in run]
        if not times or len(runs) < LEAST_RUNS:
            verdicts[key] = _undecided(key, times, runs, past)
        else:
            values = {NOW: now[key], **{index: before[index][key] for index in runs}}
            scales = _scales(key, values, factors, calibrations.of(key))
            verdicts[key] = _verdict(key, scales, past, times)
    return verdicts


def next_stage(repeats: int, first: int) -> int | None:
    """How many repeats to have next while something is over; None when there are enough."""
    return next((stage for stage in sorted({first, *STAGES}) if stage > max(repeats, 0)), None)


def is_recorded(repeats: int, least: int, took_ns: int) -> bool:
    """Whether a baseline run has enough repeats of a test.

    A short test is over within one slow phase of the machine, and the baseline runs then differ by
    the phases that they met: of a computation of some milliseconds the best of 5 by 20 %, the best
    of 15, over a second, by 7 %. What they differ by is what nothing can be seen below.

    Args:
        repeats: how many it has.
        least: how many it has to have.
        took_ns: how long all of them took together.
    """
    most = max(least, min(RECORDED_TIMES * least, STAGES[-1]))
    return repeats >= most or (repeats >= least and took_ns >= RECORDED_NS)


def _undecided(
    key: Key, times: Sequence[int], runs: Sequence[int], past: Sequence[Past]
) -> Verdict:
    if not times:
        reason = "it did not run"
    elif not runs:
        reason = "it is in no run of the baseline" if past else "there is no baseline"
    else:
        of = "of the baseline"
        known = f"1 run {of} knows" if len(runs) == 1 else f"{len(runs)} runs {of} know"
        reason = f"only {known} it, a verdict takes {LEAST_RUNS}"
    return Verdict(
        key, "undecided", after_ns=min(times, default=0), repeats=len(times), runs=len(runs),
        reason=reason,
    )  # fmt: skip


def _scales(
    key: Key, values: Mapping[int, float], factors: Factors, calibrations: Mapping[int, float]
) -> list[Scale]:
    """Raw, or divided by what all have in common: whichever the baseline runs show to vary less.

    Those that vary less than twice as much as the best of them are as good, so that all of them
    have to be over, and the first one decides, which is least so. If the baseline is of one machine
    only, it cannot show what goes with the machine: a wait that is divided looks slow on a faster
    one, work that is not divided on a slower one.
    """
    shifts, count = {}, factors.without(NOW, key)[1]
    for run in values:
        factor, paths = factors.without(run, key)
        if paths >= LEAST_PATHS:
            shifts[run] = factor
    raw = _divided("raw", values, dict.fromkeys(values, 0.0))
    common = _divided("paths", values, shifts)
    loop = _divided("calibration", values, calibrations)
    # Where most paths wait, what they have in common is no speed.
    if loop is not None and (common is None or 2 * loop.spread < common.spread):
        common = loop
    scales = [scale for scale in (common, raw) if scale is not None]
    least = min(scale.spread for scale in scales)
    equal = [scale for scale in scales if scale.spread <= 2 * least]
    # Said in any case: how this run differs as a whole.
    seen = scales[0].factor
    paths = count if scales[0].basis == "paths" else 0
    return [
        scale._replace(factor=scale.factor if scale.basis != "raw" else seen, paths=paths)
        for scale in sorted(equal, key=lambda scale: scale.ratio / _cut(scale.spread))
    ]


def _divided(
    basis: Basis, values: Mapping[int, float], shifts: Mapping[int, float]
) -> Scale | None:
    """This run against the others, all divided by their factors; None if too few have one."""
    runs = [run for run in values if run in shifts and run != NOW]
    if len(runs) < LEAST_RUNS or NOW not in shifts:
        return None
    middle = median(shifts[run] for run in runs)
    logs = {run: max(_GRAIN, values[run] - shifts[run] + middle) for run in (*runs, NOW)}
    before = [logs[run] for run in runs]
    factor = math.exp(shifts[NOW] - middle)
    ratio = math.exp(logs[NOW] - median(before))
    return Scale(basis, factor, 0, ratio, leave_one_out(before), tuple(runs))


def _cut(spread: float) -> float:
    return 1 + max(FLOOR, SPREADS * spread)


def _outcome(scale: Scale, best: int) -> Outcome:
    cut = _cut(scale.spread)
    if cut > NOISIEST_CUT and scale.ratio <= cut**2:
        return "noisy"
    if scale.ratio <= cut:
        return "within"
    return "over" if best - _expected(scale, best) >= LEAST_ADDED_NS else "small"


def _expected(scale: Scale, best: int) -> float:
    return max(1.0, best / scale.ratio)


def _verdict(
    key: Key, scales: Sequence[Scale], past: Sequence[Past], times: Sequence[int]
) -> Verdict:
    scale, best = scales[0], min(times)
    before = [past[run].bests[key] for run in scale.runs]
    outcome, cut, expected = _outcome(scale, best), _cut(scale.spread), _expected(scale, best)
    low, high = interval(scale.ratio, scale.spread, len(before))
    return Verdict(
        key,
        outcome,
        before_ns=round(median(before)),
        after_ns=best,
        ratio=scale.ratio,
        low=low,
        high=high,
        cut=cut,
        cut_from="spread" if cut > 1 + FLOOR else "floor",
        spread=scale.spread,
        basis=scale.basis,
        factor=scale.factor,
        paths=scale.paths,
        added_ns=round(best - expected),
        over=sum(1 for time in times if time > cut * expected),
        repeats=len(times),
        runs=len(before),
        reason="it varies too much in the baseline runs" if outcome == "noisy" else None,
        looks_over=any(_outcome(one, best) == "over" for one in scales),
    )
