"""What leaves the process in the part of a recording that a view looks at, and the checks on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from pytest_traces.forest import Span
from pytest_traces.model import Headers
from pytest_traces.propagation.checking.check import Carried, check, leaks_in
from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.incoming import Incoming
from pytest_traces.propagation.checking.index import key_of_span, keys_in
from pytest_traces.propagation.checking.requests import Request
from pytest_traces.propagation.checking.senders import Sender, senders_of
from pytest_traces.propagation.checking.serving import serves
from pytest_traces.propagation.checking.targets import Target, any_takes_url
from pytest_traces.propagation.checking.verdict import UNLINKING, Checked
from pytest_traces.traces.look import Look, Wanted
from pytest_traces.traces.messaging import Messaging


class Outgoing:
    """Requests and messages of one look, each beside the spans that sent it."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self.messaging = Messaging(look)

    @cached_property
    def requests(self) -> list[Request]:
        """Every request but those of exporters, incoming ones too."""
        senders = senders_of(self._look.requests, self._look.index)
        found = [Request(one, self._placed(senders[one.number])) for one in self._look.requests]
        return [one for one in found if not self._look.hides(one.span)]

    def _placed(self, sender: Sender) -> Sender:
        """With the span as the view has it, not as all of the recording has it."""
        span = None if sender.span is None else self._look.here.get(key_of_span(sender.span))
        return sender if span is None else sender._replace(span=span)

    def titles(self) -> list[str]:
        """What there is, in short."""
        return [
            *(f"{one.method} {one.url}" for one in self.requests if one.role == "outgoing"),
            *self.messaging.titles(),
        ]

    def check(
        self, target: Target | None, left_out: Sequence[Target], wanted: Wanted
    ) -> list[Checked]:
        """All checks of the requests and messages to a target; without one, of all but some."""
        requests = self._select(target, left_out)
        checked = [self.check_request(one, wanted) for one in requests]
        return checked + self.messaging.check(target, wanted)

    def check_leaks(self, targets: Sequence[Target]) -> list[Checked]:
        """Whether a context, or baggage, leaves to one of these targets."""
        checked = []
        for request in self.requests:
            if request.end_ns is not None and self._goes_to(request, targets):
                carried = Carried(request.headers, request.sender)
                checked.append(
                    Checked(_title(request), carried, leaks_in(request.headers), request)
                )
        return checked + self.messaging.check_leaks(targets)

    def _goes_to(self, request: Request, targets: Sequence[Target]) -> bool:
        """By the URL that it was sent to, or by the one that a stand-in plays there."""
        urls = (request.url, self._look.played_url(request.url))
        return any(any_takes_url(targets, url) for url in urls if url is not None)

    def _select(self, target: Target | None, left_out: Sequence[Target]) -> list[Request]:
        """The requests to a target; without one, all that the application sent but to others."""
        # What has not been answered may not have all its headers yet.
        answered = [one for one in self.requests if one.end_ns is not None]
        if target is not None:
            return [one for one in answered if self._goes_to(one, [target])]
        return [
            one for one in answered if one.role == "outgoing" and not self._goes_to(one, left_out)
        ]

    def check_request(self, request: Request, wanted: Wanted) -> Checked:
        """All checks of one request."""
        look, data, sender = self._look, request.data, request.sender
        named = next((span for key in keys_in(data.headers) if (span := look.index.get(key))), None)
        came = look.arrivals.above(look.known(sender.span) or named)
        carried = Carried(data.headers, sender, data.start_ns, came)
        faults = check(carried, wanted.format, wanted.asked, look.index)
        unused = self.messaging.unused_by(sender)
        checked = Checked(_title(request), carried, faults, request, _copied(faults, came))
        return checked._replace(unused=unused)

    def served_by(self, span: Span, wanted: Wanted) -> Checked | None:
        """The request at fault that this server span serves; None if there is none, or several."""
        found = [one for one in self.requests if one.role == "outgoing" and serves(span, one)]
        checked = [self.check_request(one, wanted) for one in found]
        wrong = [one for one in checked if any(f.kind in UNLINKING for f in one.faults)]
        return wrong[0] if len(wrong) == 1 else None

    def check_carrier(self, headers: Headers, senders: Sequence[Span], wanted: Wanted) -> Checked:
        """All checks of a carrier that one of these spans wrote; of any span, if there is none."""
        look, keys = self._look, keys_in(headers)
        # Of several spans with the sender's name the one that the headers name.
        exact = [span for span in senders if key_of_span(span) in keys]
        writer = next(iter(exact or senders), None)
        sender = Sender() if writer is None else Sender(writer, key_of_span(writer))
        carried = Carried(headers, sender, None, look.arrivals.above(look.known(writer)))
        return Checked(
            "the carrier", carried, check(carried, wanted.format, wanted.asked, look.index)
        )


def _title(request: Request) -> str:
    return f"{request.method} {request.url}"


def _copied(faults: Iterable[Fault], incoming: Incoming | None) -> Incoming | None:
    """What came in, if a header that is at fault is just as it was there."""
    if incoming is None:
        return None
    came = {(name.lower(), value) for name, value in incoming.headers}
    is_copy = any(
        fault.header is not None and (fault.header.lower(), fault.value) in came for fault in faults
    )
    return incoming if is_copy else None
