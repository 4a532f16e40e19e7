"""Traces of others: from files, and from the backend of a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import ParamSpec, TypeVar

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.recording import SpanKey, journal
from pytest_traces.report.fetched import Asked, fetched_message
from pytest_traces.report.words import plural
from pytest_traces.settings import LOADED, BadValue, parse_duration
from pytest_traces.shape.usage import understood
from pytest_traces.traces import loops
from pytest_traces.traces.feeding import Feeding

P = ParamSpec("P")
T = TypeVar("T")

#: How long an OpenTelemetry SDK keeps a span that has ended, unless it is told otherwise.
_BATCH_DELAY_NS = 5_000_000_000
_PART_OF_TIMEOUT = 4


class Loading(Feeding):
    """The two ways to give a recording the spans that others have recorded."""

    def load(self, path: str | os.PathLike[str]) -> None:
        """Record the spans of a file, such as a trace downloaded from a backend.

        The format is told by what is in the file: OTLP as JSON (one document or one on each line,
        as the collector writes them, where metrics and logs between them are passed over; the
        answers of Tempo) or as protobuf, Jaeger, Zipkin v2, Datadog; each of them also gzipped, up
        to 1 GiB unpacked, and to 300 times the size of the file where that is more than 64 MiB.
        Half of a character, which JSON may have, becomes a question mark.

        Its spans have the source ``file``; those that are in the recording already are merged with
        them. All of it is recorded, or nothing.

        A file without a span is recorded as such: every assertion then fails and names it.

        Args:
            path: of the file.

        Raises:
            UnreadableTrace: it holds something else, something is wrong in it, or the backend
                that gave it says that it is a part of a trace only (a ValueError); it names the
                place and the reason.
            BadValue: that is no path.
            OSError: the file cannot be read; FileNotFoundError: it is not there.
            ModuleNotFoundError: it is protobuf, and ``pytest-traces[otlp]`` is not installed.
            RuntimeError: the recording is over.

        Example:
            >>> traces.load("checkout-slow.json")
            >>> traces.assert_no_n_plus_one()
        """
        __tracebackhide__ = True
        self._must_be_open("load")
        from pytest_traces.sources.files import read_file

        self._keep(_known_errors(read_file, path), os.fsdecode(path))

    def fetch(
        self,
        url: str,
        *,
        timeout: str | timedelta = "30s",
        spans: int | None = None,
        quiet: str | timedelta | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Record a trace that a backend has, as soon as it is complete there.

        For tests of what runs in a cluster. The backend is asked until the trace is there, no
        span's parent is missing, and nothing has changed for a while; a parent that is recorded
        here, as that of :meth:`caller`, is not missing. Only the last answer is recorded. The
        requests are no requests of the application, and no mock answers them; they take no proxy,
        and trust the certificates that this machine does, or those of ``SSL_CERT_FILE``. It blocks:
        in async code, ``await asyncio.to_thread(traces.fetch, url)``.

        Args:
            url: of the trace at the query API of Jaeger (``/api/traces/<trace id>``) or at the API
                of Tempo (the same, or ``/api/v2/traces/<trace id>``); of any other that answers
                with a format of :meth:`load`. What it says of a user is sent as such.
            timeout: how long to wait at most, whatever comes meanwhile: ``"30s"`` or a timedelta.
            spans: at least so many make the trace complete, whatever is missing beside them.
            quiet: where no number is given, for how long nothing may have changed; else 5 s, the
                time that SDKs keep spans by default, but at most a quarter of the timeout.
            headers: to send along, such as ``{"Authorization": "Bearer ..."}``.

        Raises:
            AssertionError: the trace is not complete when the time is over; it shows what is there.
            ConnectionError: nobody answers at that URL, or refuses to.
            UnreadableTrace: the answer is no trace, is one of other traces only, or is larger than
                1 GiB (a ValueError).
            BadValue: an argument that cannot be used.
            RuntimeError: the recording is over.

        Example:
            >>> with traces.caller("click") as caller:
            ...     httpx.post("https://shop.test/checkout", headers=caller.headers)
            ...     traces.fetch(f"http://jaeger:16686/api/traces/{caller.trace_id}")
            >>> traces.assert_path("click", ..., "INSERT payments")
        """
        __tracebackhide__ = True
        self._must_be_open("fetch")
        from pytest_traces.sources.backends.address import read_address
        from pytest_traces.sources.backends.fetching import Fetching
        from pytest_traces.sources.backends.progress import Progress

        address = understood(read_address, url, headers)
        limit = understood(parse_duration, timeout, "timeout")
        calm = min(_BATCH_DELAY_NS, limit // _PART_OF_TIMEOUT)
        if quiet is not None:
            calm = understood(parse_duration, quiet, "quiet")
        wanted = understood(_check_number, spans)
        progress = Progress(wanted, calm, self._known)
        fetched = _known_errors(Fetching(address, progress).run, limit)
        if not fetched.is_complete:
            asked = Asked(
                address.url, fetched.times, limit, wanted, fetched.trouble, loops.is_running()
            )
            forest = assemble([*self._of_same_traces(progress.spans), *progress.spans])
            message = fetched_message(asked, progress.spans, progress.missing, forest)
            raise AssertionError(str(message))
        self._keep(progress.spans, address.url)

    def _keep(self, spans: Sequence[SpanData], origin: str) -> None:
        recording = self._frame.recording
        for span in spans:
            journal.put(span)
        recording.remark(LOADED, f"{plural(len(spans), 'span')} of {origin}")
        if not spans:
            recording.problems.append(f"load: {origin} holds no span")

    def _known(self) -> set[SpanKey]:
        recorded = self._frame.recording.look().spans
        return {(span.trace_id, span.span_id) for span in recorded}

    def _of_same_traces(self, spans: Sequence[SpanData]) -> list[SpanData]:
        traces = {span.trace_id for span in spans}
        return [one for one in self._frame.recording.look().spans if one.trace_id in traces]


def _known_errors(do: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What it gives; its errors come without the frames of this package."""
    __tracebackhide__ = True
    try:
        return understood(do, *args, **kwargs)
    except (OSError, ModuleNotFoundError) as error:
        raise error.with_traceback(None) from None


def _check_number(spans: object) -> int | None:
    if spans is None or (isinstance(spans, int) and not isinstance(spans, bool) and spans > 0):
        return spans
    raise BadValue("spans", spans, "it is the least number of spans, 1 or more")
