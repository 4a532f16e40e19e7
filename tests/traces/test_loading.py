"""Traces of files in a recording."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces import BadValue, Traces, UnreadableTrace, record

START = 1_700_000_000_000_000_000


def span(name: str, number: int, parent: int = 0, **fields: Any) -> dict[str, Any]:
    ids = {"trace_id": 1, "span_id": number, "parent_id": parent}
    times = {"start": START + number, "duration": 10}
    return {"name": name, "service": "shop", **ids, **times, **fields}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files are named as they are in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def act() -> Iterator[Traces]:
    with record(timeout="0s", sources=["handwritten"]) as act:
        yield act


def write(name: str, *spans: object) -> str:
    Path(name).write_text(json.dumps(spans))
    return name


def test_a_file_is_asserted_on_like_any_trace(act: Traces, folder: Path) -> None:
    """Tree, kinds, attributes, durations; the source is ``file``."""
    root = span("POST /book", 1, meta={"span.kind": "server"})
    act.load(folder / write("t.json", root, span("select", 2, 1), span("select", 3, 1)))

    act.assert_tree("""
        POST /book
        └─ 2 × select
    """)
    act.assert_no_errors()
    act.assert_duration("POST /book", under="1ms")
    assert act.get("POST /book", kind="server", source="file").service == "shop"


def test_several_files_are_one_recording(act: Traces, folder: Path) -> None:
    """A parent may be in another one."""
    act.load(write("a.json", span("select", 2, 1)))
    act.load(write("b.json", span("POST /book", 1)))

    act.assert_path("POST /book", "select")


def test_the_same_file_twice_is_the_same_spans(act: Traces, folder: Path) -> None:
    """As if it had been sent again."""
    path = write("a.json", span("POST /book", 1))
    act.load(path)
    act.load(path)

    assert len(act.spans) == 1


def test_spans_of_the_test_are_merged_with_those_of_a_file(act: Traces, folder: Path) -> None:
    """Both tell of one span: what one of them does not know, the other does."""
    act.add({"traceId": 1, "spanId": 1, "name": "POST /book", "startNs": START + 1,
             "endNs": START + 11, "attributes": {"rows": 3}})  # fmt: skip
    act.load(write("a.json", span("POST /book", 1), span("select", 2, 1)))

    assert act.get("POST /book").attributes["rows"] == 3
    act.assert_path("POST /book", "select")


def test_a_test_may_load_what_an_earlier_one_has_loaded(folder: Path) -> None:
    """Nothing of it is taken for a late span of that."""
    write("whole.json", span("POST /book", 1), span("select", 2, 1))
    write("part.json", span("select", 2, 1))
    for name, count in (("whole.json", 2), ("part.json", 1), ("whole.json", 2)):
        with record(timeout="0s") as act:
            act.load(name)
            assert len(act.spans) == count


def test_other_sources_may_be_left_out(folder: Path) -> None:
    """What was loaded is there all the same."""
    with record(timeout="0s", sources=["opentelemetry"]) as act:
        act.load(write("a.json", span("POST /book", 1)))
        assert len(act.spans) == 1


def test_a_file_is_refused_as_a_whole(act: Traces, folder: Path) -> None:
    """The good spans before the bad one are not kept."""
    with pytest.raises(UnreadableTrace) as caught:
        act.load(write("a.json", span("POST /book", 1), span("select", 2, span_id=None)))

    assert str(caught.value) == (
        "not a trace: a.json\n  [1].span_id: an id is needed\n  nothing of it was kept"
    )
    assert act.spans == ()


def test_a_part_of_a_trace_is_refused(act: Traces, folder: Path) -> None:
    """Nothing could be told to be absent from it."""
    ids = {"traceId": "1" * 32, "spanId": "1" * 16}
    trace = {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "POST /book", **ids}]}]}]}
    answer = {"trace": trace, "status": "PARTIAL", "message": "trace exceeds max size"}
    Path("part.json").write_text(json.dumps(answer))
    with pytest.raises(UnreadableTrace) as caught:
        act.load("part.json")

    assert str(caught.value) == (
        "not a trace: part.json\n"
        "  status: the backend gives only a part: trace exceeds max size\n"
        "  nothing of it was kept"
    )
    assert act.spans == ()

    Path("part.json").write_text(json.dumps(answer | {"status": "COMPLETE"}))
    act.load("part.json")
    assert [span.name for span in act.spans] == ["POST /book"]


@given(st.binary(max_size=40) | st.just(b'[{"trace_id":1,"span_id":2,"name":"x","start":1}, 5]'))
def test_whatever_is_refused_leaves_nothing(content: bytes) -> None:
    """No span, and nothing said about it."""
    path = Path(__file__).parent / "any bytes"
    with (
        record(timeout="0s", sources=["handwritten"]) as act,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(Path, "read_bytes", lambda _: content)
        try:
            act.load(path)
        except (UnreadableTrace, ModuleNotFoundError):  # the latter without opentelemetry-proto
            assert act.spans == ()
            assert act._frame.recording.remarks == {}
            assert act._frame.recording.problems == []


@pytest.mark.parametrize("name", ["GET \ud83d", "\udc00"])
def test_half_a_character_is_replaced(act: Traces, folder: Path, name: str) -> None:
    """In names, services and tags: every text can be printed and written."""
    act.load(write("a.json", span(name, 1, service=name, meta={"q": name, name: "x"})))
    (only,) = act.spans
    shown = name.encode(errors="replace").decode()

    assert (only.name, only.service) == (shown, shown)
    assert only.attributes == {"q": shown, shown: "x"}
    assert str(act).encode()


def test_what_was_captured_names_the_file(act: Traces, folder: Path) -> None:
    """Only where one was loaded."""
    with pytest.raises(AssertionError) as caught:
        act.assert_count("select", 1)
    assert "loaded" not in str(caught.value)

    act.load(write("a.json", span("POST /book", 1)))
    with pytest.raises(AssertionError) as caught:
        act.assert_count("select", 1)

    assert str(caught.value).endswith(
        "    hand-written    nothing added\n    loaded          1 span of a.json"
    )


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"trace":{}}',
        '{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}',
        '{"resourceMetrics":[{}]}\n{"resourceLogs":[{}]}',
    ],
)
def test_nothing_can_be_asserted_after_a_file_without_a_span(
    act: Traces, folder: Path, content: str
) -> None:
    """Not even that something is absent."""
    Path("none.json").write_text(content)
    act.load("none.json")

    assert act.spans == ()
    with pytest.raises(AssertionError) as caught:
        act.assert_none("POST /charge")
    assert str(caught.value) == (
        "not everything could be recorded\n\nload: none.json holds no span"
    )


def test_a_span_without_an_end_never_passes(act: Traces, folder: Path) -> None:
    """As any that is open."""
    act.load(write("a.json", span("POST /book", 1, duration=None)))

    with pytest.raises(AssertionError, match="never ended"):
        act.assert_tree("POST /book")
    with pytest.raises(AssertionError):
        act.assert_none("select")


def test_arguments_that_cannot_be_used(act: Traces, folder: Path) -> None:
    """A path is a text or a path; a file has to be there."""
    with pytest.raises(BadValue, match=r"^path: 5 is not usable; it is the path of a file$"):
        act.load(5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        act.load("nothing.json")


def test_a_recording_that_is_over(folder: Path) -> None:
    """Nothing can be added to it."""
    with record() as over:
        pass

    with pytest.raises(RuntimeError) as caught:
        over.load(write("a.json", span("POST /book", 1)))
    assert str(caught.value) == "load: the recording is over; nothing can be added to it"


def test_a_long_chain(act: Traces, folder: Path) -> None:
    """A trace of 20,000 spans, each below the one before, is no special case."""
    act.load(write("a.json", *(span("step", n, n - 1) for n in range(1, 20_001))))

    assert len(act.spans) == 20_000
    assert len(act.roots) == 1
