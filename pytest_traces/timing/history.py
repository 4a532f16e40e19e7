"""What this session is compared with, and what it has measured so far."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

from pytest_traces.timing.baseline.environment import interpreter
from pytest_traces.timing.baseline.measure import Measured
from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.baseline.structure import (
    StructureChange,
    TestStructure,
    compare,
    structure_of,
)
from pytest_traces.timing.baseline.structure_file import (
    StructureFile,
    load_structure,
    structure_path,
)
from pytest_traces.timing.baseline.timings import Run, Timings
from pytest_traces.timing.baseline.timings_file import load_timings, timings_path
from pytest_traces.timing.decision.comparison import Baseline, Comparison
from pytest_traces.timing.decision.data import Key, Past, Present, Verdict
from pytest_traces.timing.decision.rule import LEAST_RUNS, judge, next_stage

#: So many of the paths that were measured last say how fast this session is.
_RECENT_PATHS = 500
#: What differs once, differs; whether spans overlap may be luck, so all repeats have to say it.
_AT_ONCE = ("added", "gone", "count", "work")

#: Measures tests in a process of its own; or says why that was not possible.
Confirm = Callable[[Sequence[str]], "Run | str"]


class History:
    """The baseline of a session, and the session itself.

    Args:
        root: the folder that ids of tests begin at.
        folder: where the timings of environments are.
        environment: the key of this one.
        repeats: how many repeats there are before anything is judged.
        confirm: measures tests in a second process.
        revision: the revision whose timings these are, if they were made for this session.
        judges: whether anything is compared; not while a baseline is being recorded.
    """

    def __init__(
        self,
        root: Path,
        folder: Path,
        environment: str,
        *,
        repeats: int,
        confirm: Confirm | None = None,
        revision: str | None = None,
        judges: bool = True,
    ) -> None:
        self.root = root
        self.folder = folder
        self.environment = environment
        self.repeats = repeats
        self.judges = judges
        self.revision = revision
        #: What was decided so far, by test.
        self.comparisons: dict[str, Comparison] = {}
        self._confirm = confirm
        self._measured: dict[str, dict[Key, list[int]]] = {}
        self._files: dict[str, StructureFile | None] = {}

    @cached_property
    def timings(self) -> Timings:
        """What the file of this environment says.

        Raises:
            BaselineError: it cannot be used.
        """
        path = timings_path(self.folder, self.environment)
        return load_timings(path, self._shown(path)) or Timings(self.environment)

    @cached_property
    def past(self) -> list[Past]:
        """The runs of the baseline, as they are judged by."""
        return [past_of(run) for run in self.timings.runs]

    def structure(self, test: str) -> TestStructure | None:
        """The recorded structure of a test.

        Raises:
            BaselineError: its file cannot be used.
        """
        name, _, within = test.partition("::")
        if name not in self._files:
            path = self._structure_path(name)
            self._files[name] = load_structure(path, self._shown(path))
        file = self._files[name]
        return None if file is None else file.tests.get(within or name)

    def structure_file(self, test: str) -> str:
        """The name of the file that has the structure of a test, as messages show it."""
        return self._shown(self._structure_path(test.partition("::")[0]))

    def _structure_path(self, name: str) -> Path:
        return structure_path(Path(os.path.normpath(self.root / name)))

    def baseline(self, test: str) -> Baseline:
        """What there is to compare a test with."""
        return Baseline(
            structure=self.structure(test) is not None,
            environment=self.environment,
            runs=sum(1 for run in self.timings.runs if test in run.tests),
            others=self._others(),
            revision=self.revision,
        )

    def _others(self) -> tuple[str, ...]:
        try:
            found = {path.stem for path in self.folder.glob("*.json")}
        except OSError:  # what cannot be read is said where it is needed
            return ()
        return tuple(sorted(found - {self.environment}))

    def wants(
        self, test: str, runs: Sequence[Measured], timed: Sequence[Measured] | None = None
    ) -> str | None:
        """Why the test has to run again before it can be judged; None if it has not.

        Args:
            test: its id.
            runs: what its runs have measured so far.
            timed: those of them that count for durations, if not all do.
        """
        timed = runs if timed is None else timed
        if self.changes(test, runs, is_final=False):
            return None
        changes = self.changes(test, runs)
        can_judge = self.baseline(test).runs >= LEAST_RUNS
        if len(timed) < self.repeats and (changes or can_judge):
            return f"it is compared with its baseline, which takes {self.repeats} repeats"
        if not can_judge:
            return None
        self.remember(test, timed)
        if not any(one.looks_over for one in self.verdicts(test)):
            return None
        stage = next_stage(len(timed), self.repeats)
        if stage is None:
            return None
        return f"it looks slower than its baseline, and is looked at {stage} times"

    def changes(
        self, test: str, runs: Sequence[Measured], *, is_final: bool = True
    ) -> tuple[StructureChange, ...]:
        """In what the structure of a test is certainly different.

        Args:
            test: its id.
            runs: what its runs have measured so far.
            is_final: whether these are all; else only what no later run can refute.
        """
        known = self.structure(test)
        if known is None or not runs:
            return ()
        found = compare(known, structure_of(runs, interpreter()))
        return tuple(one for one in found if is_final or one.kind in _AT_ONCE)

    def remember(self, test: str, runs: Sequence[Measured]) -> None:
        """What a test has measured counts for the common factor of those that come."""
        taken: dict[Key, list[int]] = {}
        for measured in runs:
            for path, one in measured.items():
                taken.setdefault((test, path), []).append(one.total_self_ns)
        self._measured.pop(test, None)  # the newest is the last one
        self._measured[test] = taken

    def verdicts(self, test: str) -> tuple[Verdict, ...]:
        """What is said of the durations of a test that is remembered, beside those before it."""
        own = self._measured.get(test, {})
        found, paths = dict(own), 0
        for one in reversed(self._measured):
            if paths >= _RECENT_PATHS:
                break
            found.update(self._measured[one])
            paths += sum(1 for _, path in self._measured[one] if path != CALIBRATION)
        return tuple(judge(self.past, Present(found), own).values())

    def all_verdicts(self) -> dict[str, tuple[Verdict, ...]]:
        """The same of all tests that are remembered, the common factor over all of them."""
        everything = {key: t for taken in self._measured.values() for key, t in taken.items()}
        verdicts = judge(self.past, Present(everything))
        return {
            test: tuple(verdicts[key] for key in taken if key in verdicts)
            for test, taken in self._measured.items()
        }

    def decide(
        self, test: str, runs: Sequence[Measured], timed: Sequence[Measured] | None = None
    ) -> Comparison:
        """What is said of a test when it does not run again; a second process is asked if need be.

        Args:
            test: its id.
            runs: what all its runs have measured.
            timed: those of them that count for durations, if not all do.

        Raises:
            BaselineError: a file of the baseline cannot be used.
        """
        timed = runs if timed is None else timed
        changes = self.changes(test, runs)
        comparison = Comparison(test, self.baseline(test), changes)
        is_enough = len(timed) >= self.repeats or not changes
        if comparison.baseline.runs >= LEAST_RUNS and is_enough:
            self.remember(test, timed)
            comparison = comparison._replace(verdicts=self.verdicts(test))
        return self.confirmed([comparison])[0]

    def confirmed(self, comparisons: Sequence[Comparison]) -> list[Comparison]:
        """The same, with what a second process says of those that are over."""
        asked = [one.test for one in comparisons if one.over]
        answer = self._confirm(asked) if asked and self._confirm is not None else None
        found = []
        for one in comparisons:
            done = one
            if one.over and isinstance(answer, str):
                done = one._replace(trouble=answer)
            elif one.over and isinstance(answer, Run):
                done = self._with_second(one, answer)
            self.comparisons[one.test] = done
            found.append(done)
        return found

    def _with_second(self, comparison: Comparison, run: Run) -> Comparison:
        """Judged by itself: what was measured here is of another process."""
        paths = run.tests.get(comparison.test)
        if paths is None:
            return comparison._replace(trouble="the test did not pass in a second process")
        present = Present({key: [ns] for key, ns in past_of(run).bests.items()})
        keys = [one.key for one in comparison.over]
        verdicts = judge(self.past, present, keys)
        second = {
            key: one._replace(repeats=paths[key[1]].repeats if key[1] in paths else 0)
            for key, one in verdicts.items()
        }
        return comparison._replace(second=second)

    def _shown(self, path: Path) -> str:
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return str(path)


def past_of(run: Run) -> Past:
    """A run of the timings, as it is judged by."""
    bests = {
        (test, path): timing.best_ns
        for test, paths in run.tests.items()
        for path, timing in paths.items()
    }
    return Past(bests)
