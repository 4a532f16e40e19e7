"""What a stand-in received: the request, and the context that its headers carried."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from pytest_traces.headers import SentHeaders
from pytest_traces.propagation import FORMATS, InvalidContext, SpanContext, extract, formats_in


@dataclass(eq=False)
class Received:
    """One request that arrived at a stand-in.

    Attributes:
        request: the request, its body read.
        context: the caller's context as the headers name it; None where they name none.
        invalid: the header that no receiver may continue a trace from, and the rule it breaks
            (an :class:`~pytest_traces.propagation.InvalidContext`), if there was one.
        status: the status of the answer; None while there is none, or where the test let the
            connection fail.

    Example:
        >>> (received,) = payments.requests
        >>> received.path, received.context.sampled
        ('/charge', True)
    """

    request: httpx.Request
    context: SpanContext | None = None
    invalid: InvalidContext | None = None
    status: int | None = field(default=None)

    @property
    def method(self) -> str:
        """The method: ``POST``."""
        return self.request.method

    @property
    def url(self) -> str:
        """The whole URL; that of the service, also where it came in through ``.url``."""
        return str(self.request.url)

    @property
    def path(self) -> str:
        """The path of the URL, percent-encoded, without the query."""
        return self.request.url.raw_path.partition(b"?")[0].decode("ascii")

    @property
    def headers(self) -> SentHeaders:
        """Names and values in order, repeated ones repeated; a value by its name in any case."""
        return headers_of(self.request)

    @property
    def content(self) -> bytes:
        """The body."""
        return self.request.content

    def __repr__(self) -> str:
        answer = "no answer" if self.status is None else self.status
        return f"<Received {self.method} {self.url}: {answer}>"


def receive(request: httpx.Request, pinned: str | None) -> Received:
    """Read the context of a request, as a receiver does that knows every format.

    Args:
        request: as it arrived.
        pinned: the one format that the service knows; None for any, W3C Trace Context first.
    """
    headers = headers_of(request)
    there = formats_in(headers)
    received = Received(request)
    for name in FORMATS if pinned is None else (pinned,):
        if name not in there:
            continue
        try:
            received.context = extract(headers, name)
        except InvalidContext as error:
            received.invalid = received.invalid or error
        if received.context is not None:
            break
    return received


def headers_of(request: httpx.Request) -> SentHeaders:
    """The headers of a request as pairs of texts."""
    return SentHeaders(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw
    )
