"""What leaves the process in the part of a recording that a view looks at, and the checks on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_traces.forest import Forest, Span
from pytest_traces.model import CarrierData, Headers, RequestData
from pytest_traces.propagation import formats_in
from pytest_traces.propagation.checking.check import Carried, check, leaks_in
from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.incoming import Arrivals, Incoming
from pytest_traces.propagation.checking.messages import (
    Message,
    consumers_without_context,
    messages_of,
    producers_without_carrier,
)
from pytest_traces.propagation.checking.parts import Asked
from pytest_traces.propagation.checking.requests import Request
from pytest_traces.propagation.checking.senders import Index, Sender, keys_in, senders_of
from pytest_traces.propagation.checking.serving import serves
from pytest_traces.propagation.checking.targets import Target, any_takes_url
from pytest_traces.propagation.checking.verdict import Checked
from pytest_traces.recording import SpanKey

_DESTINATION = ("messaging.destination.name", "messaging.destination")


@dataclass(frozen=True)
class Wanted:
    """What has to be in the headers: a format, members of tracestate and baggage."""

    format: str | None
    asked: Asked


class Outgoing:
    """Requests, messages and spans of one look, each beside the others.

    Args:
        forest: everything that was recorded.
        view: what is left of it in the view; what is sent from elsewhere is left out.
        requests: of the same time, incoming ones too.
        carriers: what propagators wrote and read.
    """

    def __init__(
        self,
        forest: Forest,
        view: Forest,
        requests: Sequence[RequestData],
        carriers: Sequence[CarrierData],
    ) -> None:
        self._forest = forest
        self._view = None if view is forest else view
        self._data = [one for one in requests if one.role != "export"]
        self._carriers = carriers
        self._index = Index(forest)

    @cached_property
    def requests(self) -> list[Request]:
        """Every request but those of exporters, incoming ones too."""
        senders = senders_of(self._data, self._index)
        found = [Request(one, senders[one.number]) for one in self._data]
        return [one for one in found if self._is_in_view(one.span)]

    @cached_property
    def messages(self) -> list[Message]:
        """Every message."""
        found = messages_of(self._carriers, self._data, self._forest)
        return [
            one
            for one in found
            if self._is_in_view(one.sender) or any(map(self._is_in_view, one.receivers))
        ]

    @cached_property
    def _arrivals(self) -> Arrivals:
        came: Iterable[Headers] = (
            *(one.headers for one in self._data if one.role == "incoming"),
            *(one.headers for one in self._carriers if one.action == "extract"),
        )
        return Arrivals(came, self._index)

    @cached_property
    def _visible(self) -> set[tuple[str, str]]:
        spans = self._view.spans if self._view is not None else ()
        return {(span.trace_id, span.span_id) for span in spans}

    def _is_in_view(self, span: Span | None) -> bool:
        if self._view is None:
            return True
        return span is not None and (span.trace_id, span.span_id) in self._visible

    def titles(self) -> list[str]:
        """What there is, in short."""
        messages = [one for one in self.messages if one.destination is not None]
        return [
            *(f"{one.method} {one.url}" for one in self.requests if one.role == "outgoing"),
            *(_title(one.destination) for one in messages),
        ]

    def check(
        self, target: Target | None, left_out: Sequence[Target], wanted: Wanted
    ) -> list[Checked]:
        """All checks of the requests and messages to a target; without one, of all but some."""
        requests = self._select(target, left_out)
        checked = [self.check_request(one, wanted) for one in requests]
        return checked + self.check_messages(target, wanted)

    def check_leaks(self, targets: Sequence[Target]) -> list[Checked]:
        """Whether a context, or baggage, leaves to one of these targets."""
        checked = []
        for request in self.requests:
            if request.end_ns is not None and any_takes_url(targets, request.url):
                carried = Carried(request.headers, request.sender)
                title = f"{request.method} {request.url}"
                checked.append(Checked(title, carried, leaks_in(request.headers), request))
        for message in self.messages:
            if any(target.takes_destination(message.destination) for target in targets):
                carried = Carried(message.headers, Sender(message.sender, message.sender_key))
                title = _title(message.destination)
                checked.append(Checked(title, carried, leaks_in(message.headers)))
        return checked

    def _select(self, target: Target | None, left_out: Sequence[Target]) -> list[Request]:
        """The requests to a target; without one, all that the application sent but to others."""
        # What has not been answered may not have all its headers yet.
        answered = [one for one in self.requests if one.end_ns is not None]
        if target is not None:
            return [one for one in answered if target.takes_url(one.url)]
        return [
            one
            for one in answered
            if one.role == "outgoing" and not any_takes_url(left_out, one.url)
        ]

    def check_request(self, request: Request, wanted: Wanted) -> Checked:
        """All checks of one request."""
        data, sender = request.data, request.sender
        carried = Carried(data.headers, sender, data.start_ns, self._arrivals.above(sender.span))
        faults = check(carried, wanted.format, wanted.asked, self._index)
        title = f"{data.method} {data.url}"
        return Checked(title, carried, faults, request, _copied(faults, carried.incoming))

    def served_by(self, span: Span, wanted: Wanted) -> Checked | None:
        """The request at fault that this server span serves; None if there is none, or several."""
        found = [one for one in self.requests if one.role == "outgoing" and serves(span, one)]
        checked = [self.check_request(one, wanted) for one in found]
        wrong = [one for one in checked if not one.holds]
        return wrong[0] if len(wrong) == 1 else None

    def check_carrier(self, headers: Headers, senders: Sequence[Span], wanted: Wanted) -> Checked:
        """All checks of a carrier that one of these spans wrote; of any span, if there is none."""
        named = self._writer(headers, senders)
        sender = Sender(named, (named.trace_id, named.span_id)) if named is not None else Sender()
        carried = Carried(headers, sender, None, self._arrivals.above(named))
        faults = check(carried, wanted.format, wanted.asked, self._index)
        return Checked("the carrier", carried, faults)

    def _writer(self, headers: Headers, senders: Sequence[Span]) -> Span | None:
        """Of several spans with the sender's name the one that the headers name."""
        keys = keys_in(headers)
        exact = [span for span in senders if (span.trace_id, span.span_id) in keys]
        return next(iter(exact or senders), None)

    def check_messages(self, target: Target | None, wanted: Wanted) -> list[Checked]:
        """All checks of the messages to a target, and of what sent or received without context."""
        strays = self._strays(target)
        checked: list[Checked] = []
        for message in self._selected_messages(target):
            sender = Sender(message.sender, message.sender_key)
            came = self._arrivals.above(message.sender)
            carried = Carried(message.headers, sender, message.time_ns, came)
            faults = check(carried, wanted.format, wanted.asked, self._index)
            stray = None if message.receivers else _take(strays, message.destination)
            checked.append(Checked(_title(message.destination), carried, faults, stray=stray))
        for span in self._silent_producers(target):
            key, around = (span.trace_id, span.span_id), (span.trace_id, span.parent_id or "")
            sender = Sender(span, key, around, is_client=True)
            carried = Carried(self._injected_early(around), sender)
            faults = check(carried, wanted.format, wanted.asked, self._index)
            checked.append(Checked(_title(_destination(span)), carried, faults))
            _take(strays, _destination(span))  # without context nobody could continue it
        if target is not None:
            checked += [
                Checked(_title(_destination(one)), Carried((), Sender()), stray=one)
                for one in strays
            ]
        return checked

    def _selected_messages(self, target: Target | None) -> list[Message]:
        if target is None:
            return [one for one in self.messages if one.action == "sent"]
        # What came without context is a consumer that begins a trace.
        return [
            one
            for one in self.messages
            if target.takes_destination(one.destination)
            and (one.action == "sent" or formats_in(one.headers))
        ]

    def _silent_producers(self, target: Target | None) -> list[Span]:
        found = producers_without_carrier(self._forest, self._carriers)
        return [one for one in found if self._is_meant(one, target)]

    def _injected_early(self, around: SpanKey) -> Headers:
        """What was injected while only the span around a producer was current, for no request."""
        requested = {key for one in self._data for key in keys_in(one.headers)}
        for carrier in self._carriers:
            if carrier.action == "inject" and around in set(keys_in(carrier.headers)) - requested:
                return carrier.headers
        return ()

    def _strays(self, target: Target | None) -> list[Span]:
        found = consumers_without_context(self._forest, self._carriers)
        return [one for one in found if self._is_meant(one, target)]

    def _is_meant(self, span: Span, target: Target | None) -> bool:
        fits = target is None or target.takes_destination(_destination(span))
        return fits and self._is_in_view(span)


def _copied(faults: Iterable[Fault], incoming: Incoming | None) -> Incoming | None:
    """What came in, if a header that is at fault is just as it was there."""
    if incoming is None:
        return None
    came = {(name.lower(), value) for name, value in incoming.headers}
    is_copy = any(
        fault.header is not None and (fault.header.lower(), fault.value) in came for fault in faults
    )
    return incoming if is_copy else None


def _destination(span: Span) -> str:
    found = (span.attributes.get(name) for name in _DESTINATION)
    return next((one for one in found if isinstance(one, str) and one), span.name)


def _take(strays: list[Span], destination: str | None) -> Span | None:
    """The first that handles messages of that destination; it is used up."""
    found = next((one for one in strays if destination in (_destination(one), None)), None)
    if found is not None:
        strays.remove(found)
    return found


def _title(destination: str | None) -> str:
    return "the message" if destination is None else f"the message to {destination!r}"
