"""The OTLP source: spans that other processes, in any language, send to a receiver of this one.

Nothing is hooked, and no port is open until somebody asks for an :class:`~.endpoint.Endpoint`.
What arrives is kept as it came; a span is read when a test looks at it.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from pytest_traces.encoding import otlp_proto
from pytest_traces.encoding.otlp_proto import ProtoSpan
from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, SpanKey, arrival_of, journal
from pytest_traces.recording import past_key as number_of
from pytest_traces.settings import LOADED, PLAYED, RECEIVED
from pytest_traces.sources.advice import KEEPING, other_process
from pytest_traces.sources.otlp.environment import GRPC_TO_HTTP, of_session

#: What is said of a process that was killed.
LOST = "spans that it had not sent, and those that were open, are lost"
_MOST_SERVICES = 6
_HINT = (
    "a process sends spans if an SDK is set up in it, by opentelemetry-instrument (which needs the "
    "package opentelemetry-distro) or by its own code, and if it has the environment: %s. "
    f"If it was killed, or left by os._exit, before it had sent them: {KEEPING}, or call "
    "force_flush() before"
)
_KILLED_HINT = (
    f"a process that is killed does not send its last spans: {KEEPING}, or call force_flush() "
    "before"
)
_UNASKED = "nobody has asked for a receiver"
_CHILD_HINT = (
    "if the child process that has ended records spans: start it by traces.run([...]), or with "
    "env=traces.receiver.env"
)


class OtlpSource:
    """Reads the :class:`~pytest_traces.recording.Arrival` entries that endpoints deliver.

    The payload of an entry is a SpanData, where it came as JSON; of protobuf it is the
    body of the request, and the entry ends with the number of the span in it.
    """

    name = RECEIVED
    random_ids = True
    excluded_scopes: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._children_s = 0.0

    def open(self) -> None:
        """Note which children have ended; endpoints open and close the port."""
        self._children_s = _children_s()

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
            return self._unasked(recording, notes)
        seen = [span for span in recording.look().spans if span.source == RECEIVED]
        if not spans and not seen:
            is_known_why = not {GRPC_TO_HTTP, of_session(GRPC_TO_HTTP)}.isdisjoint(notes)
            hint = _KILLED_HINT if LOST in notes else _HINT % _environment(recording)
            return Capture("OTLP", _nothing(recording), notes, None if is_known_why else hint)
        if not spans:
            return Capture("OTLP", "0 spans; none in what is looked at", notes)
        counts = Counter(span.service or "an unnamed service" for span in seen)
        services = [f"{number} of {name}" for name, number in counts.most_common(_MOST_SERVICES)]
        more = ", …" if len(counts) > _MOST_SERVICES else ""
        state = f"{spans} span{'' if spans == 1 else 's'} of other processes"
        return Capture("OTLP", f"{state}: {', '.join(services)}{more}", notes)

    def _unasked(self, recording: Recording, notes: tuple[str, ...]) -> Capture:
        """Another process was there, as it seems, and was not told where to send its spans."""
        hint, address = None, other_process(recording)
        if address is not None:
            hint = (
                f"if {address} is another process: start it with env=traces.receiver.env, or "
                "traces_receiver.env if it outlives the test, and with an SDK, such as by "
                "opentelemetry-instrument"
            )
        elif self._children_s < _children_s() and all(
            span.source in (LOADED, PLAYED) for span in recording.look().spans
        ):
            hint = _CHILD_HINT
        return Capture("OTLP", _UNASKED if hint else "", notes, hint)


def _nothing(recording: Recording) -> str:
    """What the receiver of a session has got meanwhile is of others."""
    arrivals = (arrival_of(one) for n, one in list(journal.entries.items()) if n >= recording.first)
    others = sum(one is not None and not one.owner for one in arrivals)
    if not others:
        return "nothing arrived"
    spans = "1 span" if others == 1 else f"{others} spans"
    return f"nothing of this test; {spans} of an earlier test, or of none"


def _environment(recording: Recording) -> str:
    """Where a process gets its environment from: of the receiver that the test uses."""
    if journal.attach is None:
        return "env=traces.receiver.env; traces.run gives it"
    if recording.receiver is None:
        return "env=traces_receiver.env"
    return (
        "env=traces.receiver.env (traces_receiver.env for a server that outlives the test); "
        "traces.run gives it"
    )


def _children_s() -> float:
    """The processor time of all children that have ended and been waited for."""
    times = os.times()
    return times.children_user + times.children_system


otlp = OtlpSource()
