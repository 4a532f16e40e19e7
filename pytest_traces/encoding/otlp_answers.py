"""What a receiver of OTLP answers, in the encoding in which it was asked.

The messages are ``ExportTraceServiceResponse`` of opentelemetry/proto/collector/trace/v1 and
``google.rpc.Status``. They are so small that they are written here, by nobody's library.
"""

from __future__ import annotations

import json

_VARINT, _NESTED = 0, 2
#: Numbers of ``google.rpc.Code``.
INVALID_ARGUMENT = 3
NOT_FOUND = 5
RESOURCE_EXHAUSTED = 8
UNIMPLEMENTED = 12
INTERNAL = 13


def accepted(rejected: int = 0, why: str = "", *, as_json: bool = False) -> bytes:
    """An ``ExportTraceServiceResponse``: how many spans were refused, and why; all else is kept.

    ``partial_success`` is there only if something was refused, as OTLP says.
    """
    if as_json:
        # A number of 64 bits is a string in the JSON of protobuf.
        partial = {"rejectedSpans": str(rejected), "errorMessage": why}
        return _json({"partialSuccess": partial} if rejected else {})
    if not rejected:
        return b""
    return _nested(1, _number(1, rejected) + _nested(2, why.encode()))


def refused(code: int, message: str, *, as_json: bool = False) -> bytes:
    """A ``google.rpc.Status``."""
    if as_json:
        return _json({"code": code, "message": message})
    return _number(1, code) + _nested(2, message.encode("utf-8", "replace"))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _number(field: int, number: int) -> bytes:
    return bytes([field << 3 | _VARINT]) + _varint(number)


def _nested(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | _NESTED]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have the eighth."""
    digits = bytearray()
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)
