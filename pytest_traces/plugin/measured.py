"""What tests have measured, by their reports, wherever they ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from pytest_traces.plugin.baselines import node_id_of, parts_of
from pytest_traces.recording import Recording
from pytest_traces.report.words import listed
from pytest_traces.timing.baseline.measure import Measured, packed, unpacked
from pytest_traces.traces.measuring import measured

#: The attribute of a report: the test, and what it has measured.
SENT = "traces_measured"


def measured_here(recording: Recording, *, timed: bool) -> Measured:
    """What the test has measured whose call is over; fails where that is not all there was."""
    __tracebackhide__ = True
    try:
        return measured(recording, timed=timed)
    except AssertionError as error:
        recording.attempt.judged = True  # a later run may be the first in which that happens
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def is_refused(item: pytest.Item) -> bool:
    """Whether the test's own code has failed or skipped, though its call has raised nothing.

    So does a ``unittest.TestCase``: pytest keeps what is wrong until it makes the report.
    """
    return bool(getattr(item, "_excinfo", None))


class Measuring:
    """What the run of a test that is under way has measured, while nothing is wrong with it."""

    def __init__(self) -> None:
        self._kept: tuple[Measured, bool] | None = None
        self._has_failed = False

    def has_passed(self, item: pytest.Item) -> bool:
        """Whether the call that is over has, with every subtest of it."""
        return not (self._has_failed or is_refused(item))

    def keep(self, found: Measured, *, counted: bool) -> None:
        """Take what was measured, and whether events were counted meanwhile."""
        self._kept = found, counted

    def tell(self, item: pytest.Item, when: str, report: pytest.TestReport) -> None:
        """Take note of a report; that of a teardown brings along what was measured."""
        if when == "setup":
            self._has_failed = False
        self._has_failed = self._has_failed or report.failed
        if when == "setup" or not report.passed or hasattr(report, "wasxfail"):
            self._kept = None
        sent = None
        if when == "teardown" and self._kept is not None and not self._has_failed:
            sent = packed(self._kept[0]), self._kept[1]  # what the test tapped, is so no more
        setattr(report, SENT, {"test": node_id_of(item), "measured": sent})


class Measurements:
    """The repeats of each test whose last run has passed."""

    def __init__(self) -> None:
        self._passed: dict[str, list[tuple[Measured, bool]]] = {}
        self._left: dict[str, str] = {}

    def add(self, report: pytest.TestReport) -> None:
        """Take a report; a later run of a test that fails takes back what earlier ones gave."""
        sent = getattr(report, SENT, {"test": report.nodeid, "measured": None})
        test, measured = sent["test"], sent["measured"]
        if measured is not None:
            text, counted = measured
            self._passed.setdefault(test, []).append((unpacked(text), counted))
            self._left.pop(test, None)
        elif report.failed or (str(report.outcome) == "rerun" and report.longrepr):
            again = test in self._passed
            self._leave(test, "not repeatable: it failed in a later run" if again else "failed")
        elif hasattr(report, "wasxfail"):
            self._leave(test, "expected to fail")
        elif report.skipped:
            self._leave(test, "skipped")

    def _leave(self, test: str, why: str) -> None:
        self._passed.pop(test, None)
        self._left.setdefault(test, why)  # the first reason is the cause

    def files(self, collected: Iterable[str]) -> list[str]:
        """The files with tests that ran or were collected, sorted."""
        return sorted({*collected, *(parts_of(test)[0] for test in self._passed)})

    def of_file(self, file: str) -> dict[str, list[Measured]]:
        """What the tests of a file have measured, by their names in it."""
        return {
            name: [measured for measured, _ in repeats]
            for test, repeats in self._passed.items()
            for place, name in [parts_of(test)]
            if place == file
        }

    def timed(self) -> dict[str, list[Measured]]:
        """What tests have measured while no events were counted, which takes its time."""
        return {
            test: [measured for measured, counted in repeats if not counted]
            for test, repeats in self._passed.items()
        }

    @property
    def left(self) -> Mapping[str, str]:
        """Why tests have no measurement, in words."""
        return self._left

    def left_lines(self) -> list[str]:
        """Which tests keep what the baselines say of them, in words."""
        by_reason: dict[str, list[str]] = {}
        for test, why in sorted(self._left.items()):
            by_reason.setdefault(why, []).append(test)
        return [
            f"left as it was ({why}): {listed(tests)}" for why, tests in sorted(by_reason.items())
        ]
