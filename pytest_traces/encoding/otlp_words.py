"""What OTLP's numbers mean, whether they come as protobuf or as JSON.

The messages are those of opentelemetry/proto/trace/v1/trace.proto.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pytest_traces.model import KINDS, NO_ATTRIBUTES, Kind, Status

#: ``SpanKind`` by its number. Unspecified, the first, may be taken for internal; so are kinds
#: that a later version of OTLP adds.
_KINDS: tuple[Kind, ...] = ("internal", *KINDS)
_STATUSES: tuple[Status, ...] = ("unset", "ok", "error")
#: The numbers of enums by their names, for JSON.
KIND_NUMBERS = {
    "SPAN_KIND_UNSPECIFIED": 0,
    **{f"SPAN_KIND_{kind.upper()}": number for number, kind in enumerate(KINDS, 1)},
}
STATUS_NUMBERS = {
    f"STATUS_CODE_{status.upper()}": number for number, status in enumerate(_STATUSES)
}

TRACE_ID_BYTES = 16
SPAN_ID_BYTES = 8
NO_TRACE_ID, NO_SPAN_ID = bytes(TRACE_ID_BYTES), bytes(SPAN_ID_BYTES)
#: ``SpanFlags``: whether it is known where the parent is, and whether that is another process.
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200


def kind_of(number: int) -> Kind:
    """The name of a ``SpanKind``."""
    return _KINDS[number] if 0 <= number < len(_KINDS) else "internal"


def status_of(number: int) -> Status:
    """The name of a ``StatusCode``."""
    return _STATUSES[number] if 0 <= number < len(_STATUSES) else "unset"


#: Bits 10 to 31 are reserved. Exporters send what was sampled; forked children of this process,
#: which send all that they record, set this one where it was not.
UNSAMPLED = 1 << 30


def is_remote(flags: int) -> bool:
    """Whether the flags of a span say that its parent is in another process."""
    return bool(flags & _HAS_IS_REMOTE and flags & _IS_REMOTE)


def attributes_of(pairs: Iterable[tuple[str, object]]) -> Mapping[str, object]:
    """Attributes that nobody changes; of a repeated key the last value."""
    attributes = dict(pairs)
    return MappingProxyType(attributes) if attributes else NO_ATTRIBUTES


def service_of(resource: Mapping[str, object]) -> str | None:
    """The name of the service, where a resource has one."""
    name = resource.get("service.name")
    return None if name is None else str(name)


def id_fault(trace_id: bytes, span_id: bytes, parent_id: bytes) -> str | None:
    """What is wrong with the ids of a span; a parent of no bytes, or of zeros, is none.

    OTLP: "A valid trace identifier is a 16-byte array with at least one non-zero byte", and
    likewise of the 8 bytes of a span.
    """
    if len(trace_id) != TRACE_ID_BYTES:
        return _wrong_length("trace id", trace_id, TRACE_ID_BYTES)
    if len(span_id) != SPAN_ID_BYTES:
        return _wrong_length("span id", span_id, SPAN_ID_BYTES)
    if trace_id == NO_TRACE_ID or span_id == NO_SPAN_ID:
        return f"the {'trace' if trace_id == NO_TRACE_ID else 'span'} id is all zeros"
    if parent_id and len(parent_id) != SPAN_ID_BYTES:
        return _wrong_length("parent's span id", parent_id, SPAN_ID_BYTES)
    return None


def _wrong_length(what: str, value: bytes, size: int) -> str:
    count = f"{len(value)} byte{'' if len(value) == 1 else 's'}"
    return f"the {what} has {count} where {size} are needed"
