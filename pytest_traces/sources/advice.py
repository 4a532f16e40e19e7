"""Why something is missing: a context in a request, or the spans of another process."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from pytest_traces.model import RequestData
from pytest_traces.recording import Recording, journal
from pytest_traces.settings import LOADED, PLAYED, RECEIVED

#: How a process comes to send all of its spans.
KEEPING = "let it end by itself or stop it by a signal that it handles"
_NOT_OF_HERE = (LOADED, PLAYED, RECEIVED)


class Sending(NamedTuple):
    """How a request left.

    Attributes:
        client: the library that sent it.
        url: where to.
        through: the transport or mock that took it; None for the network.
        has_client_span: whether an instrumentation made a span for it.
        source: the source of the span that sent it; None where that was not recorded.
        format: the format of headers that is missing; None for any.
    """

    client: str
    url: str
    through: str | None
    has_client_span: bool
    source: str | None
    format: str | None


class Advice(NamedTuple):
    """Why there is no context, and what to do about it."""

    cause: str
    hint: str | None = None


def other_process(recording: Recording) -> str | None:
    """An address of this machine that answered a request, and no span of this process tells so.

    Stand-ins are served by this process, whether or not they record a span.
    """
    served = {address for one in (recording, *journal.windows) for address in one.aliases}
    handled = [
        span.start_ns
        for span in recording.look().spans
        if span.kind == "server" and span.source not in _NOT_OF_HERE
    ]
    for one in recording.requests_between():
        address = _local_address(one)
        if address is None or address in served or one.status is None or one.end_ns is None:
            continue
        if not any(one.start_ns <= start <= one.end_ns for start in handled):
            return address
    return None


def _local_address(request: RequestData) -> str | None:
    if request.role != "outgoing" or request.through is not None:
        return None
    url = urlsplit(request.url)
    host = url.hostname or ""
    if host not in ("localhost", "::1") and not host.startswith("127."):
        return None
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}"


def advice_on(sending: Sending) -> Advice | None:
    """The first explanation that a library has; None if none knows."""
    from pytest_traces.sources.opentelemetry.unpropagated import explain
    from pytest_traces.sources.sentry.targets import explain as explain_targets

    if sending.format == "sentry":
        return explain_targets(sending)
    if sending.source == "opentelemetry":
        return explain(sending)
    return explain(sending) or explain_targets(sending)
