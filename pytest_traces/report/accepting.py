"""The commands that record a baseline, to be copied to a shell."""

from __future__ import annotations

import re
import shlex

from pytest_traces.timing.decision.comparison import Baseline, Comparison

_STRUCTURE = "--traces-update=structure"
_TIMINGS = "--traces-record=5"
_WORKERS = re.compile(r"-n([1-9]\d*)\Z")


def structure_command(test: str) -> str:
    """Takes the structure that a test has now."""
    return _command(_STRUCTURE, test)


def timings_command(test: str, baseline: Baseline) -> str:
    """Takes the timings that a test has now, in the environment that it is compared in."""
    return _command(f"{_workers(baseline)}{_TIMINGS}", test)


def accepting(comparison: Comparison) -> str:
    """What to do if the difference is meant: as little as makes it the baseline."""
    test, baseline = comparison.test, comparison.baseline
    merging = f"durations are compared with revision {baseline.revision}, so merging accepts them"
    if not comparison.slower:
        return f"if this is meant: {structure_command(test)}"
    if baseline.revision is None:
        command = timings_command(test, baseline)
        if comparison.changes:
            command = _command(f"{_workers(baseline)}{_STRUCTURE} {_TIMINGS}", test)
        return f"if this is meant: {command}"
    if comparison.changes:
        return f"if this is meant: {structure_command(test)}; {merging}"
    return f"if this is meant, there is nothing to record: {merging}"


def _command(options: str, test: str) -> str:
    """Whatever the parameters of the test are."""
    return f"pytest {options} {shlex.quote(test)}"


def _workers(baseline: Baseline) -> str:
    """Another number of workers of pytest-xdist is another environment."""
    found = _WORKERS.search(baseline.environment)
    return f"-n {found[1]} " if found else ""
