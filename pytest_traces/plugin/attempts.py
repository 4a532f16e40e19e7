"""Runs a test again where somebody needs that, and lets all its runs count as one test.

Whoever needs another run of the test sets ``recording.attempt.wanted`` to the reason, in words:
an assertion of this package, which then raises its AssertionError; or a hook around the call
phase that raises nothing, because the run by itself is fine. Only where ``attempt.can_repeat``.
An assertion that needs one only if the test fails by it, and by nothing else, sets ``doubted``.
An assertion that has to raise though nothing is wrong sets ``attempt.measuring``, too.
The reason is forgotten when the next run begins; ``attempt`` itself, and with it
``attempt.measured``, is the same object in the recordings of all runs of the test.

A run that is to be repeated is not final. The outcome of its call is ``rerun``, its teardown has
another ``when``, so whatever counts tests (the summary, JUnit XML, ``--maxfail``, ``--lf``,
pytest-xdist) sees one test only, with the reports of the last run. The fixtures of the test are
fresh in each run; wider ones stay.

A later run that fails otherwise shows that the test cannot be repeated, and its report says so.
Otherwise means: neither with :class:`DurationExceeded`, nor at the line that wanted the run.
Whoever fails a later run because of what the runs have shown together sets ``attempt.judged``.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import pytest

from pytest_traces.options import MARKER
from pytest_traces.recording import Attempt, Recording
from pytest_traces.settings import MOST_RUNS
from pytest_traces.traces.exceeded import DurationExceeded

#: The ``when`` of a teardown that is not the test's last.
BETWEEN = "rerun"
_SECTION = "traces: attempts"
#: The file and the number in it.
_Line = tuple[str, int]


class Runs:
    """The runs of one test, from the first to the one that counts.

    Args:
        item: the test.
        known: how many of its user properties it had before the first run.
        can_repeat: whether pytest goes through its protocol in this process.
        allowed: how many runs a failed limit on a duration may take.
    """

    def __init__(self, item: pytest.Item, known: int, *, can_repeat: bool, allowed: int) -> None:
        self.attempt = Attempt(allowed=allowed, can_repeat=can_repeat)
        self._item = item
        self._known = known
        #: Inherited limits of markers that had nothing to apply to, in words.
        self.idle: list[str] = []
        #: What the limits of markers have found wrong in this run.
        self.found: AssertionError | None = None
        self._again = False
        self._spoiled = False
        self._sections: list[tuple[str, str]] = []
        self._line: _Line | None = None
        self._reason = ""

    def noted(self, recording: Recording | None) -> tuple[list[str], list[str]]:
        """What is to be said of the test: notes, and limits that had nothing to apply to."""
        notes = [] if recording is None else list(dict.fromkeys(recording.notes))
        return notes, self.idle

    def begin(self) -> None:
        """Forget what belongs to one run alone."""
        self._again = self._spoiled = False
        self.idle = []
        self.found = None
        self.attempt.wanted = self.attempt.doubted = None
        self.attempt.measuring = False
        self.attempt.judged = False

    def run_again(self, nextitem: pytest.Item | None) -> None:
        """Run the test as often as somebody wants, now that its first run is over."""
        item, attempt = self._item, self.attempt
        while self._again and not _is_stopping(item):
            del item.user_properties[self._known :]
            attempt.number += 1
            attempt.counting, attempt.counts_next = attempt.counts_next, False
            self.begin()
            _forget_instance(item)
            item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)

    @contextmanager
    def torn_down(self) -> Iterator[None]:
        """While the test is torn down: before another run wider fixtures stay, whatever comes next.

        What pytest tears down follows from the next test. It has no public way to say that this
        is the same one; pytest-rerunfailures goes the same way.
        """
        state = getattr(self._item.session, "_setupstate", None)
        tear_down = getattr(state, "teardown_exact", None)
        if state is None or tear_down is None or not self._again or _is_stopping(self._item):
            yield
            return
        state.teardown_exact = lambda nextitem: tear_down(_Sibling(self._item))  # noqa: ARG005
        try:
            yield
        finally:
            del state.teardown_exact

    def reported(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> str | None:
        """Take note of a report, and change it where its run is not the last one.

        Returns:
            For such a report, ``again`` if the run has failed, ``repeat`` if it only measures.
        """
        _drop_prefix(report.sections, self._sections)
        if report.when == "call" and self._is_repeated(call, report):
            return self._put_off(call, report)
        if report.when == "teardown" and self._again:
            if not report.failed:
                self._sections += report.sections
                report.when = BETWEEN  # type: ignore[assignment]
                _introduce(self._item, BETWEEN)
                return "repeat"
            self._again = False
            self._explain(report, "the teardown before another run failed")
        elif self.attempt.number > 1 and not self._is_verdict(call, report):
            _fail(report)
            self._explain(report, "this test is not repeatable; use attempts=1")
        self._spoiled = self._spoiled or report.failed
        self._again = self._again and not self._spoiled
        return None

    def _is_repeated(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
        """Whether somebody wants another run, and nothing else is wrong with this one."""
        attempt = self.attempt
        if not attempt.can_repeat or attempt.number >= MOST_RUNS:
            return False
        if self._spoiled or _is_stopping(self._item):
            return False
        if call.excinfo is None:
            # A subtest before it may have asked. What passes by mistake, is not measured.
            is_wanted = attempt.wanted is not None and not hasattr(report, "wasxfail")
            return report.passed and (is_wanted or self._again)
        error = self._error(call.excinfo.value)
        if not isinstance(error, AssertionError) or not _is_ours(error.__traceback__):
            return False
        is_doubted = attempt.doubted is not None and str(error).startswith(attempt.doubted)
        return attempt.wanted is not None or is_doubted

    def _put_off(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> str:
        self._again = True
        self._reason = self.attempt.wanted or ""
        self._line = None
        report.outcome = "rerun"  # type: ignore[assignment]
        if hasattr(report, "wasxfail"):
            del report.wasxfail
        if call.excinfo is None:
            return "repeat"
        error = self._error(call.excinfo.value)
        self._reason = str(error)
        self._line = _last_line(error.__traceback__)
        call.excinfo = None  # no debugger stops at what does not count
        return "repeat" if self.attempt.measuring else "again"

    def _is_verdict(self, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
        """Whether a later run ended as the earlier ones let expect."""
        if report.passed or hasattr(report, "wasxfail"):
            return True
        if report.when != "call" or call.excinfo is None:
            return report.when == "call" and report.failed  # an unexpected success is one
        error = self._error(call.excinfo.value)
        if isinstance(error, DurationExceeded) or self.attempt.judged:
            return True
        is_same = self._line is not None and _last_line(error.__traceback__) == self._line
        return is_same and isinstance(error, AssertionError)

    def _error(self, error: BaseException) -> BaseException:
        """What is wrong: of a marker, what it has found."""
        found = self.found
        is_found = isinstance(error, pytest.fail.Exception) and str(error) == str(found)
        return found if found is not None and is_found else _alone(error)

    def _explain(self, report: pytest.TestReport, text: str) -> None:
        report.sections.append((_SECTION, f"{text}\n\nit was run again because: {self._reason}"))


def first_of(item: pytest.Item, protocol: tuple[int | None, int], allowed: int) -> Runs:
    """The runs of a test that begins.

    Args:
        item: the test.
        protocol: the process that goes through its protocol, and how many user properties it had.
        allowed: how many runs a limit may take, if its markers do not say.
    """
    marked = None
    if item.get_closest_marker(MARKER) is not None:
        from pytest_traces.plugin.marks import attempts_of

        marked = attempts_of(item)
    process, known = protocol
    # A fork that runs the test has a parent that would not run it again. With attempts=1 its
    # author says that it cannot be repeated, whatever for.
    can_repeat = process == os.getpid() and marked != 1
    return Runs(item, known, can_repeat=can_repeat, allowed=marked or allowed)


class _Sibling:
    """Something that has every fixture in common with a test but those of its own."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[object]:
        """What it is in, from the session down."""
        return [*self._item.listchain()[:-1], self]


def _forget_instance(item: pytest.Item) -> None:
    """The next run of a method has an instance of its own, which pytest makes where it has none.

    Where a plugin has put something else in the place of the method, that stays.
    """
    held: Any = item
    method = getattr(held, "_obj", None)
    if inspect.ismethod(method) and not inspect.isclass(method.__self__):
        held._obj = None  # noqa: SLF001  # as pytest-rerunfailures does
        if getattr(held, "_instance", None) is not None:
            del held._instance  # noqa: SLF001


def _introduce(item: pytest.Item, when: str) -> None:
    """Some versions of pytest-rerunfailures look up what they know of each phase."""
    known = getattr(item, "_terminal_errors", None)
    if isinstance(known, dict):
        known.setdefault(when, False)


def _is_stopping(item: pytest.Item) -> bool:
    return bool(item.session.shouldstop or item.session.shouldfail)


def _drop_prefix(sections: list[tuple[str, str]], earlier: list[tuple[str, str]]) -> None:
    """Leave out what earlier runs have printed, which comes first."""
    same = 0
    while same < min(len(sections), len(earlier)) and sections[same] == earlier[same]:
        same += 1
    del sections[:same]


def _fail(report: pytest.TestReport) -> None:
    """A skip in a later run is no answer."""
    if report.skipped:
        given: Any = report.longrepr
        reason = given[-1] if isinstance(given, tuple) else given
        report.longrepr = f"skipped in a later run: {reason}"
        report.outcome = "failed"


def _alone(error: BaseException) -> BaseException:
    """The one error in a group of one, such as a task group raises."""
    parts: Sequence[BaseException] = (error,)
    while len(parts) == 1:
        error = parts[0]
        parts = getattr(error, "exceptions", ())
    return error


def _frames(traceback: TracebackType | None) -> Iterator[tuple[str, _Line]]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        yield module, (code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next


def _is_ours(traceback: TracebackType | None) -> bool:
    """Whether an assertion of this package has raised it."""
    module = ""
    for module, _ in _frames(traceback):  # noqa: B007  # the last one
        pass
    return module.partition(".")[0] == "pytest_traces"


def _last_line(traceback: TracebackType | None) -> _Line | None:
    """The last line outside this package: that of the assertion, in a test."""
    lines = [line for module, line in _frames(traceback) if not module.startswith("pytest_traces.")]
    return lines[-1] if lines else None
