"""Spans of applications that set no provider, or one that does nothing.

While a recording is open, tracers without an SDK behind them give spans of a private SDK
tracer, made anew for each span and never cached, so nothing that an application keeps
stays bound to a test. The global provider, where none is set, is stood in for during the
recording: FastAPI's native telemetry emits nothing while it is the API's own proxy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.opentelemetry.private import PrivateTracers
from pytest_traces.sources.opentelemetry.standin import is_over, stand_in
from pytest_traces.sources.patching import Patches

_PROVIDER_VARIABLE = "OTEL_PYTHON_TRACER_PROVIDER"


class Fallback:
    """Hooks ``ProxyTracer`` and ``NoOpTracer``, and stands in for a missing provider."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._api: Any = None
        self._stand_in: Any = None
        self._tracers = PrivateTracers()

    def install(self, api: ModuleType) -> None:
        """Hook the classes of the API module; twice is once."""
        self._api = api
        self._patches.replace(api.ProxyTracer, "_tracer", self._wrap_proxy)
        self._patches.replace(api.NoOpTracer, "start_span", self._wrap_start)
        self._patches.replace(api.NoOpTracer, "start_as_current_span", self._wrap_current)

    def uninstall(self) -> None:
        """Restore the classes."""
        self._patches.undo()
        self._api = None

    def open(self) -> None:
        """Stand in for the global provider, if there is none and none is configured."""
        api = self._api
        if api is None or _PROVIDER_VARIABLE in os.environ or self._stand_in is not None:
            return
        provider = getattr(api, "_TRACER_PROVIDER", self)
        if (provider is None or is_over(provider)) and self._tracers.available():
            self._stand_in = stand_in(api, self._tracers.add_span_processor)
            api._TRACER_PROVIDER = self._stand_in

    def close(self) -> None:
        """Go away again, unless the application has set its own provider since."""
        if self._stand_in is not None:
            self._stand_in.is_over = True
            if self._api is not None and self._api._TRACER_PROVIDER is self._stand_in:
                self._api._TRACER_PROVIDER = None
        self._stand_in = None
        self._tracers.forget()

    def _wrap_proxy(self, original: Any) -> property:
        windows = self._journal.windows

        def real_tracer(proxy: Any) -> Any:
            provider = self._api._TRACER_PROVIDER if self._api else None
            unset = provider is None or provider is self._stand_in or is_over(provider)
            if windows and unset and proxy._real_tracer is None:
                private = self._tracers.get(
                    proxy._instrumenting_module_name,
                    proxy._instrumenting_library_version,
                    sampled=True,
                )
                if private is not None:
                    return private
                return proxy._noop_tracer
            return original.fget(proxy)

        return property(real_tracer)

    def _private_for_noop(self) -> Any:
        return self._tracers.get("", None, sampled=False) if self._journal.windows else None

    def _wrap_start(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def start_span(tracer: Any, *args: Any, **kwargs: Any) -> Any:
            private = self._private_for_noop()
            if private is None:
                return original(tracer, *args, **kwargs)
            return private.start_span(*args, **kwargs)

        return start_span

    def _wrap_current(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # A context manager of its own: as a decorator it asks anew at every call, and what
        # was decorated during a recording is not bound to it.
        @_context_manager()
        def start_as_current_span(tracer: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
            private = self._private_for_noop()
            start = original.__get__(tracer) if private is None else private.start_as_current_span
            with start(*args, **kwargs) as span:
                yield span

        return start_as_current_span


def _context_manager() -> Callable[[Callable[..., Iterator[Any]]], Callable[..., Any]]:
    """The API's own, which can decorate coroutine functions, where there is one (1.21)."""
    try:
        from opentelemetry.util._decorator import _agnosticcontextmanager
    except ImportError:
        return contextmanager
    return _agnosticcontextmanager
