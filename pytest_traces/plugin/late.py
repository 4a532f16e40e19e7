"""Fails a test after it has passed: only the whole session shows that it is slower."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from pytest_traces.report.explain import Message


class _Crash(NamedTuple):
    """The one line that the short summary and ``--tb=line`` show."""

    path: str
    lineno: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.lineno}: {self.message}"


class _Said(str):
    """A failure in words, without a traceback: nothing was raised."""

    __slots__ = ("reprcrash",)
    reprcrash: _Crash


def fail_late(config: pytest.Config, passed: pytest.TestReport, message: Message) -> None:
    """Report the failure of a test, in the place of what its call has reported.

    The summary, JUnit XML and ``--lf`` see one test, which has failed.

    Args:
        config: of the session, in the process that reports.
        passed: the report of the call.
        message: why it fails.
    """
    failed = copy.copy(passed)
    path, line, _ = passed.location
    said = _Said(message)
    said.reprcrash = _Crash(path, (line or 0) + 1, message.verdict)
    failed.outcome, failed.longrepr = "failed", said
    # These are counted already.
    failed.sections, failed.user_properties, failed.duration = [], [], 0
    _take_out(config, passed)
    log = _junit_log(config)
    before = len(log.node_reporters_ordered) if log is not None else 0
    config.hook.pytest_runtest_logreport(report=failed)
    if log is not None and len(log.node_reporters_ordered) > before:
        # What pytest does not promise, may change. Then the test has two entries.
        with suppress(AttributeError, LookupError, TypeError):
            _put_together(log)


def _take_out(config: pytest.Config, passed: pytest.TestReport) -> None:
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    reporter.ensure_newline()
    left = [one for one in reporter.stats.get("passed", ()) if one is not passed]
    reporter.stats["passed"] = left
    if not left:
        del reporter.stats["passed"]


def _junit_log(config: pytest.Config) -> Any:
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__module__ == "_pytest.junitxml" and type(plugin).__name__ == "LogXML":
            return plugin if hasattr(plugin, "node_reporters_ordered") else None
    return None


def _put_together(log: Any) -> None:
    """Move the failure to the entry that the test has had since its teardown."""
    *entries, new = log.node_reporters_ordered
    added = new.to_xml()
    for one in reversed(entries):
        entry = one.to_xml()
        if _names(entry) == _names(added) and one.to_xml() is entry:  # it is final
            log.stats["passed"] -= 1
            log.node_reporters_ordered.pop()
            place = 1 if entry.find("properties") is not None else 0
            entry[place:place] = list(added.findall("failure"))
            return


def _names(entry: Any) -> tuple[str | None, str | None]:
    return entry.get("classname"), entry.get("name")
