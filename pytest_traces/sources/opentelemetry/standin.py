"""What takes the place of the global provider while none is set and a recording is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def stand_in(api: Any, add: Callable[[Any], None]) -> Any:
    """A provider that hands out unbound tracers.

    It is a subclass of the API's proxy, so that an application that asks "is one configured
    yet?" still configures its own.

    Args:
        api: the module ``opentelemetry.trace``.
        add: what to do with span processors that somebody adds to it.
    """

    class StandInTracerProvider(api.ProxyTracerProvider):  # type: ignore[misc]
        #: Its recording has ended. Somebody may have kept it, and may even put it back.
        is_over = False

        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return (LateTracer if self.is_over else api.ProxyTracer)(*args, **kwargs)

        def add_span_processor(self, span_processor: Any) -> None:
            if not self.is_over:
                add(span_processor)

    class LateTracer(api.ProxyTracer):  # type: ignore[misc]
        @property
        def _tracer(self) -> Any:
            # The API's own would ask the stand-in for a tracer, and that one again, for ever.
            return self._noop_tracer if is_over(api._TRACER_PROVIDER) else super()._tracer

    return StandInTracerProvider()


def is_over(provider: Any) -> bool:
    """Whether this is the stand-in of a recording that has ended."""
    return getattr(provider, "is_over", None) is True
