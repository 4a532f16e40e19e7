"""Messages: carriers that were no HTTP request, beside the spans that sent and received them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_traces.forest import Forest, Span
from pytest_traces.headers import SentHeaders
from pytest_traces.model import CarrierData, RequestData
from pytest_traces.propagation.checking.claims import Claims, Injection
from pytest_traces.propagation.checking.index import Index, keys_in
from pytest_traces.propagation.checking.marks import (
    Arrived,
    Marks,
    all_marks,
    looks_like_http,
    marks_of,
    sender_of,
)
from pytest_traces.recording import SpanKey

#: The queue or topic, by its present name and by the one that many instrumentations still use.
_DESTINATION = ("messaging.destination.name", "messaging.destination")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Message:
    """A message of a queue, as its headers were when it was sent.

    Attributes:
        destination: the queue or topic as the sending span names it
            (``messaging.destination.name``), else as a receiving one does, else the name of the
            sending span, of the receiving one; None if there is neither.
        headers: names and values, as they were after the context had been injected.
        action: ``sent`` in this recording, or only ``received``.
        sender: the span that sent it; None if there was none, or it was not recorded.
        receivers: the spans that go on with its context, as children or with a link; messages
            that carry the very same context share them.
        number: its place among spans, requests and messages, in order of arrival.
        time_ns: when it was sent, in nanoseconds since the Unix epoch; when it was received, if
            it was not sent here.
        sender_key: trace id and span id of the sender, known even if it was not recorded.

    Example:
        >>> booking = traces.messages[0]
        >>> booking.destination, booking.sender.name, booking.receivers[0].name
        ('bookings', 'bookings publish', 'bookings process')
        >>> booking.headers["traceparent"]
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    """

    destination: str | None
    headers: SentHeaders
    action: Literal["sent", "received"]
    sender: Span | None
    receivers: tuple[Span, ...]
    number: int
    time_ns: int
    sender_key: SpanKey | None = None

    def __repr__(self) -> str:
        sender = f" by {self.sender.name!r}" if self.sender is not None else ""
        sent = f" sent{sender}" if self.action == "sent" else ""
        names = ", ".join(repr(span.name) for span in self.receivers)
        received = f" received by {names}" if names else " received by no span"
        context = "" if marks_of(self.headers) else " without context"
        to = "" if self.destination is None else f" {self.destination!r}"
        return f"<Message{to}{sent}{received}{context}>"


def messages_of(
    carriers: Sequence[CarrierData], requests: Sequence[RequestData], forest: Forest
) -> list[Message]:
    """The messages among what propagators wrote and read, in order.

    An injection that a recorded request, another call or a server span accounts for is no
    message, nor is an extraction that leads to a server span. What was sent and what was
    received with the same context is one message.

    Args:
        carriers: what propagators wrote and read.
        requests: the HTTP requests of the same time, incoming ones as well.
        forest: the spans of the same time.
    """
    index, arrived = Index(forest), Arrived(forest)
    claims = Claims([_injection(one, index) for one in carriers if one.action == "inject"], arrived)
    claims.take_client_spans()
    claims.take_requests(requests)
    claims.take_servers(requests)
    claims.give_back()
    sent = claims.left()
    found = [_sent(one, arrived) for one in sent]
    read = [one for one in carriers if one.action == "extract"]
    known = all_marks(one.marks for one in sent)
    called = all_marks(marks_of(one.headers) for one in requests)
    found += _received(read, known, called, arrived, index)
    found += _received_without(read, forest)
    return sorted(found, key=lambda message: message.number)


def producers_without_carrier(forest: Forest, carriers: Iterable[CarrierData]) -> list[Span]:
    """Ended producer spans in which nothing was injected: what they sent has no context.

    An injection counts for the span that was current, or whose context it wrote, and for the
    spans around it up to the next call: a request inside a producer span has its own carrier.
    """
    index, wrote = Index(forest), set[int]()
    for carrier in carriers:
        span = sender_of(carrier, index)[0] if carrier.action == "inject" else None
        while span is not None and span.kind in ("internal", "producer"):
            wrote.add(id(span))
            span = span.parent
    return [
        span
        for span in forest.spans
        if span.kind == "producer" and span.end_ns is not None and id(span) not in wrote
    ]


def consumers_without_context(forest: Forest, carriers: Iterable[CarrierData]) -> list[Span]:
    """Consumer spans that begin a trace: they go on with nothing and link to nothing.

    Left out is a span that fetched messages which have a context each: contexts were extracted
    in it, or a consumer below it links to one.
    """
    index, fetched = Index(forest), set[int]()
    for carrier in carriers:
        if carrier.action == "extract" and marks_of(carrier.headers):
            for ref in carrier.current:
                span = index.get((ref.trace_id, ref.span_id))
                if span is not None:
                    fetched |= {id(one) for one in (span, *span.ancestors)}
    for span in forest.spans:
        if span.kind == "consumer" and span.links:
            fetched |= {id(one) for one in span.ancestors}
    return [
        span
        for span in forest.spans
        if span.kind == "consumer" and _begins_a_trace(span) and id(span) not in fetched
    ]


def _begins_a_trace(span: Span) -> bool:
    return span.parent_id is None and not span.links


def _injection(carrier: CarrierData, index: Index) -> Injection:
    return Injection(carrier, marks_of(carrier.headers), *sender_of(carrier, index))


def _sent(injection: Injection, arrived: Arrived) -> Message:
    data = injection.data
    receivers = [one for one in arrived.at(injection.marks) if one.kind != "server"]
    destination = _destination(injection.sender, receivers)
    headers = SentHeaders(data.headers)
    return Message(
        destination, headers, "sent", injection.sender, tuple(receivers), data.number,
        data.time_ns, injection.key,
    )  # fmt: skip


def _received(
    read: Sequence[CarrierData], known: Marks, called: Marks, arrived: Arrived, index: Index
) -> Iterable[Message]:
    """What came in with a context that nobody in this recording has sent as a message."""
    for data in read:
        marks = marks_of(data.headers)
        if not marks or marks & known:
            continue
        is_call = looks_like_http(data.headers) or marks & called or arrived.servers(marks)
        if is_call and not arrived.has_consumer(marks):
            continue
        known |= marks
        receivers = [one for one in arrived.at(marks) if one.kind != "server"]
        keys = keys_in(data.headers)
        sender = next((span for key in keys if (span := index.get(key)) is not None), None)
        key = None if sender is None else (sender.trace_id, sender.span_id)
        yield Message(
            _destination(sender, receivers), SentHeaders(data.headers), "received", sender,
            tuple(receivers), data.number, data.time_ns, key,
        )  # fmt: skip


def _received_without(read: Sequence[CarrierData], forest: Forest) -> Iterable[Message]:
    """What came in without context, and began a trace that is no answer to a call.

    Nothing but their order ties them together: the trace began on the thread that had just
    looked into the carrier.
    """
    threads: dict[str | None, list[Span]] = {}
    for span in forest.spans:  # in order of start
        threads.setdefault(span.data.thread, []).append(span)
    began: dict[int, tuple[CarrierData, Span]] = {}
    for data in read:
        if not marks_of(data.headers):
            here = threads.get(data.thread, [])
            place = bisect_left(here, data.time_ns, key=lambda span: span.start_ns)
            if place < len(here) and _begins_a_trace(here[place]):
                began[id(here[place])] = data, here[place]  # the last look before it counts
    for data, span in began.values():
        if span.kind == "consumer" or (
            span.kind == "internal" and not looks_like_http(data.headers)
        ):
            yield Message(
                _destination(None, [span]), SentHeaders(data.headers), "received", None, (span,),
                data.number, data.time_ns,
            )  # fmt: skip


def _destination(sender: Span | None, receivers: Sequence[Span]) -> str | None:
    """What the spans around a message call its queue; else the name of one of them."""
    around = [] if sender is None else [sender]
    for span in sender.ancestors if sender is not None and sender.kind == "internal" else ():
        around.append(span)
        if span.kind != "internal":
            break
    spans = [*around, *receivers]
    for span in spans:
        for name in _DESTINATION:
            value = span.attributes.get(name)
            if isinstance(value, str) and value:
                return value
    return spans[0].name if spans else None
