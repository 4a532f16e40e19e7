"""The timings of the last runs in one environment: ``.traces/timings/<environment>.json``.

Another environment is another machine, and says nothing of this one. A run is known by its key:
the parts of one run, from shards or from processes, have the same key and become one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from pytest_traces.timing.baseline.measure import Measured
from pytest_traces.timing.baseline.paths import Path

#: So many runs of each test are kept, the newest ones.
KEPT = 10
NO_FIELDS: Mapping[str, object] = MappingProxyType({})


class PathTiming(NamedTuple):
    """How long the spans of one path took themselves in the repeats of one run, together.

    Attributes:
        best_ns: the least of the repeats, in nanoseconds.
        median_ns: the middle of the repeats, rounded down.
        repeats: how many repeats had the path.
        fields: what a later version has written, which is kept.
    """

    best_ns: int
    median_ns: int
    repeats: int
    fields: Mapping[str, object] = NO_FIELDS


#: By test (its whole node id) and path.
TestTimings = Mapping[str, Mapping[Path, PathTiming]]


class Run(NamedTuple):
    """What one run measured.

    Attributes:
        key: what its parts have in common.
        recorded: when it ended, in UTC: ``2026-11-22T23:05:00.000Z``.
        revision: the commit that was checked out, where that is known.
        tests: the timings; beside the paths of spans that of the calibration loop.
        fields: what a later version has written, which is kept.
    """

    key: str
    recorded: str
    revision: str | None
    tests: TestTimings
    fields: Mapping[str, object] = NO_FIELDS


class Timings(NamedTuple):
    """The runs of one environment, the oldest first; ``fields`` are of a later version."""

    environment: str
    runs: tuple[Run, ...] = ()
    fields: Mapping[str, object] = NO_FIELDS


def timing_of(repeats: Sequence[Measured]) -> dict[Path, PathTiming]:
    """The best and the middle of each path over several runs of one test."""
    taken: dict[Path, list[int]] = {}
    for measured in repeats:
        for path, one in measured.items():
            taken.setdefault(path, []).append(one.total_self_ns)
    return {path: _timing(sorted(taken[path])) for path in sorted(taken)}


def _timing(taken: list[int]) -> PathTiming:
    half = len(taken) // 2
    middle = taken[half] if len(taken) % 2 else (taken[half - 1] + taken[half]) // 2
    return PathTiming(taken[0], middle, len(taken))


def united(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The runs by key in order of their end, of each test the last ten; those without tests go.

    The order they come in is no matter. Of a test that two parts of a run have, the part with
    more repeats counts.
    """
    by_key: dict[str, Run] = {}
    for run in runs:
        if run.tests:
            known = by_key.get(run.key)
            by_key[run.key] = run if known is None else _joined(known, run)
    return _newest(sorted(by_key.values(), key=lambda run: (run.recorded, run.key)))


def _newest(runs: Sequence[Run]) -> tuple[Run, ...]:
    """Each test in the last ten of the runs that have it: one test takes no other one out."""
    had: Counter[str] = Counter()
    kept = []
    for run in reversed(runs):
        tests = {test: paths for test, paths in run.tests.items() if had[test] < KEPT}
        had.update(tests.keys())
        if tests:
            kept.append(run._replace(tests=tests))
    return tuple(reversed(kept))


def replaced(runs: Sequence[Run], new: Run, beside: Collection[str]) -> tuple[Run, ...]:
    """The runs and one of a new baseline, which takes the tests that it has out of older ones.

    Args:
        runs: what is known.
        new: what was measured; tests that it has not stay as they are.
        beside: the keys of the other runs of the new baseline.
    """
    siblings = [run for run in runs if run.key in beside]
    older = without((run for run in runs if run.key not in beside), new.tests)
    return united((*older, *siblings, new))


def _joined(one: Run, other: Run) -> Run:
    """Two parts of one run. Which is which is no matter."""
    tests = dict(one.tests)
    for test, paths in other.tests.items():
        tests[test] = max(tests.get(test, paths), paths, key=_weight)
    return Run(
        key=one.key,
        recorded=max(one.recorded, other.recorded),
        revision=max((one.revision, other.revision), key=lambda revision: revision or ""),
        tests=tests,
        fields=joined_fields(one.fields, other.fields),
    )


def _weight(paths: Mapping[Path, PathTiming]) -> tuple[object, ...]:
    """The most repeats first; the rest is there so that any two have an order."""
    most = max((one.repeats for one in paths.values()), default=0)
    ordered = sorted(paths.items())
    numbers = [(path, one.best_ns, one.median_ns, one.repeats) for path, one in ordered]
    return most, numbers, [sorted(map(repr, one.fields.items())) for _, one in ordered]


def joined_fields(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Fields that are not known here, of both; of one that differs, the greater as text."""
    fields = dict(one)
    for name, value in other.items():
        fields[name] = max(fields.get(name, value), value, key=repr)
    return fields


def without(runs: Iterable[Run], gone: Iterable[str]) -> tuple[Run, ...]:
    """The runs without these tests; one that is left without any goes, too."""
    names = frozenset(gone)
    kept = []
    for run in runs:
        tests = {test: paths for test, paths in run.tests.items() if test not in names}
        if tests:
            kept.append(run._replace(tests=tests))
    return tuple(kept)
