"""Whether an export has too many messages, seen in its bytes before anybody parses it.

An empty message takes two bytes in protobuf and three in JSON, and a hundred times as many when it
is parsed: 32 MiB of them are gigabytes, and a minute. What is let through costs about as much as
an export of ordinary spans of that size.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_traces.encoding.malformed import Malformed

#: A smaller export is cheap, whatever is in it.
SMALL = 256 * 1024
#: So many spans, scopes and resources are allowed, and one more for so many bytes.
_SPANS, _BYTES_OF_A_SPAN = 20_000, 32
#: As many as there are in 32 MiB of attributes of 16 bytes; parsed they take some 300 MB.
_MOST_MESSAGES = 4_000_000
#: To look at each field takes time, too.
_MOST_FIELDS = 5_000_000
#: Of JSON a message is a dict, which is read by Python.
_MOST_OBJECTS = 1_000_000
_OBJECTS, _BYTES_OF_AN_OBJECT = 20_000, 16
_MOST_VALUES = 4_000_000

_VARINT, _NESTED = 0, 2
#: The bytes of other kinds.
_FIXED = {1: 8, 5: 4}
_MORE = 0x80
_LONGEST_VARINT = 10
_STRING = re.compile(rb'"[^"]*"?')

#: The fields of a message that are messages, or repeated, by their tags.
Table = Mapping[int, Any]


def _tag(field: int) -> int:
    return field << 3 | _NESTED


def _tables() -> tuple[Table, Table]:
    """Of ``ExportTraceServiceRequest``: down to its spans, and with all that is in them."""
    leaf: dict[int, Any] = {}
    value: dict[int, Any] = {}
    pair = {_tag(2): value}
    value |= {_tag(5): {_tag(1): value}, _tag(6): {_tag(1): pair}}
    resource = {_tag(1): pair, _tag(3): {_tag(3): leaf, _tag(4): leaf}}
    event, link = {_tag(3): pair}, {_tag(4): pair}
    span = {_tag(9): pair, _tag(11): event, _tag(13): link, _tag(15): leaf}
    scope_spans = {_tag(1): {_tag(3): pair}, _tag(2): span}
    whole = {_tag(1): {_tag(1): resource, _tag(2): scope_spans}}
    return {_tag(1): {_tag(2): {_tag(2): leaf}}}, whole


_TO_SPANS, WHOLE = _tables()
#: The bytes with which such a field begins: its tag, or the first byte of a longer spelling of it.
_BEGINS = bytes(_tag(n) | more for n in (1, 2, 3, 4, 5, 6, 9, 11, 13, 15) for more in (0, _MORE))


def is_too_much(body: bytes) -> bool:
    """Whether an ``ExportTraceServiceRequest`` has more spans, or messages, than are read.

    Raises:
        Malformed: this is no such message.
    """
    if len(body) <= SMALL:
        return False
    most = _SPANS + len(body) // _BYTES_OF_A_SPAN
    if exceeds(body, _TO_SPANS, most, most):
        return True
    # Ids and texts have such bytes, too: that is more than there are, but it is found in no time.
    if len(body) - len(body.translate(None, _BEGINS)) <= _MOST_MESSAGES:
        return False
    return exceeds(body, WHOLE, _MOST_FIELDS, _MOST_MESSAGES)


def exceeds(body: bytes, table: Table, most_fields: int, most_messages: int) -> bool:
    """Whether a protobuf message has more fields than that, or more messages within each other.

    Args:
        body: the message.
        table: its fields that are messages, and theirs; others are not looked into.
        most_fields: of those messages.
        most_messages: so many may they be.

    Raises:
        Malformed: this is no such message.
    """
    fields = messages = at = 0
    end = len(body)
    above: list[tuple[int, Table]] = []
    while True:
        while at == end:
            if not above:
                return False
            end, table = above.pop()
        try:
            tag, at, size = _field(body, at)
        except IndexError:
            raise _no_export() from None
        if at + size > end:
            raise _no_export()
        inner = table.get(tag)
        fields += 1
        messages += inner is not None
        if fields > most_fields or messages > most_messages:
            return True
        if inner and size:
            above.append((end, table))
            end, table = at + size, inner
        else:
            at += size


def _field(body: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the field that stands there, where its content begins, and the size of that."""
    tag, at = body[at], at + 1
    if tag >= _MORE:
        tag, at = _varint(body, at - 1)
    kind = tag & 7
    if kind == _NESTED:
        size, at = body[at], at + 1
        if size >= _MORE:
            size, at = _varint(body, at - 1)
        return tag, at, size
    if kind == _VARINT:
        return tag, at, 1 if body[at] < _MORE else _varint(body, at)[1] - at
    if kind not in _FIXED:  # a group; OTLP has none
        raise _no_export()
    return tag, at, _FIXED[kind]


def _varint(body: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where it ends."""
    number = 0
    for place in range(_LONGEST_VARINT):
        byte = body[at + place]
        number |= (byte & 0x7F) << 7 * place
        if byte < _MORE:
            return number, at + place + 1
    raise _no_export()


def _no_export() -> Malformed:
    return Malformed("", "it is no OTLP protobuf of traces")


def is_too_much_json(body: bytes) -> bool:
    """Whether JSON has more objects, or values, than are read."""
    if len(body) <= SMALL or not _is_dense(body):
        return False
    # That may be in texts.
    without = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if without.count(b'"') > 2 * _MOST_VALUES:
        return True
    return _is_dense(_STRING.sub(b"", without), len(body))


def _is_dense(body: bytes, size: int | None = None) -> bool:
    """Whether there are too many of the characters before which, or after which, a value stands."""
    size = len(body) if size is None else size
    objects = body.count(b"{")
    most = min(_MOST_OBJECTS, _OBJECTS + size // _BYTES_OF_AN_OBJECT)
    return objects > most or objects + body.count(b"[") + body.count(b",") > _MOST_VALUES
