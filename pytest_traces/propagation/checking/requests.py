"""An HTTP request of this process, as it left, beside the span that sent it."""

from __future__ import annotations

from datetime import timedelta

from pytest_traces.forest import Span
from pytest_traces.headers import SentHeaders
from pytest_traces.model import RequestData, Role
from pytest_traces.propagation.checking.senders import Sender


class Request:
    """One HTTP request that this process sent.

    Example:
        >>> charge = traces.requests[0]
        >>> charge.method, charge.url, charge.status, charge.span.name
        ('POST', 'http://payments/charge', 200, 'POST')
        >>> charge.headers["traceparent"]
        '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
    """

    __slots__ = ("data", "sender")

    def __init__(self, data: RequestData, sender: Sender) -> None:
        self.data = data
        self.sender = sender

    @property
    def method(self) -> str:
        """The method: ``POST``."""
        return self.data.method

    @property
    def url(self) -> str:
        """The whole URL."""
        return self.data.url

    @property
    def headers(self) -> SentHeaders:
        """The headers that left, in their order; by name, too: ``headers["traceparent"]``."""
        return SentHeaders(self.data.headers)

    @property
    def client(self) -> str:
        """The library that sent it: ``httpx``, ``httpx2``, ``requests``, ``urllib3``, ..."""
        return self.data.client

    @property
    def status(self) -> int | None:
        """The status of the answer; None if there was none (yet)."""
        return self.data.status

    @property
    def error(self) -> str | None:
        """The exception that came instead of an answer, in words."""
        return self.data.error

    @property
    def start_ns(self) -> int:
        """When it was sent, in nanoseconds since the Unix epoch."""
        return self.data.start_ns

    @property
    def end_ns(self) -> int | None:
        """When the answer's headers were there, or the error; None while it is on its way."""
        return self.data.end_ns

    @property
    def duration(self) -> timedelta | None:
        """End minus start; None while it is on its way."""
        if self.data.end_ns is None:
            return None
        return timedelta(microseconds=(self.data.end_ns - self.data.start_ns) / 1_000)

    @property
    def role(self) -> Role:
        """``outgoing``; ``incoming`` from a test client; ``export`` of an exporter."""
        return self.data.role

    @property
    def through(self) -> str | None:
        """The transport or the mock that took it, where that is not the network."""
        return self.data.through

    @property
    def span(self) -> Span | None:
        """Its client span; where nobody made one, the span that was current."""
        return self.sender.span

    def __repr__(self) -> str:
        outcome = self.status if self.error is None else self.error.partition(":")[0]
        return f"<Request {self.method} {self.url} {'on its way' if outcome is None else outcome}>"
