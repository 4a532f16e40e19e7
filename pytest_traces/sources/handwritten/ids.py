"""Ids as applications write them, to lower-case hex of 32 or 16 digits."""

from __future__ import annotations

import re
import uuid

from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.fields import MISSING, SPAN_ID, TRACE_ID, Given

TRACE_DIGITS = 32
SPAN_DIGITS = 16

_HEX = re.compile(r"(?:0x)?([0-9a-f]+)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def read_trace_id(value: object, field: str = "trace_id") -> str:
    """32 digits; an object or a mapping stands for the id it has.

    A trace id of 64 bits is padded with zeros (W3C Trace Context level 2, "Interoperating
    with existing systems which use shorter identifiers").

    Raises:
        BadValue: not an id, too long, or all zeros, which is no valid id.
    """
    if not _may_be_id(value):
        inner = Given(value).id((*TRACE_ID, "id"))
        value = inner if _may_be_id(inner) else value
    return _checked(value, field, TRACE_DIGITS)


def read_span_id(value: object, field: str = "span_id") -> str:
    """16 digits. An id of 128 bits, a UUID, is folded to 64 bits, the same one everywhere.

    Raises:
        BadValue: not an id, too long, or all zeros, which is no valid id.
    """
    return _checked(value, field, SPAN_DIGITS)


def read_parent_id(value: object) -> str | None:
    """The span id of the parent, given as an id or as the span itself; None for a root.

    What tracers write when there is no parent is None, an empty text, or zeros.

    Raises:
        BadValue: neither an id nor a span that has one.
    """
    if value is MISSING or value is None or value is False:
        return None
    if not _may_be_id(value):
        inner = Given(value).id(SPAN_ID)
        if not _may_be_id(inner):
            allowed = "a parent is given by its id, or as the span itself, which has an id"
            raise BadValue("parent_id", value, allowed)
        value = inner
    text = _digits(value)
    if value == "" or (text is not None and not text.strip("0")):
        return None
    return read_span_id(value, "parent_id")


def _may_be_id(value: object) -> bool:
    return isinstance(value, str | int | uuid.UUID) and not isinstance(value, bool)


def _digits(value: object) -> str | None:
    """The digits of the id in lower case, however it is written; None for what is none."""
    if isinstance(value, uuid.UUID):
        return value.hex
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:x}" if value >= 0 else None
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if _UUID.fullmatch(text):
        return text.replace("-", "")
    found = _HEX.fullmatch(text)
    return found[1] if found else None


def _checked(value: object, field: str, digits: int) -> str:
    text = _digits(value)
    if text is not None and len(text) > digits:
        text = _folded(text) if digits == SPAN_DIGITS and _is_long(value, text) else None
    if text is None or not text.strip("0"):
        allowed = f"an id is a UUID, or up to {digits} hex digits that are not all zeros"
        raise BadValue(field, value, f"{allowed}, as text or as an integer")
    return text.rjust(digits, "0")


def _is_long(value: object, text: str) -> bool:
    """Whether it is an id of 128 bits; a number loses its leading zeros."""
    return len(text) == TRACE_DIGITS or (isinstance(value, int) and len(text) < TRACE_DIGITS)


def _folded(text: str) -> str:
    """Both halves in one: UUIDs of one host differ only in the first, others in the second."""
    low, high = int(text[-SPAN_DIGITS:], 16), int(text[:-SPAN_DIGITS], 16)
    return f"{low ^ high or low:x}"
