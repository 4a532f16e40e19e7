"""Opening and closing recordings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from pytest_traces.recording import Recording, journal
from pytest_traces.settings import (
    DEFAULTS,
    Settings,
    check_sources,
    expand_ignore,
    parse_duration,
)
from pytest_traces.sources import all_sources
from pytest_traces.traces.traces import Traces
from pytest_traces.traces.view import forks


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
    if not journal.windows:
        forks.watch()
        forks.reset()
    recording.open(all_sources())
    return recording


def close_recording(recording: Recording) -> list[str]:
    """Close it; returns what its taps have to complain about."""
    recording.saw_fork(forks)
    return recording.close()


@contextmanager
def record(
    *,
    timeout: str | timedelta = "2s",
    ignore: Sequence[str] = (),
    sources: Sequence[str] = DEFAULTS.sources,
    unsampled: bool = True,
) -> Iterator[Traces]:
    """Record every span that starts in this block, without pytest or inside a test.

    Args:
        timeout: how long assertions wait: ``"2s"`` or a timedelta.
        ignore: globs of names that are lifted out; ``asgi`` stands for the spans that ASGI
            instrumentation adds for each message.
        sources: ``opentelemetry``, ``handwritten``.
        unsampled: whether to record spans that the application's sampler drops.

    Yields:
        What the ``traces`` fixture gives; it can be looked at after the block, too.

    Raises:
        BadValue: an argument that cannot be used.
        AssertionError: at the end, a tap that was never called.

    Example:
        >>> with record() as act:
        ...     client.post("/checkout", json={"order": 7})
        >>> act.assert_count("SELECT orders", 1)
    """
    settings = Settings(
        timeout_ns=parse_duration(timeout, "timeout"),
        ignore=expand_ignore(tuple(ignore)),
        sources=check_sources("sources", sources),
        record_unsampled=unsampled,
    )
    recording = open_recording(settings)
    traces = Traces.of(recording)
    try:
        yield traces
        traces.wait_until_quiet()
    except BaseException:
        close_recording(recording)
        raise
    faults = close_recording(recording)
    if faults:
        raise AssertionError("\n".join(faults))
