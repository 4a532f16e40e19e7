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
#: So much is unpacked at once, in steps that double for as long as a member of the gzip goes on:
#: what a step has read too far is read again, and must not be much more than the member is.
_FIRST_STEP, _LONGEST_STEP = 1 << 9, 1 << 16
#: No trace is larger, nor can its JSON be held many times over.
MOST_BYTES = 1 << 30
#: Repeated spans are packed a hundredfold, nothing but repetition a thousandfold. Little is
#: unpacked whatever it was packed to.
_LITTLE, _MOST_TIMES = 1 << 26, 300
_MARKS = (
    (codecs.BOM_UTF8, "UTF-8-SIG"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
#: What no message of protobuf that is meant here can begin with.
_BRACKETS = (b"{", b"[")
_SPACE = re.compile(r"[ \t\r\n]*")
#: Half of a pair that writes one character, which JSON may have and no text.
_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
)
#: Control characters that no JSON has outside of an escape: protobuf is full of them.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


_NOT_ZERO = re.compile(rb"[^\0]")


class Document(NamedTuple):
    """A parsed JSON document, and where it begins: empty where it is the only one."""

    where: str
    value: object


def unpacked(data: bytes) -> bytes:
    """The bytes themselves, or what gzip has made of them: one member, or several in a row.

    Raises:
        Malformed: the gzip is damaged, ends too early, or becomes too large; or something else
            follows it.
    """
    if not data.startswith(_GZIP):
        return data
    whole, at = bytearray(), 0
    while at < len(data):
        if not data.startswith(_GZIP, at):
            raise Malformed(f"byte {at}", "something follows its gzip that is no gzip")
        at = _member(data, at, whole)
        if data.startswith(b"\0", at):  # padding, as of tapes
            at = _after_zeros(data, at)
    return bytes(whole)


def _member(data: bytes, at: int, whole: bytearray) -> int:
    """Unpack the member of a gzip that begins there; returns where it ends."""
    unpacker, step = zlib.decompressobj(_WBITS_GZIP), _FIRST_STEP
    while not unpacker.eof:
        if at >= len(data):
            raise Malformed("", "its gzip ends too early")
        part = data[at : at + step]
        try:
            whole += unpacker.decompress(part)
        except zlib.error as error:
            raise Malformed("", f"its gzip is damaged: {error}") from None
        if len(whole) > min(MOST_BYTES, max(_LITTLE, _MOST_TIMES * len(data))):
            raise Malformed("", _too_large(len(whole), len(data)))
        at += len(part) - len(unpacker.unused_data)
        step = min(step * 2, _LONGEST_STEP)
    return at


def _too_large(unpacked_bytes: int, packed_bytes: int) -> str:
    if unpacked_bytes > MOST_BYTES:
        return f"its gzip unpacks to more than {MOST_BYTES >> 20:,} MiB"
    return (
        f"its gzip unpacks to more than {_MOST_TIMES} times its {packed_bytes:,} bytes, as no "
        "trace does"
    )


def _after_zeros(data: bytes, at: int) -> int:
    found = _NOT_ZERO.search(data, at)
    return len(data) if found is None else found.start()


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
    text, decoder, line, last = mended(text), json.JSONDecoder(), 1, 0
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


def mended(text: str) -> str:
    """JSON as long as this, with a question mark for each half of a character."""
    return _ESCAPE.sub(_whole_escape, text) if _HALF.search(text) else text


def _whole_escape(found: re.Match[str]) -> str:
    return r"\u003f" if found[2] else found[0]


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
