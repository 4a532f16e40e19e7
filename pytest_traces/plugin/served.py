"""The receiver for servers that outlive a test, and what it received for nobody."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_traces.recording import journal

if TYPE_CHECKING:  # imported with the first receiver
    from pytest_traces.traces.receiver import Receiver

#: Of a run, in each of its processes: names of spans that no test has claimed, and how often.
_unclaimed = pytest.StashKey[dict[str, int]]()
_SENT = "traces_unclaimed"


@pytest.fixture(scope="session")
def traces_receiver(request: pytest.FixtureRequest) -> Generator[Receiver, None, None]:
    """An OTLP receiver for servers that outlive a test; each test gets the spans of its traces."""
    from pytest_traces.traces.receiver import SessionReceiver

    receiver = SessionReceiver()
    receiver.open()
    try:
        yield receiver
    finally:
        receiver.close()
        _add(request.config, receiver.unclaimed)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    before = journal.uses_servers
    journal.uses_servers = "traces_receiver" in getattr(item, "fixturenames", ())
    try:
        return (yield)
    finally:
        journal.uses_servers = before


def pytest_sessionfinish(session: pytest.Session) -> None:
    # A worker of pytest-xdist has no terminal.
    output: Any = getattr(session.config, "workeroutput", None)
    if output is not None and _unclaimed in session.config.stash:
        output[_SENT] = session.config.stash[_unclaimed]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    _add(node.config, getattr(node, "workeroutput", {}).get(_SENT, {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = terminalreporter.config.stash.get(_unclaimed, None)
    if counts:
        from pytest_traces.plugin.summary import write_unclaimed

        write_unclaimed(terminalreporter, counts)


def _add(config: pytest.Config, counts: dict[str, int]) -> None:
    kept = config.stash.setdefault(_unclaimed, {})
    for name, number in counts.items():
        kept[name] = kept.get(name, 0) + number
