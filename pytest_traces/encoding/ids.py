"""Ids as backends write them, to lower-case hex of 32 or 16 digits."""

from __future__ import annotations

import re
from hashlib import blake2b

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed

TRACE_DIGITS = 32
SPAN_DIGITS = 16

_HEX = re.compile("[0-9a-f]*")
#: Whatever stands for an id, nobody has written more.
_LONGEST = 1_000


def hex_id(node: Node, name: str, digits: int) -> str:
    """An id written in hex, in either case, with or without its leading zeros.

    Any other text stands for an id, too, as in traces that somebody wrote by hand: the same text
    for the same one.

    Raises:
        Malformed: no text, an empty one, or an endless one.
    """
    field = node.field(name)
    text = "" if field is None else field.as_text().strip()
    if field is None or not text:
        raise _missing(node, name)
    if len(text) > _LONGEST:
        raise field.fault(f"an id has {_LONGEST:,} characters at most")
    written = text.lower().removeprefix("0x")
    number = written.lstrip("0")
    if written and len(number) <= digits and _HEX.fullmatch(number):
        return number.rjust(digits, "0")
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=digits // 2).hexdigest()


def parent_hex_id(node: Node, name: str) -> str | None:
    """A span id in hex; None for what stands for no parent: nothing, or zeros.

    Raises:
        Malformed: no text.
    """
    if not node.text(name).strip():
        return None
    span_id = hex_id(node, name, SPAN_DIGITS)
    return span_id if span_id.strip("0") else None


def decimal_id(node: Node, name: str, bits: int = 64) -> int:
    """An id written in decimal, as a number or as text; below zero as Java prints 64 bits.

    Raises:
        Malformed: something else, or more than that many bits.
    """
    field = node.field(name)
    if field is None:
        raise _missing(node, name)
    if isinstance(field.value, int | str) and str(field.value).startswith("-"):
        return field.as_whole(64, is_signed=True) % (1 << 64)
    return field.as_whole(bits)


def _missing(node: Node, name: str) -> Malformed:
    field = node.field(name)
    where = f"{node.where}.{name}".lstrip(".") if field is None else field.where
    return Malformed(where, "an id is needed")
