"""Applications that play a service: which protocol they speak."""

from __future__ import annotations

import inspect
import logging
from typing import Any, Literal, Protocol

import httpx

from pytest_traces.settings import BadValue
from pytest_traces.wire.stand_in.patience import Patience

logger = logging.getLogger("pytest_traces.stand_in")

#: The address of the caller, where the request did not come through ``.url``.
CALLER = ("127.0.0.1", 50000)
#: The key in a request's extensions of the address that it came from, through ``.url``.
SERVED = "pytest_traces.client"

_ALLOWED = "it is an ASGI app (scope, receive, send) or a WSGI app (environ, start_response)"


class Player(Protocol):
    """An application behind a boundary that only headers cross."""

    def answer(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer a client that blocks, while it waits."""
        ...

    async def answer_async(self, request: httpx.Request, patience: Patience) -> httpx.Response:
        """Answer an asynchronous client, while it waits."""
        ...

    def close(self) -> None:
        """End what was begun for the application."""


def protocol_of(app: object) -> Literal["asgi", "wsgi"]:
    """Which of the two protocols an application speaks.

    Raises:
        BadValue: neither.
    """
    __tracebackhide__ = True
    if not callable(app) or inspect.isclass(app):
        raise BadValue("app", app, _ALLOWED)
    call: Any = getattr(app, "__call__", app)  # noqa: B004  # its signature is asked for
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(call):
        return "asgi"
    try:
        parameters = inspect.signature(app).parameters.values()
    except (TypeError, ValueError):
        raise BadValue("app", app, _ALLOWED) from None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [one for one in parameters if one.kind in positional and one.default is one.empty]
    if len(required) == 3:
        return "asgi"
    if len(required) == 2:
        return "wsgi"
    raise BadValue("app", app, _ALLOWED)


def log_failure(base_url: str, request: httpx.Request, error: BaseException) -> None:
    """Say what the application raised, as a server does; pytest shows it with a failure."""
    logger.error(
        "stand-in %s: the app raised on %s %s",
        base_url,
        request.method,
        request.url,
        exc_info=error,
    )


def server_error() -> httpx.Response:
    """What a server answers for an application that has raised."""
    return httpx.Response(500, text="Internal Server Error")
