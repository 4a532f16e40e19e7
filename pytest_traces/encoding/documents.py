"""What a file holds: one JSON document, several in a row, or bytes that are no text."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from pytest_traces.encoding.malformed import Malformed

_GZIP = b"\x1f\x8b"
_WBITS_GZIP = 31
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8-SIG"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
#: What no message of protobuf that is meant here can begin with.
_BRACKETS = (b"{", b"[")
_SPACE = " \t\r\n"
#: Control characters that no JSON has outside of an escape: protobuf is full of them.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Document(NamedTuple):
    """A parsed JSON document, and where it begins: empty where it is the only one."""

    where: str
    value: object


def unpacked(data: bytes) -> bytes:
    """The bytes themselves, or what gzip has made of them.

    Raises:
        Malformed: the gzip is damaged, or ends too early.
    """
    parts = []
    while data.startswith(_GZIP):
        unpacker = zlib.decompressobj(_WBITS_GZIP)
        try:
            parts.append(unpacker.decompress(data))
        except zlib.error as error:
            raise Malformed("", f"its gzip is damaged: {error}") from None
        if not unpacker.eof:
            raise Malformed("", "its gzip ends too early")
        data = unpacker.unused_data
    return b"".join(parts) if parts else data


def text_of(data: bytes) -> str | None:
    """The text that these bytes are, without the mark of its encoding; None for no text.

    Raises:
        Malformed: it begins as a text, and goes on as none.
    """
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    is_json = bool(encoding) or data.startswith(_BRACKETS)
    if not is_json and _CONTROL.search(data):
        return None
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if not is_json:
            return None
        raise Malformed(f"byte {error.start}", f"it is no {encoding[:6] or 'UTF-8'}") from None


def documents(text: str) -> Iterator[Document]:
    """The JSON documents of a text, one after the other, mostly each on its line.

    Raises:
        Malformed: there is something else, with the line.
    """
    decoder, line, last = json.JSONDecoder(), 1, 0
    at = first = _after_space(text, 0)
    while at < len(text):
        line, last = line + text.count("\n", last, at), at
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise Malformed(where, f"it is no JSON: {error.msg}") from None
        except (ValueError, RecursionError) as error:
            raise Malformed(f"line {line}", f"its JSON cannot be read: {error}") from None
        is_only = at == first
        at = _after_space(text, end)
        yield Document("" if is_only and at == len(text) else f"line {line}", value)


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at
