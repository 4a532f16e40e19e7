"""The body of a request, as bytes that are neither too many nor too late."""

from __future__ import annotations

import io
import re
import socket
import zlib
from collections.abc import Callable
from typing import Protocol

from pytest_traces.recording import Clock
from pytest_traces.settings import NANOSECONDS

#: A body has at most so many bytes, as it comes and as it is after decompression.
LIMIT = 32 * 1024 * 1024
#: A request has come so long after its first byte, or is cut off.
PATIENCE_NS = 5 * NANOSECONDS["s"]
_STEP = 1024 * 1024
_LONGEST_LINE = 4096
#: Nobody sends two; thousands of empty ones would take minutes.
_MOST_MEMBERS = 100
_SIZE = re.compile(r"[0-9]+")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})[ \t]*(;[^\r\n]*)?\r?\n")

#: ``wbits`` of zlib for each encoding.
_GZIP, _ZLIB, _RAW = 31, 15, -15


class Refused(Exception):
    """A request that is not accepted: the status of the answer, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status, why)
        self.status = status
        self.why = why


class BrokenOff(Exception):
    """The connection ended in the middle of a request."""


class Incoming(io.RawIOBase):
    """What comes in on a connection; once a request has begun, it has to come to its end."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline: int | None = None
        self._may_read = True

    @property
    def is_idle(self) -> bool:
        """Whether nothing has come since the last request."""
        return self._deadline is None

    def rest(self, stream: io.BufferedReader[Incoming]) -> None:
        """A request has been answered: the next may come whenever it likes, if it has not begun.

        Args:
            stream: what reads from here, and may have read the begin of the next one, too.
        """
        self._may_read = False
        has_begun = bool(stream.peek(1))
        self._may_read = True
        self._deadline = None
        if has_begun:
            self.hurry()

    def hurry(self) -> None:
        """What still comes has as much time as a request."""
        self._deadline = Clock.perf_counter_ns() + PATIENCE_NS

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int | None:  # type: ignore[override]
        """Read what is there; None where nobody is to wait for it.

        Raises:
            TimeoutError: the request has taken too long.
        """
        if not self._may_read:
            return None
        if self._deadline is None:
            self._connection.settimeout(None)
            count = self._connection.recv_into(buffer)
            self.hurry()
            return count
        left = self._deadline - Clock.perf_counter_ns()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left / 1e9)
        return self._connection.recv_into(buffer)


class Headers(Protocol):
    """The headers of a request, as http.server has parsed them."""

    def get_all(self, name: str) -> list[str] | None:
        """Each value of a header."""


def read(
    headers: Headers, stream: io.BufferedIOBase, proceed: Callable[[], None] = lambda: None
) -> bytes:
    """The body, decompressed.

    Args:
        headers: of its request.
        stream: where it comes.
        proceed: called when all that the headers say is right.

    Raises:
        Refused: it is too large, or cannot be read.
        BrokenOff: the connection ended before the body did.
        TimeoutError: it has taken too long.
    """
    decompress = _decompressor(headers)
    sizes = headers.get_all("content-length") or []
    codings = _listed(headers.get_all("transfer-encoding"))
    if codings:
        if sizes or codings != ["chunked"]:
            raise Refused(400, "chunked, and nothing else, says where the body ends")
        proceed()
        body = _chunks(stream)
    elif not sizes:
        raise Refused(411, "neither Content-Length nor chunks say where the body ends")
    else:
        size = _announced(sizes)
        proceed()
        body = _exactly(stream, size)
    return decompress(body)


def _listed(values: list[str] | None) -> list[str]:
    return [one.strip().lower() for value in values or () for one in value.split(",")]


def _announced(sizes: list[str]) -> int:
    texts = {text.strip() for text in sizes}
    text = texts.pop()
    if texts or not _SIZE.fullmatch(text):
        raise Refused(400, "its Content-Length is no number")
    if len(text) > len(str(LIMIT)) or int(text) > LIMIT:
        raise too_large()
    return int(text)


def too_large() -> Refused:
    """How a body above the limit is refused."""
    return Refused(413, f"its body has more than {LIMIT >> 20} MiB")


def _exactly(stream: io.BufferedIOBase, size: int) -> bytes:
    """So many bytes; the memory grows with what comes, not with what is announced."""
    parts = []
    while size:
        part = stream.read(min(size, _STEP))
        if not part:
            raise BrokenOff
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _chunks(stream: io.BufferedIOBase) -> bytes:
    parts, total = [], 0
    while True:
        found = _CHUNK_SIZE.fullmatch(_line(stream))
        if found is None:
            raise Refused(400, "its chunks are malformed")
        size = int(found[1], 16)
        if not size:
            break
        total += size
        if total > LIMIT:
            raise too_large()
        parts.append(_exactly(stream, size))
        if _line(stream).strip():
            raise Refused(400, "its chunks are malformed")
    while (trailer := _line(stream)).strip():
        total += len(trailer)
        if total > LIMIT:
            raise too_large()
    return b"".join(parts)


def _line(stream: io.BufferedIOBase) -> bytes:
    line = stream.readline(_LONGEST_LINE)
    if not line.endswith(b"\n"):
        if len(line) < _LONGEST_LINE:
            raise BrokenOff
        raise Refused(400, "its chunks are malformed")
    return line


def _decompressor(headers: Headers) -> Callable[[bytes], bytes]:
    known = {"gzip": _ungzip, "x-gzip": _ungzip, "deflate": _inflate}
    encodings = [one for one in _listed(headers.get_all("content-encoding")) if one != "identity"]
    if not encodings:
        return lambda body: body
    if len(encodings) == 1 and encodings[0] in known:
        return known[encodings[0]]
    raise Refused(415, f"its Content-Encoding is {', '.join(encodings)}; allowed: gzip, deflate")


def _ungzip(body: bytes) -> bytes:
    """A gzip file has one member or several."""
    parts, left = [], LIMIT
    for _ in range(_MOST_MEMBERS):
        part, body = _decompress(body, _GZIP, left)
        parts.append(part)
        left -= len(part)
        body = body.lstrip(b"\0")  # padding is allowed
        if not body:
            return b"".join(parts)
    raise Refused(400, f"its gzip has more than {_MOST_MEMBERS} members")


def _inflate(body: bytes) -> bytes:
    """``deflate`` means the format of zlib; some clients send what is in it, without its header."""
    is_zlib = len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _decompress(body, _ZLIB if is_zlib else _RAW, LIMIT)[0]


def _decompress(body: bytes, wbits: int, limit: int) -> tuple[bytes, bytes]:
    """What was compressed, and what follows."""
    decompressor = zlib.decompressobj(wbits)
    try:
        content = decompressor.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(400, "its body cannot be decompressed") from error
    if len(content) > limit:
        raise too_large()
    if not decompressor.eof:
        raise Refused(400, "its compressed body is truncated")
    return content, decompressor.unused_data
