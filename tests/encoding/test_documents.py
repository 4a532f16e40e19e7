"""What is in a file before anybody knows its format."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest

from pytest_traces.encoding import documents as module
from pytest_traces.encoding.documents import Document, documents, mended, unpacked
from pytest_traces.encoding.malformed import Malformed

TEXT = bytes(range(256)) * 1_000


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(TEXT),
        gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:]),
        gzip.compress(b"") + gzip.compress(TEXT) + gzip.compress(b""),
        gzip.compress(TEXT) + bytes(600),
        gzip.compress(TEXT[:7]) + bytes(3) + gzip.compress(TEXT[7:]),
        gzip.compress(TEXT, compresslevel=0),
        TEXT,
    ],
)
def test_what_is_unpacked(data: bytes) -> None:
    """All members of a gzip, with or without zeros between and behind them."""
    assert unpacked(data) == TEXT


@pytest.mark.parametrize("rest", [b"garbage", b'{"resourceSpans":[]}', b"\0\0x", b"\n", b"\x1f"])
def test_what_follows_a_gzip_is_not_dropped(rest: bytes) -> None:
    """Only another member may follow."""
    data = gzip.compress(b"[]")
    place = len(data) + len(rest) - len(rest.lstrip(b"\0"))

    with pytest.raises(Malformed) as caught:
        unpacked(data + rest)

    assert str(caught.value) == f"byte {place}: something follows its gzip that is no gzip"


@pytest.mark.parametrize("missing", [1, 8, 30])
def test_a_gzip_that_ends_too_early(missing: int) -> None:
    """Also in its second member."""
    data = gzip.compress(TEXT)

    for whole in (data, data + data):
        with pytest.raises(Malformed, match=r"^its gzip ends too early$"):
            unpacked(whole[:-missing])


def test_a_gzip_of_nothing_but_repetition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is no trace; it is not unpacked as a whole."""
    monkeypatch.setattr(module, "_LITTLE", 100_000)
    data = gzip.compress(b" " * 10_000_000)
    seen = count_unpacked(monkeypatch)

    with pytest.raises(Malformed) as caught:
        unpacked(data)

    assert str(caught.value) == (
        f"its gzip unpacks to more than 300 times its {len(data):,} bytes, as no trace does"
    )
    assert sum(seen["unpacked"]) < 10_000_000


def test_a_little_gzip_may_be_packed_as_well_as_can_be() -> None:
    """It does no harm."""
    assert len(unpacked(gzip.compress(b" " * 1_000_000))) == 1_000_000


def test_a_gzip_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it was packed to."""
    monkeypatch.setattr(module, "MOST_BYTES", 3 << 20)
    data = gzip.compress(bytes(3 << 20), compresslevel=0)

    assert len(unpacked(data)) == 3 << 20
    with pytest.raises(Malformed, match=r"^its gzip unpacks to more than 3 MiB$"):
        unpacked(data + gzip.compress(b"x"))


def test_many_members_are_each_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not what follows them as often as there are members."""
    seen = count_unpacked(monkeypatch)
    data = gzip.compress(b"") * 10_000 + gzip.compress(b"[]")

    assert unpacked(data) == b"[]"
    assert len(seen["given"]) == 10_001
    assert max(seen["given"]) <= 512


def count_unpacked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[int]]:
    """How many bytes zlib was given at each step, and how many it made of them."""
    seen: dict[str, list[int]] = {"given": [], "unpacked": []}

    class Counting:
        def __init__(self, wbits: int) -> None:
            self.inner = zlib.decompressobj(wbits)

        def decompress(self, data: bytes) -> bytes:
            found = self.inner.decompress(data)
            seen["given"].append(len(data))
            seen["unpacked"].append(len(found))
            return found

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

    class Zlib:
        error = zlib.error
        decompressobj = Counting

    monkeypatch.setattr(module, "zlib", Zlib)
    return seen


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (r'"\ud83d"', "?"),
        (r'"a\uDC00b"', "a?b"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        (r'"\ud83d\ud83d\ude00"', "?\U0001f600"),
        (r'"\ude00\ud83d"', "??"),
        (r'"\\ud83d"', r"\ud83d"),
        (r'"\\\ud83d"', r"\?"),
        (r'"\"\ud83d\n"', '"?\n'),
        (r'"\u00e9\ud83d"', "é?"),
    ],
)
def test_halves_of_characters(written: str, found: str) -> None:
    """Become question marks, as in what is received; characters stay."""
    assert list(documents(written)) == [Document("", found)]
    assert len(mended(written)) == len(written)


def test_places_are_those_of_the_file() -> None:
    """Whatever stood for half a character."""
    with pytest.raises(Malformed, match=r"^line 2, column 12: it is no JSON: Expecting value$"):
        list(documents('["x"]\n["\\ud83d", }'))


def test_space_between_documents() -> None:
    """As much as there may be, and of JSON's kinds only."""
    gap = " \t\r\n" * 100_000

    assert [one.value for one in documents(f"{gap}[]{gap}[1]{gap}")] == [[], [1]]
    assert list(documents(gap)) == []
    with pytest.raises(Malformed, match="it is no JSON: Expecting value"):
        list(documents("[]\u00a0[]"))


def test_the_line_of_each_document() -> None:
    """Where there are several."""
    text = f"\n{json.dumps([1], indent=1)}\n\n[2] [3]\n"

    assert [one.where for one in documents(text)] == ["line 2", "line 6", "line 6"]
