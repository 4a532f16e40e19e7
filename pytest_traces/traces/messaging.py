"""The messages of one look, and the checks on them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from pytest_traces.forest import Span
from pytest_traces.model import Headers
from pytest_traces.propagation import formats_in
from pytest_traces.propagation.checking.check import Carried, check, leaks_in
from pytest_traces.propagation.checking.index import key_of_span, keys_in
from pytest_traces.propagation.checking.messages import (
    Message,
    consumers_without_context,
    messages_of,
    producers_without_carrier,
)
from pytest_traces.propagation.checking.senders import Sender
from pytest_traces.propagation.checking.targets import Target
from pytest_traces.propagation.checking.verdict import Checked
from pytest_traces.recording import SpanKey
from pytest_traces.traces.look import Look, Wanted

_DESTINATION = ("messaging.destination.name", "messaging.destination")


class Messaging:
    """What was sent and received with the headers of messages."""

    def __init__(self, look: Look) -> None:
        self._look = look

    @cached_property
    def messages(self) -> list[Message]:
        """Every message."""
        found = messages_of(self._look.carriers, self._look.requests, self._look.forest)
        return [
            one
            for one in found
            if not self._look.hides(one.sender)
            or any(not self._look.hides(span) for span in one.receivers)
        ]

    def titles(self) -> list[str]:
        """What there is, in short."""
        return [title_of(one.destination) for one in self.messages if is_evident(one)]

    def unused_by(self, sender: Sender) -> bool:
        """Whether the span that sent a request injected its context into something unknown."""
        keys = {sender.key, sender.current}
        return any(one.sender_key in keys and not is_evident(one) for one in self.messages)

    def check_leaks(self, targets: Sequence[Target]) -> list[Checked]:
        """Whether a context, or baggage, is in messages to one of these targets."""
        return [
            Checked(
                title_of(one.destination),
                Carried(one.headers, Sender(one.sender, one.sender_key)),
                leaks_in(one.headers),
            )
            for one in self.messages
            if any(target.takes_destination(one.destination) for target in targets)
        ]

    def check(self, target: Target | None, wanted: Wanted) -> list[Checked]:
        """All checks of the messages to a target, and of what sent or received without context."""
        strays, unknown = self._strays(target)
        silent = self._silent_producers(target)
        early = [self._early.get(_around(span), ()) for span in silent]
        checked = [self._check_silent(*one, wanted) for one in zip(silent, early, strict=True)]
        for span in silent:  # without context nobody could continue it
            _take(strays, unknown, destination_of(span), alone=len(silent) == 1)
        messages = [one for one in self._selected(target) if one.headers not in early]
        lonely = [one for one in messages if not one.receivers]
        for message in messages:
            alone = lonely == [message]
            stray = None
            if not message.receivers:
                stray = _take(strays, unknown, message.destination, alone=alone)
            found = self._check_message(message, stray, wanted)
            if is_evident(message) or not _is_noise(found):
                checked.append(found)
        if target is not None:
            checked += [
                Checked(title_of(destination_of(one)), Carried((), Sender()), stray=one)
                for one in strays
            ]
        return checked

    def _check_message(self, message: Message, stray: Span | None, wanted: Wanted) -> Checked:
        look = self._look
        came = look.arrivals.above(look.known(message.sender))
        sender = Sender(message.sender, message.sender_key)
        carried = Carried(message.headers, sender, message.time_ns, came)
        faults = check(carried, wanted.format, wanted.asked, look.index)
        return Checked(title_of(message.destination), carried, faults, stray=stray)

    def _check_silent(self, span: Span, early: Headers, wanted: Wanted) -> Checked:
        """A producer in which nothing was injected; perhaps something was before it began."""
        sender = Sender(span, key_of_span(span), _around(span), is_client=True)
        carried = Carried(early, sender)
        faults = check(carried, wanted.format, wanted.asked, self._look.index)
        return Checked(title_of(destination_of(span)), carried, faults)

    def _selected(self, target: Target | None) -> list[Message]:
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
        found = producers_without_carrier(self._look.forest, self._look.carriers)
        return [one for one in found if self._is_meant(one, target)]

    @cached_property
    def _early(self) -> dict[SpanKey, Headers]:
        """What was injected for no request, by the span that it names."""
        requested = {key for one in self._look.requests for key in keys_in(one.headers)}
        found: dict[SpanKey, Headers] = {}
        for carrier in self._look.carriers:
            if carrier.action == "inject":
                for key in keys_in(carrier.headers):
                    if key not in requested:
                        found.setdefault(key, carrier.headers)
        return found

    def _strays(self, target: Target | None) -> tuple[list[Span], list[Span]]:
        """Consumers that begin a trace: those that name what is meant, and those of no name."""
        found = consumers_without_context(self._look.forest, self._look.carriers)
        found = [one for one in found if not self._look.hides(one)]
        known = {key_of_span(one) for one in found}
        meant = [one for one in found if self._is_meant(one, target)]
        unknown = [one for one in found if _attribute(one) is None]
        for message in self.messages:
            if message.action == "received" and not formats_in(message.headers):
                unknown += [one for one in message.receivers if key_of_span(one) not in known]
        return meant, unknown

    def _is_meant(self, span: Span, target: Target | None) -> bool:
        fits = target is None or target.takes_destination(destination_of(span))
        return fits and not self._look.hides(span)


def is_evident(message: Message) -> bool:
    """Whether anything but an injection shows that something was sent."""
    if message.receivers or message.action == "received":
        return True
    span = message.sender
    while span is not None:
        if span.kind in ("producer", "consumer") or any(
            name.startswith("messaging.") for name in span.attributes
        ):
            return True
        if span.kind != "internal":
            return False
        span = span.parent
    return False


def destination_of(span: Span) -> str:
    """The queue that it names; else its own name."""
    return _attribute(span) or span.name


def title_of(destination: str | None) -> str:
    """What a message is called in a failure."""
    return "the message" if destination is None else f"the message to {destination!r}"


def _is_noise(checked: Checked) -> bool:
    """An injection of which nobody can tell whether it was used."""
    if checked.holds:
        return True
    only_missing = all(fault.kind == "missing" for fault in checked.faults)
    return checked.stray is None and only_missing and checked.carried.sender.key is None


def _attribute(span: Span) -> str | None:
    found = (span.attributes.get(name) for name in _DESTINATION)
    return next((one for one in found if isinstance(one, str) and one), None)


def _around(span: Span) -> SpanKey:
    return span.trace_id, span.parent_id or ""


def _take(
    strays: list[Span], unknown: list[Span], destination: str | None, *, alone: bool
) -> Span | None:
    """The consumer that should have handled a message to that destination; it is used up.

    One that does not name its queue is it where there is no other message and no other such.
    """
    for one in strays:
        if destination in (destination_of(one), None):
            return _used_up(one, strays, unknown)
    return _used_up(unknown[0], strays, unknown) if alone and len(unknown) == 1 else None


def _used_up(span: Span, *lists: list[Span]) -> Span:
    for one in lists:
        if span in one:
            one.remove(span)
    return span
