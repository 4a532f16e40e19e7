"""Which request a server span serves, where its header does not say so."""

from __future__ import annotations

from pytest_traces.forest import Span
from pytest_traces.propagation.checking.clients import METHOD, attribute, place_of_url
from pytest_traces.propagation.checking.requests import Request

_PATH = ("url.path", "http.target")


def serves(span: Span, request: Request) -> bool:
    """Whether it began while the request was on its way, for its method and its path."""
    if span.kind != "server" or span.start_ns < request.start_ns:
        return False
    if request.end_ns is not None and span.start_ns > request.end_ns:
        return False
    method, path = attribute(span, METHOD), attribute(span, _PATH)
    if method is None and path is None:
        return span.name.partition(" ")[0] == request.method
    fits = path is None or path.partition("?")[0] == place_of_url(request.url)[3]
    return fits and method in (None, request.method)
