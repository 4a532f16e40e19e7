"""Tracers of a private SDK provider, for spans that no provider of the application makes."""

from __future__ import annotations

import importlib.util
import os
from typing import Any

_ENVIRONMENT = (
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
)


class PrivateTracers:
    """Makes SDK tracers that are in nobody's hands but ours.

    The provider behind them is kept as long as the variables it reads stay the same: every
    ``TracerProvider`` registers a fork handler, which nobody can take back.
    """

    def __init__(self) -> None:
        self._installed: bool | None = None
        self._provider: Any = None
        self._environment: tuple[str | None, ...] = ()
        self._processors: Any = None
        self._tracers: dict[tuple[str, str | None, bool], Any] = {}

    def available(self) -> bool:
        """Whether the SDK is installed, without importing it."""
        if self._installed is None:
            self._installed = sdk_is_installed()
        return self._installed

    def add_span_processor(self, processor: Any) -> None:
        """Let the application hear of these spans until :meth:`forget`."""
        self._current_processors().add_span_processor(processor)

    def forget(self) -> None:
        """Drop the tracers and processors of one recording."""
        self._processors = None
        self._tracers.clear()

    def get(self, name: str, version: str | None, *, sampled: bool) -> Any:
        """A tracer, or None where the SDK is not installed.

        Args:
            name: the instrumentation scope.
            version: the scope's version.
            sampled: leave it to the sampler of the environment; otherwise record only,
                for an application that has switched its SDK off.
        """
        if not self.available():
            return None
        provider = self._current_provider()
        tracer = self._tracers.get((name, version, sampled))
        if tracer is None:
            tracer = self._make(provider, name, version, sampled=sampled)
            self._tracers[name, version, sampled] = tracer
        return tracer

    def _make(self, provider: Any, name: str, version: str | None, *, sampled: bool) -> Any:
        from opentelemetry.sdk.trace import SpanLimits, Tracer
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        # Not provider.get_tracer(): with OTEL_SDK_DISABLED that gives a tracer without spans.
        return Tracer(
            provider.sampler if sampled else _nothing(),
            provider.resource,
            self._current_processors(),
            provider.id_generator,
            None,  # type: ignore[arg-type]  # the deprecated InstrumentationInfo
            SpanLimits(),
            InstrumentationScope(name or "", version or ""),
        )

    def _current_provider(self) -> Any:
        environment = tuple(os.environ.get(name) for name in _ENVIRONMENT)
        if self._provider is None or environment != self._environment:
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider

            # The resource by itself: old SDKs make their default one when they are imported.
            self._provider = TracerProvider(resource=Resource.create({}), shutdown_on_exit=False)
            self._environment = environment
            self._tracers.clear()
        return self._provider

    def _current_processors(self) -> Any:
        if self._processors is None:
            import opentelemetry.sdk.trace as sdk

            processors: Any = sdk.SynchronousMultiSpanProcessor  # without types in some versions
            self._processors = processors()
        return self._processors


def _nothing() -> Any:
    """A sampler that drops everything, and is named after what has made it so."""
    import opentelemetry.trace as api
    from opentelemetry.sdk.trace.sampling import Decision, StaticSampler

    words = "a tracer that does nothing"
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        words = "OTEL_SDK_DISABLED, which is true"
    elif isinstance(api._TRACER_PROVIDER, api.NoOpTracerProvider):
        words = "the global provider, which does nothing"

    class Nothing(StaticSampler):
        def get_description(self) -> str:
            return words

    return Nothing(Decision.DROP)


def sdk_is_installed() -> bool:
    """Whether the SDK could be imported; does not import it."""
    try:
        return importlib.util.find_spec("opentelemetry.sdk") is not None
    except (ImportError, ValueError):  # somebody forbids it, or has put something in its place
        return False
