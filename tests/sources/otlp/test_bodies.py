"""Compressed bodies."""

from __future__ import annotations

import gzip
import zlib

import pytest

from pytest_traces.sources.otlp import bodies

JSON = {"Content-Type": "application/json"}


def raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


COMPRESSED = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("GZIP", gzip.compress),
    ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:]) + b"\0\0"),
    ("deflate", zlib.compress),
    ("deflate", lambda body: zlib.compress(body, 0)),
    ("deflate", raw_deflate),
    ("identity", bytes),
]


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSED)
def test_encodings(receiver, encoding, compress):
    """gzip, of one member or several, and deflate, with the header of zlib or without."""
    body = compress(receiver.export(receiver.span()))
    assert receiver.request(body, JSON | {"Content-Encoding": encoding}).status == 200
    assert receiver.names == ["GET /1"]


@pytest.mark.parametrize(("encoding", "compress"), COMPRESSED[:-1])
def test_a_truncated_body(receiver, encoding, compress):
    """It is not taken for the whole."""
    body = compress(receiver.export(*map(receiver.span, range(1, 50))))
    answer = receiver.request(body[: len(body) * 2 // 3], JSON | {"Content-Encoding": encoding})
    assert answer.status == 400
    assert receiver.entries == []
    assert len(receiver.endpoint.problems) == 1


@pytest.mark.parametrize(
    "compress", [gzip.compress, lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])]
)
def test_a_bomb_of_gzip(receiver, compress):
    """100 KiB that are 100 MiB are refused before they are."""
    body = compress(bytes(100 << 20))
    assert len(body) < 200_000
    answer = receiver.request(body, JSON | {"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert receiver.entries == []
    assert receiver.endpoint.problems == ["1 request refused (413): its body has more than 32 MiB"]


def test_a_bomb_of_deflate(receiver):
    """So are those of the other encoding."""
    body = zlib.compress(bytes(100 << 20))
    assert receiver.request(body, JSON | {"Content-Encoding": "deflate"}).status == 413


def test_a_bomb_of_members(receiver):
    """Thousands of empty members are refused, too."""
    body = gzip.compress(b"") * 10_000
    answer = receiver.request(body, JSON | {"Content-Encoding": "gzip"})
    assert answer.status == 400
    assert receiver.endpoint.problems == [
        "1 request refused (400): its gzip has more than 100 members"
    ]


def test_a_body_as_large_as_may_be(receiver, monkeypatch):
    """The limit itself is allowed, as it comes and after decompression; one byte more is not."""
    body = receiver.export(receiver.span())
    headers = JSON | {"Content-Encoding": "deflate"}
    monkeypatch.setattr(bodies, "LIMIT", len(body))
    assert receiver.request(body).status == 200
    assert receiver.request(zlib.compress(body), headers).status == 200
    assert receiver.request(body + b" ").status == 413
    assert receiver.request(zlib.compress(body + b" "), headers).status == 413


def test_nothing_compressed(receiver):
    """No bytes are no gzip."""
    for encoding in ("gzip", "deflate"):
        assert receiver.request(b"", JSON | {"Content-Encoding": encoding}).status == 400
