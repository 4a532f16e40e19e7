"""Traces from a backend, which takes its time."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_traces import BadValue, Traces, UnreadableTrace, record
from pytest_traces.sources.backends import fetching, http
from pytest_traces.sources.backends.http import Hiccup, Unreachable

TRACE = "0af7651916cd43dd8448eb211c80319c"
JAEGER, TEMPO, TEMPO_2 = (
    f"/api/traces/{TRACE}",
    f"/tempo/api/traces/{TRACE}",
    f"/api/v2/traces/{TRACE}",
)
START_US = 1_700_000_000_000_000

#: name, number, number of the parent, service
Row = tuple[str, int, int | None, str]
CHECKOUT: list[Row] = [
    ("POST /checkout", 1, None, "shop"),
    ("SELECT orders", 2, 1, "shop"),
    ("POST", 3, 1, "shop"),
    ("POST /charge", 4, 3, "payments"),
]
NOT_FOUND = (
    404,
    "application/json",
    b'{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}',
)


def jaeger(*rows: Row) -> bytes:
    """What Jaeger's query service answers."""
    spans = [
        {
            "traceID": TRACE,
            "spanID": f"{number:016x}",
            "operationName": name,
            "references": [{"refType": "CHILD_OF", "traceID": TRACE, "spanID": f"{parent:016x}"}]
            if parent
            else [],
            "startTime": START_US + number,
            "duration": 1_000 // number,
            "tags": [],
            "logs": [],
            "processID": service,
            "warnings": None,
        }
        for name, number, parent, service in rows
    ]
    processes = {row[3]: {"serviceName": row[3], "tags": []} for row in rows}
    trace = {"traceID": TRACE, "spans": spans, "processes": processes, "warnings": None}
    return json.dumps(
        {"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}
    ).encode()


def b64(number: int, size: int) -> str:
    return base64.b64encode(number.to_bytes(size, "big")).decode()


def batches(*rows: Row) -> list[dict[str, Any]]:
    return [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": service}}]
            },
            "scopeSpans": [
                {
                    "scope": {"name": "app"},
                    "spans": [
                        {
                            "traceId": b64(int(TRACE, 16), 16),
                            "spanId": b64(number, 8),
                            **({"parentSpanId": b64(parent, 8)} if parent else {}),
                            "name": name,
                            "kind": "SPAN_KIND_INTERNAL",
                            "startTimeUnixNano": str((START_US + number) * 1_000),
                            "endTimeUnixNano": str((START_US + 1_000) * 1_000),
                            "status": {},
                        }
                    ],
                }
            ],
        }
        for name, number, parent, service in rows
    ]


def tempo(*rows: Row) -> bytes:
    """What Tempo answers."""
    return json.dumps({"batches": batches(*rows)}).encode()


def tempo_2(*rows: Row, **more: Any) -> bytes:
    """What version 2 of Tempo's API answers."""
    return json.dumps({"trace": {"resourceSpans": batches(*rows)}, "metrics": {}, **more}).encode()


Answer = bytes | tuple[int, str, bytes]


class Backend:
    """A server with prepared answers for each path: one after the other, the last one for ever."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                backend.asked.append((self.path, dict(self.headers)))
                answers = backend.answers.get(self.path.partition("?")[0], [NOT_FOUND])
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                status, kind, body = (
                    (200, "application/json", answer) if isinstance(answer, bytes) else answer
                )
                self.send_response(status)
                self.send_header("Location" if status in (301, 302, 307) else "Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.scheme = "http" if context is None else "https"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def url(self, path: str = JAEGER) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}{path}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def backend() -> Iterator[Backend]:
    one = Backend()
    yield one
    one.close()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "_FIRST_PAUSE_NS", 1_000_000)


@pytest.fixture
def act() -> Iterator[Traces]:
    with record(timeout="0s") as act:
        yield act


def names(act: Traces) -> list[str]:
    return sorted(span.path for span in act.spans)


WHOLE = [
    "POST /checkout",
    "POST /checkout > POST",
    "POST /checkout > POST > POST /charge",
    "POST /checkout > SELECT orders",
]


@pytest.mark.parametrize(("path", "answer"), [(JAEGER, jaeger), (TEMPO, tempo), (TEMPO_2, tempo_2)])
def test_a_trace_that_comes_bit_by_bit(
    act: Traces, backend: Backend, path: str, answer: Callable[..., bytes]
) -> None:
    """Is waited for: it is not there, then without its root, then without a service."""
    backend.answers[path] = [
        NOT_FOUND,
        answer(*CHECKOUT[1:3]),
        answer(*CHECKOUT[:1], *CHECKOUT[3:]),
        answer(*CHECKOUT),
    ]
    act.fetch(backend.url(path), quiet="0s")

    assert names(act) == WHOLE
    assert {span.source for span in act.spans} == {"file"}
    assert len(backend.asked) == 5  # the last answer twice


def test_a_trace_that_grows_while_it_is_whole(act: Traces, backend: Backend) -> None:
    """Is asked for until it does so no more; only its last state is recorded."""
    backend.answers[JAEGER] = [jaeger(*CHECKOUT[:n]) for n in (1, 2, 3, 4)]
    act.fetch(backend.url(), quiet="0s")

    assert names(act) == WHOLE
    assert len(act._frame.recording.look().spans) == 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"trace":{}}',
        b'{"trace":{},"metrics":{"inspectedBytes":"12"}}',
        b'{"metrics":{}}',
        b'{"trace":null,"status":"COMPLETE"}',
        b'{"trace":{"resourceSpans":[]}}',
        b'{"result":{}}',
        b'{"batches":[]}',
        b'{"data":null,"errors":[{"code":404,"msg":"trace not found"}]}',
        b'{"data":[],"errors":[{"code":404,"msg":"trace not found"}]}',
    ],
)
def test_answers_that_say_that_it_is_not_there(act: Traces, backend: Backend, body: bytes) -> None:
    """With a status that says otherwise."""
    backend.answers[TEMPO_2] = [body, body, tempo_2(*CHECKOUT)]
    act.fetch(backend.url(TEMPO_2), quiet="0s")

    assert names(act) == WHOLE
    assert len(backend.asked) == 4


def test_a_number_of_spans_makes_it_complete(act: Traces, backend: Backend) -> None:
    """At once, whatever is missing beside them."""
    backend.answers[JAEGER] = [jaeger(*CHECKOUT[1:2]), jaeger(*CHECKOUT[1:])]
    act.fetch(backend.url(), spans=3)

    assert len(act.spans) == 3
    assert len(backend.asked) == 2


def continued(backend: Backend, trace_id: str, span_id: str) -> str:
    """A trace that continues that span; returns its URL."""
    path = f"/api/traces/{trace_id}"
    body = jaeger(("POST /checkout", 1, int(span_id, 16), "shop"))
    backend.answers[path] = [body.replace(TRACE.encode(), trace_id.encode())]
    return backend.url(path)


def test_a_caller_is_the_parent_of_what_the_cluster_has(act: Traces, backend: Backend) -> None:
    """Its span, which no backend ever gets, is no missing one; and its headers were received."""
    with act.caller("click") as caller:
        act.fetch(continued(backend, caller.trace_id, caller.span_id), quiet="0s")

    act.assert_tree("""
        click
        └─ POST /checkout
    """)


def test_the_parent_may_be_any_span_of_the_recording(act: Traces, backend: Backend) -> None:
    """One that a client of this process has made, for example."""
    with act.start_span("POST") as span:
        pass
    act.fetch(continued(backend, span.trace_id, span.span_id), quiet="0s")

    act.assert_path("POST", "POST /checkout")


def test_an_answer_in_protobuf(act: Traces, backend: Backend) -> None:
    """Is read by its content, as any."""
    pb = pytest.importorskip("opentelemetry.proto.trace.v1.trace_pb2")
    span = pb.Span(trace_id=bytes.fromhex(TRACE), span_id=bytes(7) + b"1", name="POST /checkout")
    scope = pb.ScopeSpans(spans=[span])
    data = pb.TracesData(resource_spans=[pb.ResourceSpans(scope_spans=[scope])])
    backend.answers[TEMPO] = [data.SerializeToString()]
    act.fetch(backend.url(TEMPO), spans=1, headers={"Accept": "application/protobuf"})

    assert names(act) == ["POST /checkout"]
    assert backend.asked[0][1]["Accept"] == "application/protobuf"


@pytest.fixture
def hours(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Whatever waits does so in no time; what it would have waited, in seconds."""
    waited: list[float] = []

    def now() -> int:
        return int(sum(waited) * 1_000_000_000)

    monkeypatch.setattr(fetching, "_FIRST_PAUSE_NS", 100_000_000)
    swift = partial(fetching.Fetching, now=now, pause=waited.append)
    monkeypatch.setattr(fetching, "Fetching", swift)
    return waited


def failure(act: Traces, url: str, **options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        act.fetch(url, **options)
    assert act.spans == ()  # nothing of it was kept
    return str(caught.value).replace(url, "URL")


def test_nothing_comes(act: Traces, backend: Backend, hours: list[float]) -> None:
    """The last answer is told."""
    assert failure(act, backend.url()) == (
        "no trace came within 30.0 s\n"
        "\n"
        "  asked 35 times: URL\n"
        '  its last answer: HTTP 404 Not Found: {"data":null,"errors":[{"code":404,"msg":"trace not'
        ' found"}]}\n'
        "\n"
        "  hint:  does the application export to this backend, and sample this trace?"
    )
    assert sum(hours) == pytest.approx(30)
    assert max(hours) == 1


def test_nothing_comes_with_a_good_status(
    act: Traces, backend: Backend, hours: list[float]
) -> None:
    """What came instead is told all the same."""
    backend.answers[TEMPO_2] = [b'{"trace":{},\n"metrics":{}}']

    assert failure(act, backend.url(TEMPO_2)) == (
        "no trace came within 30.0 s\n"
        "\n"
        "  asked 35 times: URL\n"
        '  its last answer: HTTP 200 OK: {"trace":{}, "metrics":{}}\n'
        "\n"
        "  hint:  does the application export to this backend, and sample this trace?"
    )


def test_a_parent_is_missing(act: Traces, backend: Backend, hours: list[float]) -> None:
    """The spans are shown, and those without a parent named."""
    backend.answers[JAEGER] = [jaeger(CHECKOUT[0], CHECKOUT[1], CHECKOUT[3])]

    assert failure(act, backend.url(), timeout="10s") == (
        "the trace is not complete after 10.0 s: 1 parent of its spans is missing\n"
        "\n"
        "  POST /checkout    internal  1.00 ms   [shop]\n"
        "  └─ SELECT orders  internal   500 us   [shop]\n"
        "  POST /charge      internal   250 us   [payments] its parent was not recorded\n"
        "\n"
        "  parent missing: 'POST /charge' of payments\n"
        "  asked 15 times: URL\n"
        "\n"
        "  hint:  a parent that nobody exports, one that the test has made up? let traces.caller(...) record\n"
        "         it, or say how many spans make the trace complete: spans=3"
    )


def test_too_few_spans_come(act: Traces, backend: Backend, hours: list[float]) -> None:
    """Fewer than were asked for."""
    backend.answers[JAEGER] = [jaeger(*CHECKOUT[:2])]

    assert failure(act, backend.url(), timeout="10s", spans=4) == (
        "2 spans came within 10.0 s, and not 4\n"
        "\n"
        "  POST /checkout    internal  1.00 ms\n"
        "  └─ SELECT orders  internal   500 us\n"
        "\n"
        "  asked 15 times: URL"
    )


def test_it_grows_and_grows(act: Traces, backend: Backend, hours: list[float]) -> None:
    """Nobody knows when it is whole."""
    rows = [("select", n, 1, "shop") for n in range(2, 60)]
    backend.answers[JAEGER] = [jaeger(CHECKOUT[0], *rows[:n]) for n in range(58)]
    text = failure(act, backend.url(), timeout="10s")

    assert text == (
        "the trace was still growing after 10.0 s: 15 spans so far\n"
        "\n"
        "  POST /checkout  internal  1.00 ms\n"
        "  └─ 14 × select  internal  2.31 ms\n"
        "\n"
        "  asked 15 times: URL"
    )


def test_a_part_of_a_trace(act: Traces, backend: Backend, hours: list[float]) -> None:
    """Tempo says so where a trace is too large, or a store did not answer."""
    backend.answers[TEMPO_2] = [
        tempo_2(*CHECKOUT[:2], status="PARTIAL", message="trace exceeds max size")
    ]

    assert failure(act, backend.url(TEMPO_2), timeout="10s") == (
        "the trace is not complete after 10.0 s\n"
        "\n"
        "  POST /checkout    internal   999 us\n"
        "  └─ SELECT orders  internal   998 us\n"
        "\n"
        "  asked 15 times: URL\n"
        "  its last answer: the backend gives only a part: trace exceeds max size"
    )


def jaeger_beside(message: str, *rows: Row) -> bytes:
    errors = [{"code": 500, "msg": message, "traceID": TRACE}]
    return json.dumps(json.loads(jaeger(*rows)) | {"errors": errors}).encode()


def test_a_part_of_a_trace_that_jaeger_has(
    act: Traces, backend: Backend, hours: list[float]
) -> None:
    """It says so by errors beside what it gives."""
    backend.answers[JAEGER] = [jaeger_beside("storage timeout", *CHECKOUT[:2])]

    assert failure(act, backend.url(), timeout="10s") == (
        "the trace is not complete after 10.0 s\n"
        "\n"
        "  POST /checkout    internal  1.00 ms\n"
        "  └─ SELECT orders  internal   500 us\n"
        "\n"
        "  asked 15 times: URL\n"
        "  its last answer: the backend gives only a part: storage timeout"
    )


@pytest.mark.parametrize(
    ("path", "part", "whole"),
    [
        (JAEGER, jaeger_beside("busy", *CHECKOUT), jaeger(*CHECKOUT)),
        (TEMPO_2, tempo_2(*CHECKOUT, status="PARTIAL"), tempo_2(*CHECKOUT)),
        (TEMPO_2, gzip.compress(tempo_2(*CHECKOUT, status="PARTIAL"), mtime=0), tempo_2(*CHECKOUT)),
    ],
)
def test_a_part_is_asked_for_again(
    act: Traces, backend: Backend, path: str, part: bytes, whole: bytes
) -> None:
    """Until all of it comes, even where it has as many spans as were asked for."""
    backend.answers[path] = [part, part, whole]
    act.fetch(backend.url(path), spans=4)

    assert names(act) == WHOLE
    assert len(backend.asked) == 3


def test_the_default_quiet_time(act: Traces, backend: Backend, hours: list[float]) -> None:
    """5 s, in which an SDK exports what it has; a quarter of the timeout where that is less."""
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    act.fetch(backend.url(), timeout="60s")
    assert 5 <= sum(hours) < 6

    hours.clear()
    act.fetch(backend.url(), timeout="4s")
    assert 1 <= sum(hours) < 2

    hours.clear()
    act.fetch(backend.url(), quiet="15s")
    assert 15 <= sum(hours) < 16


def test_faults_of_the_server_are_outlived(
    act: Traces, backend: Backend, hours: list[float]
) -> None:
    """A gateway that restarts, or asks for less haste, is no verdict."""
    backend.answers[JAEGER] = [
        (503, "text/html", b"<html>busy</html>"),
        (429, "text/plain", b"slow down"),
        jaeger(*CHECKOUT),
    ]
    act.fetch(backend.url())

    assert names(act) == WHOLE


def test_a_fault_of_the_server_for_ever(act: Traces, backend: Backend, hours: list[float]) -> None:
    """Is told; a page says nothing to anybody here."""
    backend.answers[JAEGER] = [(502, "text/html", b"<html>bad gateway</html>")]

    assert "  its last answer: HTTP 502 Bad Gateway\n" in failure(act, backend.url())


def refusal(act: Traces, url: str, kind: type[Exception] = ConnectionError, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        act.fetch(url, **options)
    assert act.spans == ()
    return str(caught.value).replace(url, "URL")


def test_who_is_not_let_in(act: Traces, backend: Backend) -> None:
    """Is told at once, and how."""
    backend.answers[JAEGER] = [(401, "text/plain", b"no\n token")]

    assert refusal(act, backend.url()) == (
        'URL: HTTP 401 Unauthorized: no token\n  a token goes into headers={"Authorization": "Bearer ..."}'
    )
    assert len(backend.asked) == 1


def test_an_answer_that_will_not_change(act: Traces, backend: Backend) -> None:
    """Is told at once."""
    backend.answers[JAEGER] = [(400, "application/json", b'{"errors":"' + b"x" * 200)]

    assert refusal(act, backend.url()) == (
        'URL: HTTP 400 Bad Request: {"errors":"' + "x" * 68 + "…"
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"\n<!doctype html>",
            "not a trace: URL\n  a page for people came; the API is at /api/traces/<trace id>\n"
            "  nothing of it was kept",
        ),
        (
            b'{"data": [{"spans": [{}], "processes": {}}]}',
            "not a trace: URL\n  data[0].spans[0].traceID: an id is needed\n  nothing of it was kept",
        ),
        (
            b'{"data": null, "errors": [{"code": 500, "msg": "no storage"}]}',
            "not a trace: URL\n  errors[0]: the backend says: no storage\n  nothing of it was kept",
        ),
        (
            gzip.compress(b"[]", mtime=0) + b"[]",
            "not a trace: URL\n  byte 22: something follows its gzip that is no gzip\n"
            "  nothing of it was kept",
        ),
        (
            b'{"ok": true}',
            "not a trace: URL\n  an object with 'ok' is no trace of a known format: "
            "OTLP, Jaeger, Zipkin v2, Datadog\n  nothing of it was kept",
        ),
    ],
)
def test_answers_that_are_no_trace(
    act: Traces, backend: Backend, body: bytes, message: str
) -> None:
    """Are refused at once."""
    backend.answers[JAEGER] = [body]

    assert refusal(act, backend.url(), UnreadableTrace) == message


def test_another_trace(act: Traces, backend: Backend) -> None:
    """Than the URL names is told at once; beside it, others are welcome."""
    other = f"/api/traces/{'b' * 32}"
    backend.answers[other] = [jaeger(*CHECKOUT)]

    assert refusal(act, backend.url(other), UnreadableTrace) == (
        "not a trace: URL\n"
        "  the answer holds other traces, and not the one that this URL names\n"
        "  nothing of it was kept"
    )
    traces = json.loads(jaeger(*CHECKOUT))["data"]
    traces += json.loads(jaeger(*CHECKOUT).replace(TRACE.encode(), b"b" * 32))["data"]
    backend.answers[other] = [json.dumps({"data": traces}).encode()]
    act.fetch(backend.url(other), quiet="0s")
    assert len(act.spans) == 8


def test_an_answer_that_is_too_large(
    act: Traces, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is refused, and not read on."""
    monkeypatch.setattr(http, "MOST_BYTES", 1 << 20)
    backend.answers[JAEGER] = [b" " * (1 << 20) + b"[]"]

    assert refusal(act, backend.url(), UnreadableTrace) == (
        "not a trace: URL\n  the answer is larger than 1 MiB\n  nothing of it was kept"
    )


def test_nobody_answers(act: Traces, backend: Backend) -> None:
    """At the first time that is an error; the URL is named."""
    url = backend.url()
    backend.close()

    assert refusal(act, url).startswith("URL: it cannot be reached: ")


def test_a_connection_that_breaks_later(
    act: Traces, backend: Backend, monkeypatch: pytest.MonkeyPatch, hours: list[float]
) -> None:
    """Is a hiccup."""
    ask, broken = fetching.get, iter([False, True, False, True])

    def get(address: Any, seconds: float) -> Any:
        if next(broken, False):
            raise Unreachable("it cannot be reached: Connection reset by peer")
        return ask(address, seconds)

    monkeypatch.setattr(fetching, "Fetching", partial(fetching.Fetching, ask=get))
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    act.fetch(backend.url())
    assert names(act) == WHOLE

    act.clear()
    broken = iter([False, *[True] * 100])
    assert "  its last answer: it cannot be reached: Connection reset by peer" in failure(
        act, backend.url()
    )


def test_the_first_answer_is_cut_off(
    act: Traces, backend: Backend, monkeypatch: pytest.MonkeyPatch, hours: list[float]
) -> None:
    """Is a hiccup as any later one is."""
    ask, seconds = fetching.get, list[float]()

    def get(address: Any, left: float) -> Any:
        seconds.append(left)
        if len(seconds) == 1:
            raise Hiccup("its answer ends too early, at byte 3")
        return ask(address, left)

    monkeypatch.setattr(fetching, "Fetching", partial(fetching.Fetching, ask=get))
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    act.fetch(backend.url(), timeout="60s")

    assert names(act) == WHOLE
    assert seconds[:2] == [60, 59.9]  # each may take all the time that is left


def test_the_last_answer_is_cut_off(
    act: Traces, backend: Backend, monkeypatch: pytest.MonkeyPatch, hours: list[float]
) -> None:
    """Is told."""
    seconds = list[float]()

    def get(_: Any, left: float) -> Any:
        seconds.append(left)
        raise Hiccup("its answer ends too early, at byte 3")

    monkeypatch.setattr(fetching, "Fetching", partial(fetching.Fetching, ask=get))

    assert "  its last answer: its answer ends too early, at byte 3\n" in failure(
        act, backend.url()
    )
    assert seconds[-1] == pytest.approx(0.1)  # at the end of the time, hardly any


def test_headers_go_along(act: Traces, backend: Backend) -> None:
    """A token, a tenant; and what the URL says of a user, which no message shows."""
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    act.fetch(
        backend.url(), spans=1, headers={"Authorization": "Bearer secret", "X-Scope-OrgID": "a"}
    )
    act.fetch(backend.url().replace("//", "//me:p%40ss@"), spans=1)
    (_, first), (_, second) = backend.asked

    assert (first["Authorization"], first["X-Scope-OrgID"]) == ("Bearer secret", "a")
    assert first["Accept"] == "application/json"
    assert second["Authorization"] == "Basic " + base64.b64encode(b"me:p@ss").decode()
    backend.answers[JAEGER] = [(403, "text/plain", b"")]
    act.clear()
    told = refusal(act, backend.url().replace("//", "//me:p%40ss@"))
    assert "ss@" not in told


def test_redirections_are_followed(act: Traces, backend: Backend) -> None:
    """Headers go along to the same server, and to no other."""
    other = Backend()
    other.answers[JAEGER] = [jaeger(*CHECKOUT)]
    backend.answers["/old" + JAEGER] = [(302, "/new" + JAEGER, b"")]
    backend.answers["/new" + JAEGER] = [(307, other.url(), b"")]
    act.fetch(backend.url("/old" + JAEGER), spans=1, headers={"Authorization": "secret"})
    other.close()

    assert [headers.get("Authorization") for _, headers in backend.asked] == ["secret"] * 2
    assert [headers.get("Authorization") for _, headers in other.asked] == [None]
    assert names(act) == WHOLE


@pytest.mark.parametrize(
    ("to", "message"),
    [
        (JAEGER, "URL: it redirects more than 5 times"),
        ("ftp://x/", "URL: it redirects to 'ftp://x/', which is no URL of HTTP"),
        ("http://[", "URL: it redirects to 'http://[', which is no URL of HTTP"),
    ],
)
def test_redirections_to_nowhere(act: Traces, backend: Backend, to: str, message: str) -> None:
    """Are told."""
    backend.answers[JAEGER] = [(301, to, b"")]

    assert refusal(act, backend.url()) == message


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's, which this process trusts; made by openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate, and is not there")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-keyout", key,
         "-out", cert, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


def test_https(act: Traces, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the certificates that this machine trusts, or those of SSL_CERT_FILE."""
    backend = Backend(certificate)
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    act.fetch(backend.url(), spans=4)
    assert names(act) == WHOLE

    act.clear()
    monkeypatch.delenv("SSL_CERT_FILE")
    told = refusal(act, backend.url())
    backend.close()
    assert told.startswith("URL: it cannot be reached: ")
    assert "certificate verify failed" in told


def test_a_server_of_something_else(act: Traces) -> None:
    """One that does not speak HTTP is told so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail\r\n")
                connection.recv(1_000)

        thread = threading.Thread(target=greet)
        thread.start()
        told = refusal(act, f"http://127.0.0.1:{server.getsockname()[1]}{JAEGER}")
        thread.join()

    assert told == "URL: it does not speak HTTP: BadStatusLine: 220 mail\r\n"


def test_a_server_that_says_nothing(act: Traces) -> None:
    """Is not waited for longer than the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}{JAEGER}"

        told = failure(act, url, timeout="2ms")

    assert told.startswith("no trace came within 2.00 ms\n")
    assert "  its last answer: it did not answer in time\n" in told


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("jaeger:16686", "'jaeger:16686'"),
        ("ftp://jaeger/api/traces/1", "'ftp://jaeger/api/traces/1'"),
        ("http:///api/traces/1", "'http:///api/traces/1'"),
        ("http://jaeger:port/api/traces/1", "'http://jaeger:port/api/traces/1'"),
        ("http://jaeger/api/traces?service=shop", "'http://jaeger/api/traces?service=shop'"),
        ("http://jaeger/search", "'http://jaeger/search'"),
        ("http://me:secret@jaeger/api/traces/", "'http://jaeger/api/traces/'"),
        (5, "5"),
    ],
)
def test_urls_that_are_of_no_trace(act: Traces, url: Any, shown: str) -> None:
    """Are refused, with what one looks like."""
    with pytest.raises(BadValue) as caught:
        act.fetch(url)

    assert str(caught.value) == (
        f"url: {shown} is not usable; the URL of one trace is needed: "
        '"http://jaeger:16686/api/traces/<trace id>"'
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 5}, 'timeout: 5 is not usable; a duration is written with its unit: "5ms" or timedelta(milliseconds=5)'),
        ({"quiet": "soon"}, 'quiet: \'soon\' is not usable; a duration is written like "50ms", with a unit of ns, us, ms, s or min'),
        ({"spans": 0}, "spans: 0 is not usable; it is the least number of spans, 1 or more"),
        ({"spans": True}, "spans: True is not usable; it is the least number of spans, 1 or more"),
        ({"headers": "x"}, "headers: 'x' is not usable; it is a mapping of names to values"),
        ({"headers": {"a b": "x"}}, "headers: 'a b' is not usable; it is the name of a header"),
        ({"headers": {"a": "secret\r\nb: c"}}, "headers['a']: <class 'str'> is not usable; it is a text without line breaks"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(act: Traces, options: dict[str, Any], message: str) -> None:
    """Are named; the value of a header is not shown."""
    with pytest.raises(BadValue) as caught:
        act.fetch(f"http://jaeger{JAEGER}", **options)

    assert str(caught.value) == message


def test_a_recording_that_is_over(act: Traces) -> None:
    """Nothing can be added to it."""
    with record() as over:
        pass

    with pytest.raises(RuntimeError, match=r"^fetch: the recording is over; "):
        over.fetch(f"http://jaeger{JAEGER}")


def test_the_requests_are_no_requests_of_the_application(act: Traces, backend: Backend) -> None:
    """They are not recorded, make no spans, and no mock of a client answers them."""
    import http.client  # noqa: F401  # hooked by now

    respx = pytest.importorskip("respx")
    responses = pytest.importorskip("responses")
    backend.answers[JAEGER] = [jaeger(*CHECKOUT)]
    with respx.mock(assert_all_called=False) as one, responses.RequestsMock() as other:
        act.fetch(backend.url(), spans=4)
        assert len(one.calls) == len(other.calls) == 0

    assert list(act.requests) == []
    assert names(act) == WHOLE


def test_an_event_loop_that_is_blocked(act: Traces, backend: Backend, hours: list[float]) -> None:
    """Is the hint, where the trace did not come."""

    async def test() -> str:
        return failure(act, backend.url())

    assert asyncio.run(test()).endswith(
        "  hint:  the event loop of this thread could not run meanwhile: await\n"
        "         asyncio.to_thread(traces.fetch, url)"
    )
