"""The OTLP source: spans that other processes, in any language, send to a receiver of this one.

Nothing is hooked, and no port is open until somebody asks for an :class:`~.endpoint.Endpoint`.
What arrives is kept as it came; a span is read when a test looks at it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from pytest_traces.encoding import otlp_proto
from pytest_traces.encoding.otlp_proto import ProtoSpan
from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, SpanKey
from pytest_traces.recording import past_key as number_of
from pytest_traces.settings import RECEIVED
from pytest_traces.sources.otlp.environment import GRPC_TO_HTTP

#: What is said of a process that was killed.
LOST = "spans that it had not sent are lost"
_MOST_SERVICES = 6
_HINT = (
    "a process sends spans if an SDK is set up in it, by opentelemetry-instrument (which needs the "
    "package opentelemetry-distro) or by its own code, and if it has the environment: "
    "env=traces.receiver.env; traces.run gives it"
)


class OtlpSource:
    """Reads the :class:`~pytest_traces.recording.Arrival` entries that endpoints deliver.

    The payload of an entry is a SpanData, where it came as JSON; of protobuf it is the
    body of the request, and the entry ends with the number of the span in it.
    """

    name = RECEIVED
    random_ids = True
    excluded_scopes: frozenset[str] = frozenset()

    def open(self) -> None:
        """Nothing to do: endpoints open and close the port."""

    def close(self) -> None:
        """Let go of what was read last."""
        otlp_proto.read.cache_clear()

    def current(self) -> SpanKey | None:
        """Never: these spans are of other processes."""
        return None

    def suppressed(self) -> bool:
        """Never."""
        return False

    def flush(self) -> None:
        """Nothing to do: what arrives is in the journal at once."""

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read a span that has arrived."""
        payload = entry[2]
        if isinstance(payload, SpanData):
            return payload
        span: ProtoSpan = otlp_proto.read(payload)[entry[4]]
        return span.decode(RECEIVED)

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id as one number."""
        payload = entry[2]
        if isinstance(payload, SpanData):
            return number_of(payload.trace_id, payload.span_id)
        span: ProtoSpan = otlp_proto.read(payload)[entry[4]]
        return span.number()

    def is_idle(self) -> bool:
        """Without a receiver nobody can send anything, and whoever has one is told."""
        return True

    def captured(self, recording: Recording, spans: int) -> Capture:
        """How many spans each service has sent; an empty state where nobody could."""
        notes = tuple(recording.remarks.get(RECEIVED, ()))
        if recording.is_silent is None:
            return Capture("OTLP", "", notes)
        seen = [span for span in recording.look().spans if span.source == RECEIVED]
        if not spans and not seen:
            is_known_why = LOST in notes or GRPC_TO_HTTP in notes
            return Capture("OTLP", "nothing arrived", notes, None if is_known_why else _HINT)
        if not spans:
            return Capture("OTLP", "0 spans; none in what is looked at", notes)
        counts = Counter(span.service or "an unnamed service" for span in seen)
        services = [f"{number} of {name}" for name, number in counts.most_common(_MOST_SERVICES)]
        more = ", …" if len(counts) > _MOST_SERVICES else ""
        state = f"{spans} span{'' if spans == 1 else 's'} of other processes"
        return Capture("OTLP", f"{state}: {', '.join(services)}{more}", notes)


otlp = OtlpSource()
