"""Collects what tests measure, and writes the baselines when all are over.

Each process that runs tests puts what a test has measured into the report of its teardown, so a
worker of pytest-xdist that crashes takes nothing along. One process writes: the one that reports.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

import pytest

from pytest_traces.plugin.baselines import (
    parts_of,
    structure_place,
    timings_place,
)
from pytest_traces.plugin.collected import Collected
from pytest_traces.plugin.handed import Handed, hand_over, siblings
from pytest_traces.plugin.measured import Measurements, Measuring, measured_here
from pytest_traces.recording import Attempt, Recording
from pytest_traces.recording.journaling import Clock
from pytest_traces.report.recorded import structure_lines, timings_line
from pytest_traces.settings import Settings
from pytest_traces.timing.baseline.environment import (
    interpreter,
    now_in_words,
    revision_of,
    run_key,
)
from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.structure_file import load_structure
from pytest_traces.timing.baseline.timings import Run, timing_of
from pytest_traces.timing.baseline.timings_file import add_run, load_timings
from pytest_traces.timing.baseline.updating import update_structure
from pytest_traces.timing.decision.rule import is_recorded

_UNFINISHED = (
    pytest.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
)
#: Of ``attempt.measured``: how long the runs of a test took that count for its timings.
_TIMED = "timed"


class Recorder:
    """A plugin of pytest for runs with ``--traces-update``.

    Args:
        config: of the run.
        settings: what to record.
        recording_of: gives the recording of a test that has one.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        recording_of: Callable[[pytest.Item], Recording | None],
    ) -> None:
        self._config = config
        self._settings = settings
        self._recording_of = recording_of
        self._is_worker = hasattr(config, "workerinput")
        self._collected = Collected(config)
        self._measurements = Measurements()
        self._now = Measuring()
        self._lines: list[str] = []
        self._errors: list[str] = []

    # Which tests there are.

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self._collected.add(item)

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self._collected.leave_out(items)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._collected.look_at(report)

    # What cannot be used is told before any test has run.

    def pytest_sessionstart(self) -> None:
        if not self._is_worker and "timings" in self._settings.update:
            self._check(load_timings, *timings_place(self._config, self._settings))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._is_worker:
            self._check_structures(session.items and self._collected.files)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self._check_structures(sorted({parts_of(one)[0] for one in ids}))

    def _check_structures(self, files: list[str] | list[pytest.Item]) -> None:
        if "structure" in self._settings.update:
            for file in files:
                self._check(load_structure, *structure_place(self._config, str(file)))

    def _check(self, load: Callable[..., object], *place: object) -> None:
        try:
            load(*place)
        except BaselineError as error:
            raise pytest.UsageError(str(error)) from None

    # What a test measures.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        __tracebackhide__ = True
        begun = Clock.perf_counter_ns()
        result = yield
        recording = self._recording_of(item)
        is_timed = "timings" in self._settings.update
        if recording is not None and self._now.has_passed(item):
            found, attempt = measured_here(recording, timed=is_timed), recording.attempt
            self._now.keep(found, counted=attempt.counting)
            took = Clock.perf_counter_ns() - begun
            if is_timed and found and self._is_repeated(attempt, took):
                attempt.wanted = "each test is measured several times for its timings"
        return result

    def _is_repeated(self, attempt: Attempt, took_ns: int) -> bool:
        """Whether there are too few runs of the test that count for its timings."""
        timed = attempt.measured.setdefault(_TIMED, [])
        if not attempt.counting:  # which makes it slow
            timed.append(took_ns)
        total = sum(one for one in timed if isinstance(one, int))
        if is_recorded(len(timed), self._settings.repeats, total):
            return False
        return attempt.wanted is None and attempt.can_repeat

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self._now.tell(item, call.when, report)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._measurements.add(report)

    # The end.

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._collected.receive(node)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._is_worker:
            self._collected.send()
        elif exitstatus in _UNFINISHED:
            self._lines.append("nothing was recorded: the run did not come to its end")
        elif not self._config.getoption("collectonly"):
            self._write()
            if self._errors and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _write(self) -> None:
        if "structure" in self._settings.update:
            for file in self._measurements.files(self._collected.files):
                self._try(self._write_structure, file)
        if "timings" in self._settings.update:
            self._try(self._write_timings)
        self._lines += self._measurements.left_lines()

    def _try(self, write: Callable[..., None], *file: str) -> None:
        try:
            write(*file)
        except BaselineError as error:
            self._errors.append(str(error))

    def _write_structure(self, file: str) -> None:
        path, shown = structure_place(self._config, file)
        update = update_structure(
            path,
            shown,
            self._measurements.of_file(file),
            interpreter(),
            self._collected.of(file),
            prune=self._settings.prune,
        )
        self._lines += structure_lines(update)

    def _write_timings(self) -> None:
        path, shown = timings_place(self._config, self._settings)
        tests = {
            test: timing
            for test, repeats in self._measurements.timed().items()
            if (timing := timing_of(repeats))
        }
        run = Run(
            run_key(os.environ),
            now_in_words(),
            revision_of(self._config.rootpath),
            tests,
        )
        known = load_timings(path, shown)
        stale = self._stale({test for one in (known.runs if known else ()) for test in one.tests})
        if tests or (self._settings.prune and stale):
            gone = stale if self._settings.prune else set()
            timings = add_run(path.parent, path.stem, run, shown, gone, beside=siblings())
            self._lines += timings_line(shown, run, timings, stale, pruned=self._settings.prune)
        else:
            self._lines.append(f"{shown}: no test that passed has spans")
        hand_over(Handed(str(path), shown, sorted(tests), self._measurements.left))

    def _stale(self, tests: set[str]) -> set[str]:
        """Those of the tests that are no longer in their file, as far as that is known."""
        stale = set()
        for test in tests:
            file, name = parts_of(test)
            names = self._collected.of(file)
            if names is not None and name not in names:
                stale.add(test)
        return stale

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._lines or self._errors:
            terminalreporter.section("baselines of traces")
            for line in self._lines:
                terminalreporter.line(line)
            for error in self._errors:
                terminalreporter.line(f"ERROR: {error}", red=True)
