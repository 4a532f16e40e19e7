"""From spans of Sentry to SpanData.

The attributes are named as Sentry names them where its spans have nothing but attributes: the
operation is ``sentry.op``, what made the span ``sentry.origin``
(https://getsentry.github.io/sentry-conventions/attributes/sentry/). A status that is more than
ok or error stands in ``sentry.status`` and in the description of the status.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pytest_traces.model import NO_ATTRIBUTES, SpanData, Status
from pytest_traces.sources.sentry import mirrored
from pytest_traces.sources.sentry.fates import static_fate
from pytest_traces.sources.sentry.kept import SOURCE, Kept
from pytest_traces.sources.sentry.words import kind_of, status_of

SCOPE = "sentry.python"
OP = "sentry.op"
ORIGIN = "sentry.origin"
STATUS = "sentry.status"
NAME_SOURCE = "sentry.segment.name.source"

_UNNAMED = "<unlabeled span>"
_UNNAMED_TRANSACTION = "<unlabeled transaction>"


def read_static(kept: Kept) -> SpanData:
    """A transaction, or a span of one."""
    span = kept.span
    status = _text(span.status)
    is_transaction = hasattr(type(span), "get_baggage")
    is_kept, sampler = static_fate(kept)
    data = _without_times(kept)._replace(
        name=_name_of(span, is_transaction=is_transaction),
        parent_id=span.parent_span_id or None,
        kind=kind_of(span.op, inner=kept.inner),
        status=status_of(status),
        status_description=None if status == "ok" else status,
        attributes=_attributes_of(span, status),
        sampled=is_kept,
        sampler=sampler,
        remote_parent=bool(span.parent_span_id) and not span.same_process_as_parent,
    )
    return mirrored.as_copy(data, span.op) if span.origin == mirrored.ORIGIN else data


def read_streamed(kept: Kept) -> SpanData:
    """A span that is sent by itself; of one that is not sampled, what it was told."""
    span = kept.span
    attributes = {**kept.attributes, **getattr(span, "_attributes", {})}
    is_segment = getattr(span, "_segment", None) is span
    parent_id = getattr(span, "_parent_span_id", None)
    if kept.above is not None:
        parent_id = key_of(kept.above)[1]
    op = attributes.get(OP)
    # The SDK calls every streamed span ok that nobody has called otherwise.
    status: Status = "error" if kept.failed or span.status != "ok" else "ok"
    return _without_times(kept)._replace(
        name=_text(span.name) or _text(kept.name) or _text(op) or _UNNAMED,
        parent_id=parent_id or None,
        kind=kind_of(_text(op), inner=kept.inner),
        status=status,
        attributes=MappingProxyType(attributes),
        sampled=span.sampled is True,
        sampler=kept.decided,
        remote_parent=is_segment and bool(parent_id),
    )


def key_of(kept: Kept) -> tuple[str, str]:
    """Trace id and span id."""
    return kept.ids or (kept.span.trace_id, kept.span.span_id)


def _without_times(kept: Kept) -> SpanData:
    trace_id, span_id = key_of(kept)
    return SpanData(
        name="",
        trace_id=trace_id,
        span_id=span_id,
        parent_id=None,
        start_ns=kept.start_ns,
        end_ns=kept.end_ns,
        scope=SCOPE,
        source=SOURCE,
        thread=kept.began.thread.name,
        stamps=kept.stamps(),
        left_by=kept.left_by,
    )


def _name_of(span: Any, *, is_transaction: bool) -> str:
    if is_transaction:
        return _text(getattr(span, "name", None)) or _UNNAMED_TRANSACTION
    return _text(span.description) or _text(span.op) or _UNNAMED


def _attributes_of(span: Any, status: str | None) -> Mapping[str, object]:
    """Flags, data and tags; of the same name the tags, as when Sentry makes attributes of them."""
    attributes: dict[str, object] = {**getattr(span, "_flags", {}), **span._data, **span._tags}
    attributes.pop("status", None)  # a copy, which is there once the span has been sent
    own = {OP: span.op, ORIGIN: span.origin, STATUS: status}
    own[NAME_SOURCE] = _text(getattr(span, "source", None))
    attributes.update((name, value) for name, value in own.items() if value is not None)
    return MappingProxyType(attributes) if attributes else NO_ATTRIBUTES


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)
