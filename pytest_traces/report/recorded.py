"""What was recorded as a baseline, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from pytest_traces.report.words import listed, plural, shown
from pytest_traces.timing.baseline.paths import written
from pytest_traces.timing.baseline.structure import PathStructure, StructureChange
from pytest_traces.timing.baseline.timings import KEPT, Run, Timings
from pytest_traces.timing.baseline.updating import StructureUpdate

_MOST_CHANGES = 20


def structure_lines(update: StructureUpdate) -> list[str]:
    """What was done to the structure of a test file; nothing where there was nothing to do."""
    if not (update.tests or update.written or update.stale):
        return []
    parts = [plural(update.tests, "test")]
    if update.added:
        parts.append(f"{len(update.added):,} new")
    if update.changed:
        parts.append(f"{len(update.changed):,} changed")
    state = "written" if update.written else "is as it was"
    lines = [f"{update.shown}: {state}; {', '.join(parts)}"]
    shown = 0
    for test, changes in update.changed.items():
        lines.append(f"  {test}")
        left = max(0, _MOST_CHANGES - shown)
        lines += (f"    {change_in_words(change)}" for change in changes[:left])
        shown += len(changes)
    if shown > _MOST_CHANGES:
        lines.append(f"    and {plural(shown - _MOST_CHANGES, 'more change')}")
    return lines + _gone_lines(update.stale, update.pruned)


def change_in_words(change: StructureChange) -> str:
    """One difference: ``POST > SELECT items: 1 span -> 5 spans``."""
    path = written(tuple(shown(name) for name in change.path))
    if change.before is None or change.after is None:
        mark, one = ("+", change.after) if change.before is None else ("-", change.before)
        return f"{mark} {path}" + (f": {_count(one)}" if one is not None else "")
    before, after = change.before, change.after
    if change.kind == "count":
        return f"~ {path}: {_count(before)} -> {_count(after)}"
    if change.kind == "peak":
        return f"~ {path}: {_at_once(before)} -> {_at_once(after)} at once"
    if change.kind == "critical":
        now = "now" if after.critical else "no longer"
        return f"~ {path}: {now} on the critical path"
    events = [
        f"{before.work[key]:,} -> {after.work[key]:,} events ({key})"
        for key in sorted(before.work)
        if after.work.get(key, before.work[key]) != before.work[key]
    ]
    return f"~ {path}: {', '.join(events)}"


def _count(one: PathStructure) -> str:
    low, high = one.count
    return plural(high, "span") if low == high else f"{low} to {plural(high, 'span')}"


def _at_once(one: PathStructure) -> str:
    low, high = one.peak
    return str(high) if low == high else f"{low} to {high}"


def timings_line(
    shown: str, run: Run, timings: Timings, stale: Collection[str], *, pruned: bool
) -> list[str]:
    """What was added to the timings of an environment."""
    most = max((one.repeats for paths in run.tests.values() for one in paths.values()), default=0)
    line = f"{shown}: {plural(len(run.tests), 'test')}"
    if most > 1:
        line += f", each up to {plural(most, 'time')}"
    had = Counter(test for one in timings.runs for test in one.tests if test in run.tests)
    if had:
        low, high = min(had.values()), max(had.values())
        runs = plural(high, "run") if low == high else f"{low} to {plural(high, 'run')}"
        line += f"; {runs} of each, at most {KEPT}"
    names = sorted(stale)
    return [line, *_gone_lines([] if pruned else names, names if pruned else [])]


def new_baseline_lines(
    shown: str, runs: Mapping[str, int], left: Sequence[Mapping[str, str]]
) -> list[str]:
    """What several processes have recorded as a new baseline.

    Args:
        shown: the file, as messages name it.
        runs: of each test that was recorded, how many runs there are of it.
        left: of each process, which tests it did not record, and why.
    """
    numbers = sorted(Counter(runs.values()).items(), reverse=True)
    found = [
        f"{plural(tests, 'test')} with {plural(number, 'run')}{' each' if tests > 1 else ''}"
        for number, tests in numbers
    ]
    said = ", ".join(found) or "nothing was recorded, as no test that passed has spans"
    by_reason: dict[tuple[int, str], list[str]] = {}
    times = Counter((test, why) for one in left for test, why in one.items())
    for (test, why), number in sorted(times.items()):
        by_reason.setdefault((-number, why), []).append(test)
    processes = f"{len(left)} process{'' if len(left) == 1 else 'es'}"
    return [f"{shown}: {said}"] + [
        f"not recorded by {-number} of {processes} ({why}): {listed(tests)}"
        for (number, why), tests in sorted(by_reason.items())
    ]


def _gone_lines(stale: Sequence[str], pruned: Sequence[str]) -> list[str]:
    lines = []
    if pruned:
        lines.append(f"  taken out, no longer collected: {listed(pruned)}")
    if stale:
        lines.append(f"  no longer collected, kept without --traces-prune: {listed(stale)}")
    return lines
