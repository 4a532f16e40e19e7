"""The structure of tests: what each path of spans does, as far as it has no noise.

It lives in a file next to the tests, which is committed and reviewed: for ``tests/test_x.py`` in
``tests/test_x.traces.json``. It has no times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal, NamedTuple

from pytest_traces.timing.baseline.measure import Measured, PathMeasure, Range
from pytest_traces.timing.baseline.paths import CALIBRATION, Path

NO_WORK: Mapping[str, int] = MappingProxyType({})

ChangeKind = Literal["added", "gone", "count", "peak", "critical", "work"]


@dataclass(frozen=True, slots=True)
class PathStructure:
    """What one path of spans does in a test.

    Attributes:
        count: how many spans there are, least and most over the repeats.
        peak: how many of them were open at once at most, least and most: over the repeats, and
            as far as it was luck.
        critical: whether one is on the critical path; None where that is too close to call or
            differs between repeats.
        work: counted events by interpreter (``cpython-3.12``), which each count differently.
    """

    count: Range
    peak: Range
    critical: bool | None = None
    work: Mapping[str, int] = field(default_factory=lambda: NO_WORK)


#: The structure of one test.
TestStructure = Mapping[Path, PathStructure]


class StructureChange(NamedTuple):
    """One certain difference between a baseline and now.

    Attributes:
        kind: ``added`` and ``gone`` are of whole paths.
        path: the path of names.
        before: what the baseline says; None for ``added``.
        after: what it is now; None for ``gone``.
    """

    kind: ChangeKind
    path: Path
    before: PathStructure | None
    after: PathStructure | None


def structure_of(repeats: Sequence[Measured], interpreter: str) -> dict[Path, PathStructure]:
    """What several runs of one test have in common.

    Args:
        repeats: what each run has measured, at least one.
        interpreter: what counted the work: ``cpython-3.12``.

    Returns:
        Each path that any run has, in order of the paths. The number of a path that a run does
        not have is 0 in that run.
    """
    paths = sorted({path for measured in repeats for path in measured if path != CALIBRATION})
    return {
        path: _structure(
            [measured[path] for measured in repeats if path in measured], len(repeats), interpreter
        )
        for path in paths
    }


def _structure(found: list[PathMeasure], runs: int, interpreter: str) -> PathStructure:
    counts = [one.count for one in found] + [0] * (runs - len(found))
    critical = {one.critical for one in found}
    work = {one.work for one in found if one.work is not None}
    return PathStructure(
        count=(min(counts), max(counts)),
        peak=(min(one.peak[0] for one in found), max(one.peak[1] for one in found)),
        critical=critical.pop() if len(critical) == 1 else None,
        work={interpreter: work.pop()} if len(work) == 1 else NO_WORK,
    )


def compare(baseline: TestStructure, now: TestStructure) -> list[StructureChange]:
    """What is certainly different now, in order of the paths.

    A count differs if it lies outside the range of the baseline. A peak differs if all repeats
    are below, or all above, those of the baseline: what overlaps by luck does so sometimes. A
    place on the critical path differs if both are known, and work if one interpreter counted
    both. A path may be missing now if it was missing in some repeat of the baseline.

    Example:
        >>> compare(baseline, structure_of([measure(forest)], "cpython-3.12"))
        []
    """
    changes: list[StructureChange] = []
    for path in sorted({*baseline, *now}):
        before, after = baseline.get(path), now.get(path)
        changes += (
            StructureChange(kind, path, before, after) for kind in differences(before, after)
        )
    return changes


def differences(before: PathStructure | None, after: PathStructure | None) -> list[ChangeKind]:
    """In what one path certainly differs; None where there is no such path."""
    if before is None:
        return [] if after is None else ["added"]
    if after is None:
        return ["gone"] if before.count[0] else []
    found: list[ChangeKind] = []
    if after.count[0] < before.count[0] or after.count[1] > before.count[1]:
        found.append("count")
    if after.peak[1] < before.peak[0] or after.peak[0] > before.peak[1]:
        found.append("peak")
    if None not in (before.critical, after.critical) and before.critical != after.critical:
        found.append("critical")
    if any(after.work.get(key, events) != events for key, events in before.work.items()):
        found.append("work")
    return found


def updated(old: TestStructure, now: TestStructure) -> dict[Path, PathStructure]:
    """The structure to keep: the old one, but for what is certainly different now.

    So a program that has not changed leaves its file as it is, whatever was luck in this run.
    A path whose number or peak has changed is taken as it is now.
    """
    kept: dict[Path, PathStructure] = {}
    for path in sorted({*old, *now}):
        before, after = old.get(path), now.get(path)
        changes = differences(before, after)
        if after is None:
            if before is not None and not changes:
                kept[path] = before
        elif before is None or "count" in changes or "peak" in changes:
            kept[path] = after
        else:
            kept[path] = replace(
                before,
                critical=after.critical if "critical" in changes else before.critical,
                work={**before.work, **after.work},
            )
    return kept
