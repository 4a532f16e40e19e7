"""pytest's hooks and fixtures. Only wiring: what is done, is done elsewhere."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_traces.options import add_options, read_settings
from pytest_traces.recording import Recording, journal
from pytest_traces.settings import Settings
from pytest_traces.sources import opentelemetry

if TYPE_CHECKING:  # imported with the first recording
    from pytest_traces.traces.traces import Traces

_settings = pytest.StashKey[Settings]()
_recording = pytest.StashKey[Recording]()
_call_failed = pytest.StashKey[bool]()

_SECTION = "traces"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    # Before any conftest.py can import the application and bind one of its methods.
    opentelemetry.install()
    early_config.add_cleanup(opentelemetry.uninstall)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_settings] = read_settings(config)
    opentelemetry.install()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _settings in config.stash:
        opentelemetry.uninstall()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    if item.config.stash[_settings].record_all or "traces" in getattr(item, "fixturenames", ()):
        _open(item)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    recording = item.stash.get(_recording, None)
    if recording is not None:
        recording.call = (journal.position(), None)
    try:
        return (yield)
    except BaseException:
        item.stash[_call_failed] = True
        raise
    finally:
        # The fixture may have been asked for by name during the call.
        recording = item.stash.get(_recording, None)
        if recording is not None:
            first = recording.call[0] if recording.call else recording.first
            recording.call = (first, journal.position())
            _add_section(item, recording)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    faults: list[str] = []
    try:
        yield
    finally:
        recording = item.stash.get(_recording, None)
        if recording is not None:
            from pytest_traces.traces.session import close_recording

            faults = close_recording(recording)
            del item.stash[_recording]
    if faults and not item.stash.get(_call_failed, False):
        pytest.fail("\n".join(faults), pytrace=False)


@pytest.fixture
def traces(request: pytest.FixtureRequest) -> Iterator[Traces]:
    """Records every span of this test, and asserts on them."""
    item = request.node
    if _recording not in item.stash:
        _open(item)
    from pytest_traces.traces.traces import Traces

    yield Traces.of(item.stash[_recording])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    config = terminalreporter.config
    if config.stash[_settings].show != "all":
        return
    for report in terminalreporter.getreports("passed"):
        shown = [text for title, text in report.sections if title == _SECTION]
        if shown and report.when == "call":
            terminalreporter.section(f"traces of {report.nodeid}", sep="-")
            terminalreporter.line("\n".join(shown))


def _open(item: pytest.Item) -> None:
    from pytest_traces.traces.session import SecondRecording, open_recording

    try:
        item.stash[_recording] = open_recording(item.config.stash[_settings], item.nodeid)
    except SecondRecording as error:
        pytest.fail(str(error), pytrace=False)


def _add_section(item: pytest.Item, recording: Recording) -> None:
    show = item.config.stash[_settings].show
    failed = item.stash.get(_call_failed, False)
    if show == "none" or not (failed or show == "all"):
        return
    from pytest_traces.traces.traces import Traces

    markup = item.config.get_terminal_writer().hasmarkup
    text = Traces.of(recording).section(markup=markup)
    if text:
        item.add_report_section("call", _SECTION, text)
