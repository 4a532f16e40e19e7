"""pytest's hooks and fixtures. Only wiring: what is done, is done elsewhere."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from pytest_traces.options import (
    MARKER,
    MARKER_HELP,
    add_options,
    processes_to_record,
    read_settings,
)
from pytest_traces.plugin import served
from pytest_traces.recording import Recording
from pytest_traces.settings import Settings
from pytest_traces.sources import opentelemetry

if TYPE_CHECKING:  # imported with the first recording
    from pytest_traces.plugin.attempts import Runs
    from pytest_traces.plugin.marks import Marks
    from pytest_traces.traces.traces import Traces

_settings = pytest.StashKey[Settings]()
#: Of a run: the recordings that are open. Of a test: its own.
_open_recordings = pytest.StashKey[list[Recording]]()
_recording = pytest.StashKey[Recording]()
_is_in_call = pytest.StashKey[bool]()
_call_outcome = pytest.StashKey[str]()
#: Of a test that pytest runs: the process that does, and how many user properties it had.
_protocol = pytest.StashKey[tuple[int, int]]()
#: Of a test that records: all its runs.
_runs = pytest.StashKey["Runs"]()

_SECTION = "traces"
_MARKUP = "traces_markup"
#: What a report says of its run, if that is not the last one of the test.
_RUN = "traces_run"
#: What it says beside its outcome, which goes into the summary.
_NOTED = "traces_noted"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before any conftest.py can import the application and bind one of its methods.
    opentelemetry.install()
    early_config.add_cleanup(opentelemetry.uninstall)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_settings] = read_settings(config)
    config.stash[_open_recordings] = []
    config.addinivalue_line("markers", MARKER_HELP)
    opentelemetry.install()
    config.pluginmanager.register(served, "traces-served")
    if config.stash[_settings].update:
        from pytest_traces.plugin.recorder import Recorder

        recorder = Recorder(config, config.stash[_settings], _recording_of)
        config.pluginmanager.register(recorder, "traces-recorder")
    if config.stash[_settings].is_compared:
        from pytest_traces.plugin.regressions import Regressions

        regressions = Regressions(config, config.stash[_settings], _recording_of)
        config.pluginmanager.register(regressions, "traces-regressions")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    processes = processes_to_record(config)
    if processes is None or hasattr(config, "workerinput") or config.option.help:
        return None
    read_settings(config)  # what is wrong is told once
    from pytest_traces.plugin.fresh import record

    return record(config, processes)


def pytest_unconfigure(config: pytest.Config) -> None:
    if _settings not in config.stash:
        return
    while config.stash[_open_recordings]:  # the test was interrupted
        _close(config, config.stash[_open_recordings][-1])
    opentelemetry.uninstall()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    if _protocol in item.stash:  # it is run again, by the one below
        return (yield)
    item.stash[_protocol] = (os.getpid(), len(item.user_properties))
    try:
        result = yield
        if _runs in item.stash:
            item.stash[_runs].run_again(nextitem)
        return result
    finally:
        _forget(item, _protocol, _runs, _recording)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # No wrapper: those of other plugins must have begun, should the recording not open.
    _forget(item, _recording, _is_in_call, _call_outcome)  # a test may run again
    if _runs in item.stash:
        item.stash[_runs].begin()
    asks = "traces" in getattr(item, "fixturenames", ()) or _is_marked(item)
    if asks or item.config.stash[_settings].record_all:
        _open(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_is_in_call] = True
    if _recording in item.stash:
        _begin_call(item.stash[_recording])
    try:
        marks = _marks(item)
        result = yield
        if marks is not None and not getattr(item, "_excinfo", None):  # a TestCase has failed
            from pytest_traces.plugin.marks import judge
            from pytest_traces.traces.traces import Traces

            judge(Traces.of(item.stash[_recording]), marks, _runs_of(item))
        return result
    finally:
        item.stash[_is_in_call] = False
        if _recording in item.stash:
            from pytest_traces.traces.session import end_call

            end_call(item.stash[_recording])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    faults: list[str] = []
    try:
        with item.stash[_runs].torn_down() if _runs in item.stash else nullcontext():
            yield
    finally:
        if _recording in item.stash:
            faults = _close(item.config, item.stash[_recording])
    # A test that has failed, or did not get to its end, is not blamed for the rest, too.
    if faults and item.stash.get(_call_outcome, None) == "passed":
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_call_outcome] = report.outcome
    if _runs in item.stash:
        # Under pytest-xdist, what a report has as an attribute is sent along.
        run = item.stash[_runs].reported(call, report)
        if run is not None:
            setattr(report, _RUN, run)
        elif report.when == "teardown":
            setattr(report, _NOTED, item.stash[_runs].noted(_recording_of(item)))
    if _recording in item.stash and _is_shown(item, report):
        from pytest_traces.traces.traces import Traces

        text = Traces.of(item.stash[_recording]).section(markup=_has_markup(item.config))
        if text:
            report.sections.append((_SECTION, text))
    return report


@pytest.fixture
def traces(request: pytest.FixtureRequest) -> Traces:
    """Records every span of this test, and asserts on them."""
    item = request.node
    if _recording not in item.stash:
        _open(item)
    from pytest_traces.traces.traces import Traces

    return Traces.of(item.stash[_recording])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    # A worker of pytest-xdist does not see the terminal that its reports are shown on.
    node.workerinput[_MARKUP] = _has_markup(node.config)
    from pytest_traces.plugin.second import ARGUMENTS, options_of

    node.workerinput[ARGUMENTS] = options_of(node.config)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    run = getattr(report, _RUN, None)
    if run is None:
        return None
    # A run that is repeated only to measure it again would fill the screen.
    return ("rerun", "R", ("RERUN", {"yellow": True})) if run == "again" else ("", "", "")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    every = (report for reports in terminalreporter.stats.values() for report in reports)
    noted = [(one.nodeid, *getattr(one, _NOTED)) for one in every if any(getattr(one, _NOTED, ()))]
    if noted:
        from pytest_traces.plugin.summary import write_notes

        write_notes(terminalreporter, noted)
    if terminalreporter.config.stash[_settings].show == "all":
        from pytest_traces.plugin.summary import write_sections

        write_sections(terminalreporter, _SECTION)


def _forget(item: pytest.Item, *keys: pytest.StashKey[Any]) -> None:
    for key in keys:
        if key in item.stash:
            del item.stash[key]


def _open(item: pytest.Item) -> None:
    from pytest_traces.plugin.regressions import introduce
    from pytest_traces.traces.session import SecondRecording, open_recording

    try:
        recording = open_recording(item.config.stash[_settings], item.nodeid)
    except SecondRecording as error:
        pytest.fail(str(error), pytrace=False)
    recording.attempt = _runs_of(item).attempt
    introduce(item, item.config.stash[_settings], recording.attempt)
    item.stash[_recording] = recording
    item.config.stash[_open_recordings].append(recording)
    if item.stash.get(_is_in_call, False):
        _begin_call(recording)


def _runs_of(item: pytest.Item) -> Runs:
    if _runs not in item.stash:
        from pytest_traces.plugin.attempts import first_of

        protocol = item.stash.get(_protocol, (None, 0))
        item.stash[_runs] = first_of(item, protocol, item.config.stash[_settings].attempts)
    return item.stash[_runs]


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker(MARKER) is not None


def _marks(item: pytest.Item) -> Marks | None:
    __tracebackhide__ = True
    if not _is_marked(item):
        return None
    from pytest_traces.plugin.marks import marks_of

    if _recording not in item.stash:  # a fixture has marked it
        _open(item)
    return marks_of(item)


def _recording_of(item: pytest.Item) -> Recording | None:
    return item.stash.get(_recording, None)


def _begin_call(recording: Recording) -> None:
    from pytest_traces.traces.session import begin_call

    begin_call(recording)


def _close(config: pytest.Config, recording: Recording) -> list[str]:
    from pytest_traces.traces.session import close_recording

    if recording in config.stash[_open_recordings]:
        config.stash[_open_recordings].remove(recording)
    return close_recording(recording)


def _is_shown(item: pytest.Item, report: pytest.TestReport) -> bool:
    """Once for each test: where it fails, or where its own code is over."""
    show = item.config.stash[_settings].show
    if report.when == "teardown" and item.stash.get(_call_outcome, None) != "passed":
        return False
    return show != "none" and (report.failed or (show == "all" and report.when == "call"))


def _has_markup(config: pytest.Config) -> bool:
    given = getattr(config, "workerinput", {})
    if _MARKUP in given:
        return bool(given[_MARKUP])
    has_terminal = config.pluginmanager.has_plugin("terminalreporter")
    return has_terminal and config.get_terminal_writer().hasmarkup
