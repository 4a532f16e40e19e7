"""Assertions on the context that leaves with requests and messages."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Headers
from pytest_traces.propagation.carriers import Carrier, pairs_of
from pytest_traces.propagation.checking.eager import eager_hint
from pytest_traces.propagation.checking.messages import Message as SentMessage
from pytest_traces.propagation.checking.parts import Asked, read_asked
from pytest_traces.propagation.checking.requests import Request
from pytest_traces.propagation.checking.targets import Target, To, external
from pytest_traces.propagation.registry import format_named
from pytest_traces.recording import journal
from pytest_traces.report.causes import Cause
from pytest_traces.report.explain import Message
from pytest_traces.report.sent import checked_message, nothing_sent, request_cause
from pytest_traces.report.words import listed
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.traces.asserting import Asserting
from pytest_traces.traces.look import Look, Wanted
from pytest_traces.traces.outgoing import Outgoing
from pytest_traces.traces.selection import select
from pytest_traces.traces.view import ABSENCE

_INCOMPLETE = "not everything may have been sent yet, as spans are open"


class Propagating(Asserting):
    """The assertions on propagation. Each raises AssertionError with the whole diagnosis."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """Every HTTP request that the application has sent, in order, with the headers that left.

        Those of a test client to the application, and of exporters, are not among them.

        Example:
            >>> traces.requests[0].headers["traceparent"][:3]
            '00-'
        """
        return tuple(one for one in self._outgoing().requests if one.role == "outgoing")

    @property
    def messages(self) -> tuple[SentMessage, ...]:
        """Every message that was sent or received with a context in its headers, in order."""
        return tuple(self._outgoing().messaging.messages)

    def assert_propagated(
        self,
        to: To = None,
        *,
        format: str | None = None,  # noqa: A002  # the public word for it
        baggage: Mapping[str, Any] | None = None,
        tracestate: Mapping[str, Any] | None = None,
        carrier: Carrier | EllipsisType = ...,
        sender: Name = None,
    ) -> None:
        """Each selected request and message carries the context of the span that sent it.

        Seven checks: the context header is there exactly once; it is valid by its own
        specification; its trace id, its span id and its sampled bit are those of the span
        that sent it; tracestate and baggage are as asked for, and keep what came in from the
        caller; headers of several formats agree.

        Args:
            to: a host (``"payments"``, ``"payments:8080"``), the beginning of a URL (whole
                parts of its path), the destination of messages, ``re.compile(...)``,
                ``glob(...)``, or a stand-in; without it everything that the application sent,
                but to the hosts of ``traces_external``.
            format: the format that has to be there, one of
                :data:`pytest_traces.propagation.FORMATS`; else that of ``traces_format``, else
                any one.
            baggage: members that have to be there.
            tracestate: members that have to be there.
            carrier: headers of anything else that should carry a context, instead of ``to``;
                None is a carrier without any.
            sender: the name of the span that wrote the carrier.

        Raises:
            AssertionError: a check fails, or nothing was sent there.
            BadValue: an unknown format; members that are no mapping of texts.
            TypeError: both ``to`` and ``carrier``, or something that is neither.
            ValueError: ``to`` is empty.

        Example:
            >>> traces.assert_propagated(to="payments", baggage={"tenant": "acme"})
            >>> traces.assert_propagated(carrier=message.headers, sender="orders publish")
        """
        __tracebackhide__ = True
        asked = understood(read_asked, tracestate, baggage)
        name = understood(read_format, format) or self._frame.recording.settings.format
        wanted = Wanted(name, asked)
        if carrier is not ... or sender is not None:
            headers = understood(read_carrier, carrier, to)
            self._assert_carried(headers, sender, wanted)
            return
        target = None if to is None else understood(Target, to)
        left_out = external(self._frame.recording.settings.external)

        def check(_: Forest) -> Message | None:
            outgoing = self._outgoing()
            checked = outgoing.check(target, left_out, wanted)
            if not checked:
                return self._nothing_sent(outgoing, [] if target is None else [target], left_out)
            return None if all(one.holds for one in checked) else checked_message(checked)

        self._fail_on_unseen()
        self._when_quiet(check, on_its_way=self._on_their_way, incomplete=_INCOMPLETE)
        hint = eager_hint(self._frame.forest())
        if hint is not None:
            warnings.warn(f"assert_propagated: {hint}", stacklevel=2)

    def assert_not_propagated(self, to: To = None) -> None:
        """No context leaves to this host: no header of any format, no baggage.

        Args:
            to: as for :meth:`assert_propagated`; without it, every host of
                ``traces_external`` that was called, and at least one of them.

        Raises:
            AssertionError: a request carries a context there; or none was sent there.
            TypeError: ``to`` is none of these.
            ValueError: neither ``to`` nor ``traces_external`` says whom it is about; ``to`` is
                empty.

        Example:
            >>> traces.assert_not_propagated(to="api.stripe.com")
        """
        __tracebackhide__ = True
        targets = external(self._frame.recording.settings.external)
        if to is not None:
            targets = [understood(Target, to)]
        if not targets:
            raise ValueError("assert_not_propagated: say to=, or list hosts in traces_external")

        def check(_: Forest) -> Message | None:
            outgoing = self._outgoing()
            checked = outgoing.check_leaks(targets)
            if not checked:
                return self._nothing_sent(outgoing, targets)
            held = all(one.holds for one in checked)
            return None if held else checked_message(checked, leaked=True)

        self._fail_on_unseen()
        self._when_quiet(check, on_its_way=self._on_their_way, incomplete=ABSENCE)

    def _assert_carried(self, headers: Headers, sender: Name, wanted: Wanted) -> None:
        __tracebackhide__ = True
        selection = None if sender is None else understood(select, sender)

        def check(forest: Forest) -> Message | None:
            senders = [] if selection is None else selection.of(forest)
            if selection is not None and not senders:
                return self._none_fits(selection, forest)
            checked = self._outgoing().check_carrier(headers, senders, wanted)
            return None if checked.holds else checked_message([checked])

        self._at_first_success(check)

    def _fail_on_unseen(self) -> None:
        __tracebackhide__ = True
        journal.flush()
        unseen = self._frame.recording.unseen
        if unseen:
            lines = "\n".join(f"  {fault}" for fault in unseen)
            raise AssertionError(f"not every request could be seen\n\n{lines}")

    def _why_root(self, span: Span) -> Cause | None:
        wanted = Wanted(self._frame.recording.settings.format, Asked())
        checked = self._outgoing().served_by(span, wanted)
        return None if checked is None else request_cause(checked)

    def _outgoing(self) -> Outgoing:
        return Outgoing(Look(self._frame))

    def _nothing_sent(
        self, outgoing: Outgoing, targets: Sequence[Target], left_out: Sequence[Target] = ()
    ) -> Message:
        unanswered = self._on_their_way()
        if unanswered:
            message = Message(f"no answer has come yet to {listed(unanswered)}")
            message.is_about_spans = False
            return message
        message = nothing_sent(
            [str(one) for one in targets],
            [str(one) for one in left_out],
            outgoing.titles(),
            self._captures(),
        )
        better = [one.hint for one in targets if one.hint is not None]
        message.hint = eager_hint(self._frame.forest()) or next(iter(better), message.hint)
        return message

    def _on_their_way(self) -> Sequence[str]:
        found = self._frame.recording.requests_between(*self._frame.bounds())
        return [
            f"{one.method} {one.url}"
            for one in found
            if one.end_ns is None and one.role == "outgoing"
        ]


def read_carrier(carrier: Carrier | EllipsisType, to: object) -> Headers:
    """The carrier as pairs of texts.

    Raises:
        TypeError: no carrier was given, one that is none, or ``to`` beside it.
    """
    if isinstance(carrier, EllipsisType):
        raise TypeError("sender= says who wrote carrier=, which is missing")
    if to is not None:
        raise TypeError("either to= or carrier=: a carrier is the only thing looked at")
    return pairs_of(carrier)


def read_format(name: str | None) -> str | None:
    """The name of a format, if there is such a one.

    Raises:
        BadValue: there is none.
    """
    if name is not None:
        format_named(name)
    return name
