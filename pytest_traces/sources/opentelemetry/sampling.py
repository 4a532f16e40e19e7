"""Spans that a sampler dropped are started once more, recorded for us and nobody else."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any


def start_unsampled(
    start_span: Callable[..., Any],
    tracer: Any,
    dropped: Any,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Start the span again on a copy of the tracer that records it without sampling it.

    The ids, the flags and the trace state are those of the dropped span, so the wire looks
    the same; the copy has no span processor, so the application's exporters see nothing.

    Args:
        start_span: the SDK's own ``Tracer.start_span``.
        tracer: the application's tracer.
        dropped: the non-recording span that it returned.
        args: what the application passed to ``start_span``.
        kwargs: likewise.

    Returns:
        A recording span; ``dropped`` itself where the tracer is disabled and made no ids.
    """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import SpanProcessor

    context = kwargs.get("context", args[1] if len(args) > 1 else None)
    parent = trace.get_current_span(context).get_span_context()
    made = dropped.get_span_context()
    if made is None or not made.is_valid or made is parent:
        return dropped
    again = copy.copy(tracer)
    again.sampler = _record_only(made.trace_state)
    again.id_generator = _same_ids(tracer.id_generator, made.trace_id, made.span_id)
    again.span_processor = SpanProcessor()
    again._tracer_metrics = _NoMetrics()  # newer SDKs count: the dropped one was counted
    span = start_span(again, *args, **kwargs)
    span._sampler = tracer.sampler  # the one that decided
    return span


class _NoMetrics:
    def start_span(self, *_: Any) -> Callable[[], None]:
        return lambda: None


def _record_only(trace_state: Any) -> Any:
    from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult

    class RecordOnly(Sampler):
        def should_sample(
            self,
            parent_context: Any,
            trace_id: int,
            name: str,
            kind: Any = None,
            attributes: Any = None,
            links: Any = None,
            trace_state: Any = trace_state,
        ) -> SamplingResult:
            del parent_context, trace_id, name, kind, links
            return SamplingResult(Decision.RECORD_ONLY, attributes, trace_state)

        def get_description(self) -> str:
            return "RecordOnly"

    return RecordOnly()


def _same_ids(original: Any, trace_id: int, span_id: int) -> Any:
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class SameIds(IdGenerator):
        def generate_trace_id(self) -> int:
            return trace_id

        def generate_span_id(self) -> int:
            return span_id

        def is_trace_id_random(self) -> bool:
            asked = getattr(original, "is_trace_id_random", None)  # since SDK 1.40
            return bool(asked and asked())

    return SameIds()
