"""Opening and closing recordings."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from types import TracebackType

from pytest_traces.propagation.registry import format_named
from pytest_traces.recording import Recording, journal
from pytest_traces.settings import (
    DEFAULTS,
    BadValue,
    Settings,
    check_external,
    check_ignore,
    check_sources,
    parse_duration,
)
from pytest_traces.shape.usage import understood
from pytest_traces.sources import all_sources
from pytest_traces.sources.work import work
from pytest_traces.traces.frame import forks, pull_all
from pytest_traces.traces.traces import Traces
from pytest_traces.wire.clients import Wire

wire = Wire(journal)


class SecondRecording(RuntimeError):
    """Two tests record at once in one process, so neither could tell its spans from the other's."""


def open_recording(settings: Settings, label: str | None = None) -> Recording:
    """Open a recording; with a label it belongs to that test, and only one such may be open.

    Raises:
        SecondRecording: another test's recording is open in this process.
    """
    if label is not None:
        for other in journal.windows:
            if other.label is not None and other.process == os.getpid():
                raise SecondRecording(
                    f"the recording of {other.label} is still open: two tests that run at once in "
                    "one process cannot be told apart; run them in processes (pytest-xdist)"
                )
    recording = Recording(settings, label)
    recording.takes_strays = journal.uses_servers
    if label is None:
        _join(recording)
    if not journal.windows:
        forks.watch()
    pull_all()  # what was there before does not belong to the new one
    recording.open(all_sources(), (wire,))
    recording.counts_work = bool(work.running)
    return recording


def _join(recording: Recording) -> None:
    """A block inside a test shares the runs and the notes of that test."""
    for other in journal.windows:
        if other.label is not None and other.process == os.getpid():
            recording.attempt, recording.notes = other.attempt, other.notes
            recording.takes_strays = other.takes_strays


def begin_call(recording: Recording) -> None:
    """From here on the test's own code runs; what came before is of its set-up."""
    pull_all()
    if recording.attempt.counting:
        work.start()
        recording.counts_work = recording.began_work = True
    recording.call = (journal.position(), None)


def end_call(recording: Recording) -> None:
    """The test's own code is over; what comes is of its teardown."""
    pull_all()
    first = recording.call[0] if recording.call else recording.first
    recording.call = (first, journal.position())
    if recording.began_work:
        work.stop()
        recording.began_work = False


def close_recording(recording: Recording) -> list[str]:
    """Close it; returns what its taps have to complain about."""
    pull_all()
    recording.saw_fork(forks)
    return recording.close()


class RecordedBlock:
    """The ``with`` block of :func:`record`."""

    def __init__(self, settings: Settings, *, counting: bool = False) -> None:
        self._settings = settings
        self._counting = counting
        self._open: list[tuple[Recording, Traces]] = []

    def __enter__(self) -> Traces:
        __tracebackhide__ = True
        if self._counting:
            work.check()
            work.start()
        try:
            recording = open_recording(self._settings)
        except BaseException:
            if self._counting:
                work.stop()
            raise
        recording.counts_work = recording.counts_work or self._counting
        traces = Traces.of(recording)
        self._open.append((recording, traces))
        return traces

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        recording, traces = self._open.pop()
        try:
            if kind is None:
                traces.wait_until_quiet()
        finally:
            faults = close_recording(recording)
            if self._counting:
                work.stop()
        if faults and kind is None:
            raise AssertionError("\n".join(faults))


def record(
    *,
    timeout: str | timedelta = "2s",
    ignore: Sequence[str] = (),
    sources: Sequence[str] = DEFAULTS.sources,
    unsampled: bool = True,
    external: Sequence[str] = (),
    format: str | None = None,  # noqa: A002  # the public word for it
    count_work: bool = False,
) -> RecordedBlock:
    """Record every span that starts in a ``with`` block, without pytest or inside a test.

    Args:
        timeout: how long assertions wait: ``"2s"`` or a timedelta.
        ignore: globs of names that are lifted out; ``asgi`` stands for the spans that ASGI
            instrumentation adds for each message.
        sources: some of ``opentelemetry``, ``sentry``, ``handwritten`` and ``otlp``.
        unsampled: whether to record spans that the application's sampler drops.
        external: third parties to whom no context may go: hosts, URL prefixes, globs.
        format: the format of the context headers that the application sends, one of
            :data:`pytest_traces.propagation.FORMATS`; None for any one.
        count_work: whether to count the events of the interpreter, for
            :meth:`Traces.assert_work`; what runs is about three times as slow.

    Returns:
        A context manager. It gives what the ``traces`` fixture gives, which can be looked at
        after the block, too.

    Raises:
        BadValue: an argument that cannot be used.
        CannotCount: events of the interpreter are wanted of a Python before 3.12.
        AssertionError: at the end of the block, a tap, a caller or a route of a stand-in that
            was never used, or a request that no route takes.

    Example:
        >>> with record() as act:
        ...     client.post("/checkout", json={"order": 7})
        >>> act.assert_count("SELECT orders", 1)
    """
    __tracebackhide__ = True
    settings = understood(_settings, timeout, ignore, sources, unsampled)
    outward = understood(_outward, external, format)
    settings = replace(settings, external=outward[0], format=outward[1])
    return RecordedBlock(settings, counting=count_work)


def _outward(external: Sequence[str], name: str | None) -> tuple[tuple[str, ...], str | None]:
    if name is not None:
        format_named(name)
    return check_external(external, "external"), name


def _settings(
    timeout: str | timedelta, ignore: Sequence[str], sources: Sequence[str], unsampled: object
) -> Settings:
    if not isinstance(unsampled, bool):
        raise BadValue("unsampled", unsampled, "it is True or False")
    return Settings(
        timeout_ns=parse_duration(timeout, "timeout"),
        ignore=check_ignore(ignore, "ignore"),
        sources=check_sources(sources, "sources"),
        record_unsampled=unsampled,
    )
