"""The little of HTTP that both applications share."""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from .tracing import SpanContext

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def caller(environ: "WSGIEnvironment") -> SpanContext | None:
    """The caller's span, if the request's ``traceparent`` header names it."""
    return SpanContext.parse(environ.get("HTTP_TRACEPARENT", ""))


def json_body(environ: "WSGIEnvironment") -> dict[str, str]:
    """What the request says."""
    body: dict[str, str] = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    return body


def respond(
    start_response: "StartResponse", body: Mapping[str, str | int], *, status: str = "200 OK"
) -> Iterable[bytes]:
    """The response; the server sends it when the application has returned, its span recorded."""
    start_response(status, [("Content-Type", "application/json")])
    return [json.dumps(body).encode()]
