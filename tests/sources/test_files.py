"""Spans of files, as a source."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pytest_traces.recording import Recording, journal
from pytest_traces.settings import LOADED, BadValue, Settings
from pytest_traces.sources import all_sources
from pytest_traces.sources.files import UnreadableTrace, loaded, read_file

ONE = b'[{"trace_id": 1, "span_id": 2, "name": "book", "start": 3, "duration": 4}]'


@pytest.mark.parametrize("name", ["trace.json", "trace.pb", "trace", "traces.jsonl.gz"])
def test_the_name_of_a_file_says_nothing(name: str, tmp_path: Path) -> None:
    """Its content does."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(ONE))

    (span,) = read_file(path)
    assert (span.name, span.source) == ("book", "file")
    assert read_file(str(path)) == [span]


@pytest.mark.parametrize("path", [None, 5, b"trace.json", ["trace.json"]])
def test_a_path_is_a_text_or_a_path(path: object) -> None:
    """A number would be an open file."""
    with pytest.raises(BadValue) as caught:
        read_file(path)

    assert str(caught.value) == f"path: {path!r} is not usable; it is the path of a file"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is missed as Python does."""
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none.json")


def test_the_error_tells_file_place_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file as it was named; and has them as attributes."""
    monkeypatch.chdir(tmp_path)
    Path("spans.jsonl").write_bytes(ONE + b"\n" + ONE.replace(b"2", b'"b"'))

    with pytest.raises(UnreadableTrace) as caught:
        read_file("spans.jsonl")

    error = caught.value
    assert str(error) == (
        "not a trace: spans.jsonl\n  line 2, [0].span_id: 'b' is not usable; "
        "a whole number is needed, or a string of its digits\n"
        "  nothing of it was kept"
    )
    assert (error.origin, error.where) == ("spans.jsonl", "line 2, [0].span_id")
    assert error.why.startswith("'b' is not usable; ")
    assert isinstance(error, ValueError)


def test_the_error_about_a_whole_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names no place in it."""
    monkeypatch.chdir(tmp_path)
    Path("x").write_text("{}")

    with pytest.raises(UnreadableTrace) as caught:
        read_file(Path("x"))

    assert str(caught.value) == (
        "not a trace: x\n  an empty object is no trace of a known format: "
        "OTLP, Jaeger, Zipkin v2, Datadog\n"
        "  nothing of it was kept"
    )


def test_what_takes_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is refused as any other."""

    def read(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pytest_traces.encoding.contents.read", read)
    path = tmp_path / "x"
    path.write_bytes(ONE)

    with pytest.raises(UnreadableTrace) as caught:
        read_file(path)

    assert caught.value.why == "to read it takes more memory than there is"


def test_what_was_loaded() -> None:
    """Each file in its line, up to five of them."""
    recording = Recording(Settings())
    recording.remark(LOADED, "2 spans of one.json")
    assert loaded.captured(recording, 2) == ("loaded", "2 spans of one.json", (), None)

    recording.remarks.clear()
    for number in range(7):
        recording.remark(LOADED, f"{number} spans of {number}.json")

    assert loaded.captured(recording, 1_200)[:3] == (
        "loaded",
        "1,200 spans",
        (
            "0 spans of 0.json",
            "1 spans of 1.json",
            "2 spans of 2.json",
            "3 spans of 3.json",
            "4 spans of 4.json",
            "and 2 more",
        ),
    )


def test_it_is_a_source_like_others() -> None:
    """With nothing to switch on or off, no current span, and nothing that proves a late span."""
    assert all_sources()[LOADED] is loaded
    assert not loaded.random_ids
    assert loaded.current() is None
    assert journal.sources.get(LOADED) in (None, loaded)
