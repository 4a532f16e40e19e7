"""Asking a backend for a trace until it is complete, or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pytest_traces.model import SpanData
from pytest_traces.recording import Clock
from pytest_traces.sources.backends.address import Address
from pytest_traces.sources.backends.http import Answer, Hiccup, TooLarge, Unreachable, get
from pytest_traces.sources.backends.progress import Progress
from pytest_traces.sources.files import UnreadableTrace, read_trace

_FIRST_PAUSE_NS = 100_000_000
_LONGEST_PAUSE_NS = 1_000_000_000
_OK = 200
#: What backends say of a trace that they do not have yet, or while they are too busy to look.
_TRY_AGAIN = (202, 204, 404, 408, 425, 429)
_SERVER_FAULTS = 500
_NOT_ALLOWED = (401, 403)
_TOKEN_HINT = '\n  a token goes into headers={"Authorization": "Bearer ..."}'
_OTHER = "the answer holds other traces, and not the one that this URL names"
_PAGE = "a page for people came; the API is at /api/traces/<trace id>"


class Fetched(NamedTuple):
    """What came of it: whether the trace is complete, and of the last answer what was wrong."""

    is_complete: bool
    times: int
    trouble: str | None


class Fetching:
    """Asks for one trace.

    Args:
        address: of the trace.
        progress: gets the spans of each answer.
        ask: one request, which may take so many seconds.
        now: a clock that only goes forward, in nanoseconds.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        address: Address,
        progress: Progress,
        *,
        ask: Callable[[Address, float], Answer] = get,
        now: Callable[[], int] = Clock.monotonic_ns,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self._progress = progress
        self._ask = ask
        self._now = now
        self._pause = pause
        self._has_answered = False
        #: What was wrong with the last answer.
        self._trouble: str | None = None

    def run(self, timeout_ns: int) -> Fetched:
        """Ask until the trace is complete, less and less often, or until the time is over.

        Raises:
            ConnectionError: nobody answers there, or the answer will not change.
            UnreadableTrace: the answer is no trace.
        """
        deadline, pause_ns, times = self._now() + timeout_ns, _FIRST_PAUSE_NS, 0
        while True:
            left_ns = max(deadline - self._now(), _FIRST_PAUSE_NS)
            is_complete, times = self._poll(left_ns / 1e9), times + 1
            left_ns = deadline - self._now()
            if is_complete or left_ns <= 0:
                return Fetched(is_complete, times, self._trouble)
            self._pause(min(pause_ns, left_ns) / 1e9)
            pause_ns = min(pause_ns * 3 // 2, _LONGEST_PAUSE_NS)

    def _poll(self, seconds: float) -> bool:
        """Ask once; returns whether the trace is complete."""
        try:
            answer = self._ask(self._address, seconds)
        except Unreachable as error:
            if not (self._has_answered or isinstance(error, Hiccup)):
                raise ConnectionError(f"{self._address.url}: {error}") from None
            self._trouble = str(error)
            return False
        except TooLarge as error:
            raise UnreadableTrace(self._address.url, "", str(error)) from None
        self._has_answered = True
        self._trouble = _trouble_of(answer)
        if self._trouble is not None:
            return False
        parts: list[str] = []
        spans = _spans_of(answer, parts)
        if spans and not any(self._address.is_of(span.trace_id) for span in spans):
            raise UnreadableTrace(self._address.url, "", _OTHER)
        is_complete = self._progress.see(spans, self._now())
        self._trouble = next(iter(parts), None)
        if not spans and self._trouble is None:
            self._trouble = _told(answer)
        return is_complete and self._trouble is None


def _trouble_of(answer: Answer) -> str | None:
    """What an answer was that is no trace, where another one may follow.

    Raises:
        ConnectionError: no other one will follow.
    """
    if answer.status == _OK:
        return None
    told = _told(answer)
    if answer.status in _TRY_AGAIN or answer.status >= _SERVER_FAULTS:
        return told
    hint = _TOKEN_HINT if answer.status in _NOT_ALLOWED else ""
    raise ConnectionError(f"{answer.address.url}: {told}{hint}")


def _told(answer: Answer) -> str:
    said = f": {answer.text}" if answer.text else ""
    return f"HTTP {answer.status} {answer.reason}".rstrip() + said


def _spans_of(answer: Answer, parts: list[str]) -> Sequence[SpanData]:
    if answer.is_html:
        raise UnreadableTrace(answer.address.url, "", _PAGE)
    return read_trace(answer.body, answer.address.url, is_answer=True, parts=parts)
