"""Assertions on this run, compared with earlier ones."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from pytest_traces.forest import Forest
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.report.regression import (
    note_lines,
    nothing_to_compare,
    regression_message,
)
from pytest_traces.settings import MOST_RUNS
from pytest_traces.shape.usage import understood
from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.measure import Measured, calibrated, measure
from pytest_traces.timing.history import History
from pytest_traces.traces.looking import Looking

_INCOMPLETE = "a test cannot be compared with its baseline while spans are open"
_MEASURED = "regression"


class Comparing(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_no_regression(self) -> None:
        """The test does what it did when its baseline was recorded, and takes no longer for it.

        Compared are all spans of the test, by their paths, so it is the last line of the test.

        *Structure* first: how many spans, how many of them at once, which ones others wait for.
        It has no noise: a difference is *certain*, and fails at once. Then *self times*: the test
        runs five times, and ten and thirty times while something looks slower. The best of them
        is compared with that of the baseline runs, what all other paths have in common taken
        away. The limit is 25 %, or four times what the baseline runs differ by themselves. A
        second process has to confirm it: then it is *slower*, and fails; else it is a *suspect*,
        which the report names and which never fails. A difference of less than 50 microseconds
        is a note. A path whose limit would be over twice its time is named as too noisy to gate,
        and fails only where it is over the square of that limit, in both processes.

        The best of several runs shows neither a slow first call nor a slow one now and then:
        ``assert_duration(calls="first")`` sees the first call.

        The baseline: ``pytest --traces-update=structure`` writes that of the structure, to be
        committed; ``pytest --traces-record=5`` that of the timings, which belong to this
        environment. Three runs are the least. Without timings the structure decides alone, and
        the report says so. While a baseline is being recorded, nothing is compared.

        Raises:
            AssertionError: a certain difference, or a path that is slower; no span was recorded;
                neither structure nor timings of this test are known; a file of the baseline
                cannot be used; a span is open, or not everything could be recorded.
            RuntimeError: in a block of ``record()``, which knows no earlier runs.
            ValueError: on a view that shows a part of the test only.

        Example:
            >>> def test_checkout(traces, client):
            ...     client.post("/checkout", json={"order": 7})
            ...     traces.assert_no_regression()
        """
        __tracebackhide__ = True
        history = understood(self._history)
        found: list[Forest] = []

        def check(forest: Forest) -> Message | None:
            found[:] = [forest]
            return None if forest.spans else nothing_message(self._captures())

        whole = self._whole()
        whole._when_quiet(check, incomplete=_INCOMPLETE)  # noqa: SLF001  # one of its own
        if not history.judges:
            return
        try:
            self._compare(history, calibrated(measure(found[0], self._frame.recording.worked)))
        except BaselineError as error:
            self._fail(Message(str(error)), (), blocked=False)

    def _history(self) -> History:
        recording = self._frame.recording
        history = recording.attempt.history
        if not isinstance(history, History) or recording.label is None:
            raise RuntimeError(
                "assert_no_regression compares a test with earlier runs of it: "
                "use the fixture traces of pytest; a block of record() has no earlier runs"
            )
        if self._frame.phase != "call":
            raise ValueError("assert_no_regression: traces.setup is no part that has a baseline")
        if len(self._frame.steps) > bool(recording.settings.ignore):
            raise ValueError(
                "assert_no_regression compares the whole test, as its baseline was recorded: "
                "call it on traces itself, not on a view"
            )
        return history

    def _whole(self) -> Comparing:
        """The test without what ``clear`` has left out: the baseline has that, too."""
        return Comparing(replace(self._frame, since=0))

    def _compare(self, history: History, measured: Measured) -> None:
        __tracebackhide__ = True
        recording = self._frame.recording
        attempt = recording.attempt
        test = attempt.test or ""
        runs, timed = self._runs(measured)
        baseline = history.baseline(test)
        if not baseline.structure and not baseline.runs:
            self._judged(nothing_to_compare(test, baseline))
        wanted = history.wants(test, runs, timed)
        if wanted is not None and attempt.can_repeat and attempt.number < MOST_RUNS:
            attempt.wanted, attempt.measuring = wanted, True
            raise AssertionError(wanted)
        comparison = history.decide(test, runs, timed)
        if comparison.fails:
            self._judged(regression_message(comparison))
        recording.notes += note_lines(comparison)

    def _runs(self, measured: Measured) -> tuple[list[Measured], list[Measured]]:
        """What the runs of this test have measured here, this run only once; then the timed ones.

        Where events were counted, which takes its time, the structure alone is of use.
        """
        attempt = self._frame.recording.attempt
        kept = attempt.measured.setdefault(_MEASURED, [])
        runs = [one for one in kept if isinstance(one, tuple) and one[0] != attempt.number]
        runs.append((attempt.number, measured, attempt.counting))
        kept[:] = runs
        return [one[1] for one in runs], [one[1] for one in runs if not one[2]]

    def _judged(self, message: Message) -> NoReturn:
        """Fail because of what all runs have shown together."""
        __tracebackhide__ = True
        self._frame.recording.attempt.judged = True
        self._fail(message, (), blocked=False)
