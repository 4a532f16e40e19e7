"""How propagation breaks: each fault spoils one header of an otherwise healthy shop.

They work like those of `faults.py`. What a request carries is spoilt where the instrumentation of
httpx injects it, and only for the payments service.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.instrumentation import httpx as httpx_instrumentation
from opentelemetry.propagate import inject

from .faults import replaced
from .shop import orders_queue

Headers = httpx.Headers

_ANOTHER_TRACE = "0af7651916cd43dd8448eb211c80319c"
_ANOTHER_SPAN = "b7ad6b7169203331"

incoming: ContextVar[str] = ContextVar("incoming")
"""The `traceparent` of the request that the shop is serving."""


def header_dropped() -> AbstractContextManager[None]:
    """Something takes the header away."""
    return _spoiling(lambda headers: headers.pop("traceparent"))


def upper_cased() -> AbstractContextManager[None]:
    """A gateway that normalizes values."""
    return _changing(str.upper)


def trace_id_of_another_trace() -> AbstractContextManager[None]:
    """A header from a cache."""
    return _changing(lambda value: value.replace(value[3:35], _ANOTHER_TRACE))


def parent_id_of_zeros() -> AbstractContextManager[None]:
    """A tracer that has made no span."""
    return _changing(lambda value: value.replace(value[36:52], "0" * 16))


def parent_id_of_an_unknown_span() -> AbstractContextManager[None]:
    """A span that nobody recorded."""
    return _changing(lambda value: value.replace(value[36:52], _ANOTHER_SPAN))


def parent_id_of_the_server_span() -> AbstractContextManager[None]:
    """Injected before the client span began: the service becomes its sibling."""

    def above(value: str) -> str:
        client_span: Any = trace.get_current_span()
        return value.replace(value[36:52], f"{client_span.parent.span_id:016x}")

    return _changing(above)


def sampled_bit_cleared() -> AbstractContextManager[None]:
    """The services will not record what the shop does."""
    return _changing(lambda value: f"{value[:-2]}00")


def header_sent_twice() -> AbstractContextManager[None]:
    """Two libraries, each of which adds the header without a look."""

    def add(headers: Headers) -> None:
        # Nothing public adds a second header of one name to headers that are there.
        sent = headers._list  # noqa: SLF001
        sent += [one for one in sent if one[1] == b"traceparent"]

    return _spoiling(add)


def tracestate_without_value() -> AbstractContextManager[None]:
    """A vendor who has not read the specification."""
    return _spoiling(lambda headers: headers.update({"tracestate": "cdn"}))


def baggage_dropped() -> AbstractContextManager[None]:
    """What the browser sent along gets lost in the shop."""
    return _spoiling(lambda headers: headers.pop("baggage"))


@contextmanager
def incoming_header_passed_on() -> Iterator[None]:
    """The shop copies the header that came in, as a proxy would."""
    serve = FastAPI.__call__

    async def serve_and_remember(app: FastAPI, scope: Any, receive: Any, send: Any) -> None:
        for name, value in scope.get("headers", ()):
            if name == b"traceparent" and app.title == "shop":
                incoming.set(value.decode())
        await serve(app, scope, receive, send)

    with ExitStack() as stack:
        stack.enter_context(replaced(FastAPI, "__call__", serve_and_remember))
        stack.enter_context(_changing(lambda _: incoming.get()))
        yield


def formats_that_disagree() -> AbstractContextManager[None]:
    """An older library still adds its own format, and of another span."""

    def add(headers: Headers) -> None:
        headers["b3"] = f"{headers['traceparent'][3:35]}-{_ANOTHER_SPAN}-1"

    return _spoiling(add)


def message_without_context() -> AbstractContextManager[None]:
    """The producer forgets to inject."""
    return replaced(orders_queue, "inject", _nothing)


def consumer_that_begins_a_trace() -> AbstractContextManager[None]:
    """The worker ignores the headers."""
    return replaced(orders_queue, "extract", lambda _: Context())


def _nothing(_: object) -> None:
    pass


def _changing(change: Callable[[str], str]) -> AbstractContextManager[None]:
    def spoil(headers: Headers) -> None:
        headers["traceparent"] = change(headers["traceparent"])

    return _spoiling(spoil)


def _spoiling(spoil: Callable[[Headers], object]) -> AbstractContextManager[None]:
    def inject_and_spoil(headers: Headers) -> None:
        inject(headers)
        if headers.get("host") == "payments":
            spoil(headers)

    return replaced(httpx_instrumentation, "inject", inject_and_spoil)
