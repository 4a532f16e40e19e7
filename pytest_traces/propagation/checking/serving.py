"""Which request a server span serves, where its header does not say so."""

from __future__ import annotations

from urllib.parse import urlsplit

from pytest_traces.forest import Span
from pytest_traces.propagation.checking.requests import Request

_PATH = ("url.path", "http.target")
_METHOD = ("http.request.method", "http.method")


def serves(span: Span, request: Request) -> bool:
    """Whether it began while the request was on its way, for its method and its path."""
    if span.kind != "server" or span.start_ns < request.start_ns:
        return False
    if request.end_ns is not None and span.start_ns > request.end_ns:
        return False
    method, path = _attribute(span, _METHOD), _attribute(span, _PATH)
    if method is None and path is None:
        return span.name.partition(" ")[0] == request.method
    fits = path is None or path.partition("?")[0] == (urlsplit(request.url).path or "/")
    return fits and method in (None, request.method)


def _attribute(span: Span, names: tuple[str, ...]) -> str | None:
    found = next((span.attributes[name] for name in names if name in span.attributes), None)
    return found if isinstance(found, str) else None
