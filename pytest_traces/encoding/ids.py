"""Ids as backends write them, to lower-case hex of 32 or 16 digits."""

from __future__ import annotations

import re
from hashlib import blake2b

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed

TRACE_DIGITS = 32
SPAN_DIGITS = 16

_HEX = re.compile(r"(?:0x)?0*([0-9a-f]+)")


def hex_id(node: Node, name: str, digits: int) -> str:
    """An id written in hex, in either case, with or without its leading zeros.

    Any other text stands for an id, too, as in traces that somebody wrote by hand: the same text
    for the same one.

    Raises:
        Malformed: no text, or an empty one.
    """
    text = node.text(name).strip()
    if not text:
        raise _missing(node, name)
    found = _HEX.fullmatch(text.lower())
    if found and len(found[1]) <= digits:
        return found[1].rjust(digits, "0")
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=digits // 2).hexdigest()


def parent_hex_id(node: Node, name: str) -> str | None:
    """A span id in hex; None for what stands for no parent: nothing, or zeros.

    Raises:
        Malformed: no text.
    """
    return hex_id(node, name, SPAN_DIGITS) if node.text(name).strip("0 ") else None


def decimal_id(node: Node, name: str, bits: int = 64) -> int:
    """An id written in decimal, as a number or as text; below zero as Java prints 64 bits.

    Raises:
        Malformed: something else, or more than that many bits.
    """
    field = node.field(name)
    if field is None:
        raise _missing(node, name)
    if str(field.value).lstrip().startswith("-"):
        return field.as_whole(64, is_signed=True) % (1 << 64)
    return field.as_whole(bits)


def _missing(node: Node, name: str) -> Malformed:
    field = node.field(name)
    where = f"{node.where}.{name}".lstrip(".") if field is None else field.where
    return Malformed(where, "an id is needed")
