"""The boundary between caller and service: no context variable of the caller gets across.

Tracers keep their current span in a context variable. A service in the same process that could
see it would be a child of the caller's span whatever the headers say.
"""

from __future__ import annotations

import contextvars
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, ParamSpec, TypeVar

from pytest_traces.wire.clients.transports import serving

T = TypeVar("T")
P = ParamSpec("P")


def empty_context() -> contextvars.Context:
    """A context that nothing was set in, but that here a request is being answered."""
    context = contextvars.Context()
    context.run(serving.set, True)
    return context


def call_apart(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function where no context variable is set."""
    __tracebackhide__ = True
    return empty_context().run(function, *args, **kwargs)


class Apart(Awaitable[T]):
    """Awaits a coroutine where no context variable is set, within the caller's own task.

    It is still the caller's task that waits and is cancelled, whatever library runs it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        __tracebackhide__ = True
        context = empty_context()
        step: Callable[[Any], Any] = self._coroutine.send
        given: Any = None
        while True:
            try:
                wish = context.run(step, given)
            except StopIteration as done:
                result: T = done.value
                return result
            try:
                given = yield wish
                step = self._coroutine.send
            except BaseException as error:  # noqa: BLE001  # a cancellation belongs to the coroutine
                given = error
                step = self._coroutine.throw
