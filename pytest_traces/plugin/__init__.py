"""pytest's hooks and fixtures. Only wiring: what is done, is done elsewhere."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_traces.options import add_options, read_settings
from pytest_traces.recording import Recording
from pytest_traces.settings import Settings
from pytest_traces.sources import opentelemetry

if TYPE_CHECKING:  # imported with the first recording
    from pytest_traces.traces.traces import Traces

_settings = pytest.StashKey[Settings]()
#: Of a run: the recordings that are open. Of a test: its own.
_open_recordings = pytest.StashKey[list[Recording]]()
_recording = pytest.StashKey[Recording]()
_is_in_call = pytest.StashKey[bool]()
_call_outcome = pytest.StashKey[str]()

_SECTION = "traces"
_MARKUP = "traces_markup"


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
    opentelemetry.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _settings not in config.stash:
        return
    while config.stash[_open_recordings]:  # the test was interrupted
        _close(config, config.stash[_open_recordings][-1])
    opentelemetry.uninstall()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # No wrapper: those of other plugins must have begun, should the recording not open.
    _forget(item)  # a test may run again
    if item.config.stash[_settings].record_all or "traces" in getattr(item, "fixturenames", ()):
        _open(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    item.stash[_is_in_call] = True
    if _recording in item.stash:
        _begin_call(item.stash[_recording])
    try:
        return (yield)
    finally:
        item.stash[_is_in_call] = False
        if _recording in item.stash:
            from pytest_traces.traces.session import end_call

            end_call(item.stash[_recording])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    faults: list[str] = []
    try:
        yield
    finally:
        if _recording in item.stash:
            faults = _close(item.config, item.stash[_recording])
    # A test that has failed, or did not get to its end, is not blamed for the rest, too.
    if faults and item.stash.get(_call_outcome, None) == "passed":
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[_call_outcome] = report.outcome
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if terminalreporter.config.stash[_settings].show != "all":
        return
    for report in terminalreporter.getreports("passed"):
        for title, text in report.sections:
            if title == _SECTION:
                terminalreporter.section(f"traces of {report.nodeid}", sep="-")
                terminalreporter.line(text)


def _forget(item: pytest.Item) -> None:
    def forget(key: pytest.StashKey[Any]) -> None:
        if key in item.stash:
            del item.stash[key]

    forget(_recording)
    forget(_is_in_call)
    forget(_call_outcome)


def _open(item: pytest.Item) -> None:
    from pytest_traces.traces.session import SecondRecording, open_recording

    try:
        recording = open_recording(item.config.stash[_settings], item.nodeid)
    except SecondRecording as error:
        pytest.fail(str(error), pytrace=False)
    item.stash[_recording] = recording
    item.config.stash[_open_recordings].append(recording)
    if item.stash.get(_is_in_call, False):
        _begin_call(recording)


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
