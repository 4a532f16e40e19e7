"""Compares a session with its baselines: ``--traces-strict``, ``--traces-base``, the report.

Workers of pytest-xdist compare structure and measure; durations are judged where the session is
whole. What a test has measured goes there with its report.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.plugin.baselines import environment_of, node_id_of
from pytest_traces.plugin.late import fail_late
from pytest_traces.plugin.measured import SENT, Measurements, Measuring, measured_here
from pytest_traces.recording import Attempt, Recording
from pytest_traces.report.compared import as_json, document, summary_lines
from pytest_traces.report.regression import regression_message, unrecorded
from pytest_traces.settings import MOST_RUNS, Settings
from pytest_traces.timing.baseline.files import BaselineError, write_text
from pytest_traces.timing.baseline.measure import Measured
from pytest_traces.timing.baseline.timings import Run
from pytest_traces.timing.decision.comparison import Comparison
from pytest_traces.timing.decision.rule import LEAST_RUNS
from pytest_traces.timing.history import History

#: What a worker is told: the folder of the timings, and the revision that they are of.
_BASE = "traces_base"
#: What a report brings along: what an assertion in the test has decided.
_COMPARED = "traces_compared"
#: Of ``attempt.measured``: what the runs of a test have measured for a strict session.
_STRICT = "strict"
_UNFINISHED = (
    pytest.ExitCode.INTERRUPTED,
    pytest.ExitCode.INTERNAL_ERROR,
    pytest.ExitCode.USAGE_ERROR,
)

_history = pytest.StashKey[History]()


def history_of(config: pytest.Config, settings: Settings) -> History:
    """What the tests of this process are compared with; one for the whole process."""
    if _history not in config.stash:
        given = getattr(config, "workerinput", {})
        folder, revision = given.get(_BASE, (settings.timings, None))

        def confirm(tests: Sequence[str]) -> Run | str:
            from pytest_traces.plugin.second import measured_again

            return measured_again(config, tests)

        config.stash[_history] = History(
            config.rootpath,
            Path(folder),
            environment_of(config),
            repeats=settings.repeats,
            confirm=confirm,
            revision=revision,
            judges=not settings.update,
        )
    return config.stash[_history]


def introduce(item: pytest.Item, settings: Settings, attempt: Attempt) -> None:
    """Give the runs of a test what they are compared with."""
    attempt.test = node_id_of(item)
    attempt.history = history_of(item.config, settings)


class Regressions:
    """A plugin of pytest for sessions that are compared as a whole, or that report.

    Args:
        config: of the session.
        settings: what was asked for.
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
        self._history = history_of(config, settings)
        #: Whether this process runs tests, or has others run them, and decides on all of them.
        self._decides = not (hasattr(config, "workerinput") or config.getoption("collectonly"))
        self._measurements = Measurements()
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._now = Measuring()
        #: Of each test, what its call has reported if it has passed.
        self._passed: dict[str, pytest.TestReport] = {}
        #: What the report says of each test.
        self._documents: dict[str, dict[str, Any]] = {}
        self._decided: list[Comparison] = []
        self._lines: list[str] = []
        self._errors: list[str] = []

    # The base is measured before anything else runs on this machine.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        if self._settings.base is None or not self._decides:
            return
        from pytest_traces.plugin.base_revision import record_base

        self._temporary = tempfile.TemporaryDirectory(prefix="pytest-traces-")
        folder = Path(self._temporary.name).resolve()
        found, said = record_base(self._config, self._settings.base, folder)
        self._history.folder, self._history.revision = found, self._settings.base
        self._lines.append(said)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput[_BASE] = (str(self._history.folder), self._history.revision)

    def pytest_unconfigure(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    # Each test: its structure is compared, its durations are measured.

    # Around the hook that judges markers: their failure says more than a difference does.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        __tracebackhide__ = True
        result = yield
        recording = self._recording_of(item)
        if recording is not None and self._settings.strict and self._now.has_passed(item):
            found = measured_here(recording, timed=True)
            if found:
                self._now.keep(found, counted=recording.attempt.counting)
            if recording.attempt.wanted is None:
                self._compare(recording.attempt, found)
        return result

    def _compare(self, attempt: Attempt, found: Measured) -> None:
        """Fail where the structure is certainly different; else say if it has to run again."""
        __tracebackhide__ = True
        test = attempt.test or ""
        kept = attempt.measured.setdefault(_STRICT, [])
        kept.append((found, attempt.counting))
        pairs = [one for one in kept if isinstance(one, tuple)]
        runs, timed = [one[0] for one in pairs], [one[0] for one in pairs if not one[1]]
        # Where there is no other run, this one says all there is to say.
        is_final = len(timed) >= self._settings.repeats or not attempt.can_repeat
        try:
            if not found and not self._history.structure(test):
                return  # nothing now, nothing before
            failure, wanted = self._failure(test, runs, is_final=is_final), None
            if failure is None and not self._is_judged(test):
                wanted = self._history.wants(test, runs, timed)
        except BaselineError as error:
            failure, wanted = str(error), None
        if wanted is not None and attempt.can_repeat and attempt.number < MOST_RUNS:
            attempt.wanted = wanted
        elif failure is not None:
            attempt.judged = True
            pytest.fail(failure, pytrace=False)

    def _is_judged(self, test: str) -> bool:
        """Whether an assertion in the test has compared it already."""
        return test in self._history.comparisons

    def _failure(self, test: str, runs: list[Measured], *, is_final: bool) -> str | None:
        baseline = self._history.baseline(test)
        if not baseline.structure:
            self._history.comparisons[test] = Comparison(test, baseline, is_unrecorded=True)
            return str(unrecorded(test, self._history.structure_file(test)))
        changes = self._history.changes(test, runs, is_final=is_final)
        if not changes:
            return None
        comparison = Comparison(test, baseline, changes)
        self._history.comparisons[test] = comparison
        return str(regression_message(comparison))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        test = node_id_of(item)
        if call.when == "setup":
            self._history.comparisons.pop(test, None)  # of an earlier run
        self._now.tell(item, call.when, report)
        if call.when == "teardown" and test in self._history.comparisons:
            decided = as_json(self._history.comparisons[test])
            setattr(report, _COMPARED, [test, json.dumps(decided)])
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._measurements.add(report)
        if report.when == "call" and report.passed and hasattr(report, SENT):
            self._passed[getattr(report, SENT)["test"]] = report
        if hasattr(report, _COMPARED):
            test, text = getattr(report, _COMPARED)
            self._documents[test] = json.loads(text)

    # The end: durations are judged where all of them are known.

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if not self._decides:
            return
        if exitstatus in _UNFINISHED:
            self._errors.append("not all was compared: the run did not come to its end")
        elif self._settings.strict:
            self._try(self._judge)
        self._try(self._write)
        slower = [one for one in self._decided if one.slower]
        for one in slower:
            if one.test in self._passed:  # a plugin may keep reports back; the summary names it
                fail_late(self._config, self._passed[one.test], regression_message(one))
        if (slower or self._errors) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaselineError as error:
            self._errors.append(str(error))

    def _judge(self) -> None:
        """Judge the tests that have passed; what an assertion has decided stays."""
        for test, runs in self._measurements.timed().items():
            self._history.remember(test, runs)
        verdicts = self._history.all_verdicts()
        found = []
        for test, those in verdicts.items():
            baseline = self._history.baseline(test)
            if test not in self._documents:
                known = those if baseline.runs >= LEAST_RUNS else ()
                found.append(Comparison(test, baseline, verdicts=known))
        self._decided = self._history.confirmed(found)
        self._documents |= {one.test: as_json(one) for one in self._decided}

    def _write(self) -> None:
        if self._settings.report is not None:
            found = document(self._history.environment, self._documents, self._errors)
            text = json.dumps(found, indent=2)  # ASCII: half a surrogate pair has no encoding
            write_text(Path(self._settings.report), text + "\n", self._settings.report)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        lines = list(self._lines)
        if self._settings.strict:
            lines += summary_lines(self._decided, self._documents)
        if lines or self._errors:
            terminalreporter.section("traces: compared with the baselines")
            for line in lines:
                terminalreporter.line(line)
            for error in self._errors:
                terminalreporter.line(f"ERROR: {error}", red=True)
