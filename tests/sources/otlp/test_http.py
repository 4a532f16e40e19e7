"""The receiver over HTTP: what is accepted, and what is answered to everything else."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import re
import socket
import struct
import threading
from typing import Any

import pytest

from pytest_traces.encoding import otlp_json, otlp_proto
from pytest_traces.sources.otlp import bodies, http, server
from pytest_traces.sources.otlp.endpoint import Endpoint

JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def test_an_export_in_json(receiver):
    """It is delivered, and answered in its own encoding."""
    answer = receiver.request(receiver.export(receiver.span(1), receiver.span(2)))

    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["Content-Type"] == "application/json"
    assert receiver.names == ["GET /1", "GET /2"]
    assert receiver.endpoint.accepted == 2
    assert receiver.endpoint.problems == []


def test_an_export_in_protobuf(receiver):
    """It is delivered, and the answer to all that is well is an empty message."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    request = service.ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    scope_spans.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /")

    answer = receiver.request(request.SerializeToString(), PROTOBUF)

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert receiver.names == ["GET /"]


def test_a_charset(receiver):
    """A parameter of the type is no other type."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert receiver.request(receiver.export(receiver.span()), headers).status == 200


def test_chunks(receiver):
    """A body may come in chunks."""
    body = receiver.export(receiver.span())
    parts = iter([body[:10], body[10:]])
    assert receiver.request(parts, JSON, encode_chunked=True).status == 200
    assert receiver.names == ["GET /1"]


def test_requests_one_after_another(receiver):
    """A connection is kept, whether its requests were accepted or not."""
    body = receiver.export(receiver.span())
    good = receiver.head("Content-Type: application/json", f"Content-Length: {len(body)}") + body
    bad = receiver.head("Content-Type: application/json", "Content-Length: 1") + b"{"

    answers = receiver.raw(good + bad + good)

    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"400", b"200"]
    assert receiver.endpoint.accepted == 2


def test_a_client_that_asks_first(receiver):
    """It is told to go on when its headers are right, and not to when they are wrong."""
    body = receiver.export(receiver.span())
    size = f"Content-Length: {len(body)}"
    expect = "Expect: 100-continue"
    right = receiver.head("Content-Type: application/json", expect, size) + body
    wrong = receiver.head("Content-Type: text/plain", expect, size)

    assert receiver.raw(right).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")
    assert receiver.raw(wrong).startswith(b"HTTP/1.1 415")


def test_partial_success(receiver):
    """Spans with invalid ids are left out, counted and reported; the others are delivered."""
    bad = [receiver.span(2, spanId="0" * 16), receiver.span(3, traceId="beef")]

    answer = receiver.request(receiver.export(receiver.span(1), *bad))

    assert answer.status == 200
    assert json.loads(answer.body) == {
        "partialSuccess": {
            "rejectedSpans": "2",
            "errorMessage": "the span id is all zeros; the trace id has 2 bytes where 16 are needed",
        }
    }
    assert receiver.names == ["GET /1"]
    assert (receiver.endpoint.accepted, receiver.endpoint.rejected) == (1, 2)
    assert receiver.endpoint.problems == [
        "1 span left out: the span id is all zeros",
        "1 span left out: the trace id has 2 bytes where 16 are needed",
    ]


@pytest.mark.parametrize("signal", ["metrics", "logs"])
@pytest.mark.parametrize(("headers", "body"), [(JSON, b"{}"), (PROTOBUF, b"")])
def test_other_signals(receiver, signal, headers, body):
    """They are taken and thrown away, or exporters would complain of them."""
    path = f"{receiver.url.path}/v1/{signal}"
    answer = receiver.request(b"whatever", headers, path)
    assert (answer.status, answer.body) == (200, body)
    assert receiver.entries == receiver.endpoint.problems == []


def test_other_signals_that_are_refused(receiver):
    """Nothing is lost with them, so there is nothing to report."""
    path = f"{receiver.url.path}/v1/metrics"
    assert receiver.request(b"", {"Content-Type": "text/plain"}, path).status == 415
    assert receiver.endpoint.problems == []


TYPES = "allowed: application/x-protobuf, application/json"


@pytest.mark.parametrize(
    ("body", "headers", "status", "why"),
    [
        (b"{", JSON, 400, "its body cannot be read: it is no JSON: Expecting property name "
         "enclosed in double quotes: line 1 column 2 (char 1)"),
        (b"", JSON, 400, "its body cannot be read: it is no JSON: Expecting value: line 1 column 1 "
         "(char 0)"),
        (b"\xff\xfe", JSON, 400, None),
        (b"[" * 100_000, JSON, 400, "its body cannot be read: it is nested too deeply"),
        (b'{"resourceSpans": 7}', JSON, 400,
         "its body cannot be read: resourceSpans: 7 is not usable; an array is needed"),
        (b'{"resourceSpans": [-%s]}' % (b"9" * 1_000_000), JSON, 400,
         "its body cannot be read: a number in it has more than 4300 digits"),
        (b"{}", {"Content-Type": "text/plain"}, 415, f"its Content-Type is text/plain; {TYPES}"),
        (b"{}", {}, 415, f"its Content-Type is not given; {TYPES}"),
        (b"{}", JSON | {"Content-Encoding": "br"}, 415,
         "its Content-Encoding is br; allowed: gzip, deflate"),
        (b"{}", JSON | {"Content-Encoding": "gzip, gzip"}, 415,
         "its Content-Encoding is gzip, gzip; allowed: gzip, deflate"),
        (b"{}", JSON | {"Content-Encoding": "gzip"}, 400, "its body cannot be decompressed"),
        (b"{}", JSON | {"Content-Length": "2, 3"}, 400, "its Content-Length is no number"),
        (b"{}", JSON | {"Content-Length": "-2"}, 400, "its Content-Length is no number"),
        (b"{}", JSON | {"Content-Length": "9" * 99}, 413, "its body has more than 32 MiB"),
        (b"{}", JSON | {"Transfer-Encoding": "gzip, chunked"}, 400,
         "chunked, and nothing else, says where the body ends"),
    ],
)  # fmt: skip
def test_what_is_refused(receiver, body, headers, status, why):
    """It is answered with its reason, reported to the test, and nothing of it is delivered."""
    answer = receiver.request(body, headers)
    assert answer.status == status
    message = json.loads(answer.body)["message"]
    if why is not None:
        assert message == f"refused: {why}"
    problem = message.removeprefix("refused: ")
    assert receiver.endpoint.problems == [f"1 request refused ({status}): {problem}"]
    assert receiver.entries == []
    assert receiver.endpoint.busy == 0


def test_garbage_in_protobuf(receiver):
    """It is answered with a status in protobuf."""
    pytest.importorskip("opentelemetry.proto")
    answer = receiver.request(b"\xff" * 100, PROTOBUF | {"User-Agent": "cart/1.0"})
    text = b"refused: its body cannot be read: it is no OTLP protobuf of traces"
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert answer.body == b"\x08\x03\x12" + bytes([len(text)]) + text
    assert receiver.endpoint.problems == [
        "1 request of cart/1.0 refused (400): "
        "its body cannot be read: it is no OTLP protobuf of traces"
    ]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\n\0" * (16 << 20), PROTOBUF),
        (b'{"resourceSpans": [%s{}]}' % (b"{}," * 11_000_000), JSON),
        (b'{"resourceSpans": [{"scopeSpans": [{"spans": [%s{}]}]}]}' % (b"{}," * 11_000_000), JSON),
    ],
    ids=["resources", "resources in JSON", "spans in JSON"],
)
def test_a_bomb_of_messages(receiver, monkeypatch, body, headers):
    """32 KB that would be gigabytes when they are parsed are refused before they are."""
    monkeypatch.setattr(otlp_proto, "check", lambda *_: 1 / 0)
    monkeypatch.setattr(json, "loads", lambda *_: 1 / 0)

    answer = receiver.request(gzip.compress(body), headers | {"Content-Encoding": "gzip"})

    assert answer.status == 413
    assert receiver.endpoint.problems == [
        "1 request refused (413): it has too many spans and attributes: send fewer at once"
    ]


@pytest.mark.parametrize(("scopes", "spans"), [(1, 3), (3, 1)])
def test_an_end_while_a_body_is_read(receiver, monkeypatch, scopes, spans):
    """Nobody wants the rest: it is not read, and the request is a late one."""
    read = otlp_json._span

    def close(*args: Any) -> Any:
        monkeypatch.setattr(otlp_json, "_span", lambda *_: 1 / 0)
        receiver.endpoint.close()
        return read(*args)

    other = Endpoint(lambda _: None)  # the port stays open
    monkeypatch.setattr(otlp_json, "_span", close)
    try:
        scope_spans = [{"spans": [receiver.span()] * spans}] * scopes
        body = json.dumps({"resourceSpans": [{"scopeSpans": scope_spans}] * 2}).encode()
        assert receiver.request(body).status == 200
    finally:
        other.close()
    assert (receiver.entries, receiver.endpoint.late) == ([], 1)


def test_truncated_protobuf(receiver):
    """Every end of a message but the right one is garbage, or leaves whole spans."""
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    request = service.ExportTraceServiceRequest()
    scope_spans = request.resource_spans.add().scope_spans.add()
    scope_spans.spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="GET /")
    whole = request.SerializeToString()

    statuses = {receiver.request(whole[:end], PROTOBUF).status for end in range(1, len(whole))}

    assert statuses == {400}
    assert receiver.entries == []
    assert len(receiver.endpoint.problems) == 1


def test_without_the_library(receiver, monkeypatch):
    """Protobuf is refused with the command that helps, which the test hears of."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.proto.collector.trace.v1", None)
    answer = receiver.request(b"", PROTOBUF)
    assert answer.status == 415
    assert receiver.endpoint.problems == [
        "1 request refused (415): "
        "opentelemetry-proto is not installed: pip install pytest-traces[otlp]"
    ]
    with pytest.raises(ModuleNotFoundError, match=r"pip install pytest-traces\[otlp\]"):
        receiver.endpoint.variables()


def test_a_missing_length(receiver):
    """Nobody says where the body ends."""
    head = receiver.head("Content-Type: application/json")
    assert receiver.raw(head).startswith(b"HTTP/1.1 411 Length Required")


@pytest.mark.parametrize(
    "chunks",
    [b"x\r\n", b"5\r\nabcdeXX", b"5;" + b"x" * 5000 + b"\r\n", b"-1\r\n\r\n"],
    ids=["no size", "no end", "an endless size", "a negative size"],
)
def test_malformed_chunks(receiver, chunks):
    """They are refused."""
    head = receiver.head("Content-Type: application/json", "Transfer-Encoding: chunked")
    assert receiver.raw(head + chunks + b"0\r\n\r\n" * 2000).startswith(b"HTTP/1.1 400")
    assert receiver.endpoint.problems == ["1 request refused (400): its chunks are malformed"]


def test_trailers(receiver):
    """What follows the last chunk is read and ignored."""
    body = receiver.export(receiver.span())
    head = receiver.head("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunks = b"%x;name=value\r\n%s\r\n0\r\nX-Sum: 7\r\n\r\n" % (len(body), body)
    assert receiver.raw(head + chunks).startswith(b"HTTP/1.1 200")
    assert receiver.names == ["GET /1"]


def test_two_ways_to_say_the_length(receiver):
    """Such a request may be two requests to somebody else, and is refused."""
    head = receiver.head(
        "Content-Type: application/json", "Transfer-Encoding: chunked", "Content-Length: 5"
    )
    assert receiver.raw(head + b"0\r\n\r\n").startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "sent",
    [
        ["Content-Length: 50", "", '{"resource'],
        ["Transfer-Encoding: chunked", "", "50", '{"resource'],
        ["Transfer-Encoding: chunked", "", "5"],
    ],
    ids=["in the body", "in a chunk", "in its size"],
)
def test_a_connection_that_ends_too_early(receiver, sent):
    """What had come is not taken for the whole."""
    head = receiver.head("Content-Type: application/json").removesuffix(b"\r\n")
    answer = receiver.raw(head + "\r\n".join(sent).encode())
    assert answer.startswith(b"HTTP/1.1 400")
    assert receiver.entries == []
    assert receiver.endpoint.problems == [
        "1 request refused (400): the connection ended in the middle of it"
    ]


def test_a_body_of_64_mib(receiver):
    """It is refused by its length, and its sender comes to hear of it."""
    answer = receiver.request(bytes(64 << 20), PROTOBUF)
    assert answer.status == 413
    assert receiver.endpoint.problems == ["1 request refused (413): its body has more than 32 MiB"]


def test_64_mib_in_chunks(receiver):
    """The length is not announced, and counted."""
    parts = iter([bytes(1 << 20)] * 64)
    assert receiver.request(parts, JSON, encode_chunked=True).status == 413


def test_endless_trailers(receiver, monkeypatch):
    """They are part of the body, as far as its size goes."""
    monkeypatch.setattr(bodies, "LIMIT", 1000)
    head = receiver.head("Content-Type: application/json", "Transfer-Encoding: chunked")
    assert receiver.raw(head + b"0\r\n" + b"X-Y: 7\r\n" * 1000).startswith(b"HTTP/1.1 413")


def test_a_body_that_never_ends(receiver, monkeypatch):
    """Its connection is cut off, with an answer, and the test hears of it."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    with receiver.connect() as connection:
        connection.sendall(receiver.head("Content-Type: application/json", "Content-Length: 9"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert receiver.endpoint.problems == ["1 request refused (408): it did not come to its end"]


def test_a_second_body_that_never_ends(receiver, monkeypatch):
    """Nor has a request more time whose head came with the one before."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    head = receiver.head("Content-Type: application/json", "Content-Length: 2")
    with receiver.connect() as connection:
        connection.sendall(head + b"{}" + head)
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200", b"408"]
    assert receiver.endpoint.problems == ["1 request refused (408): it did not come to its end"]
    assert receiver.endpoint.busy == 0


def test_a_second_head_that_never_ends(receiver, monkeypatch):
    """Of a head that began with the request before, too, the rest has to come."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    head = receiver.head("Content-Type: application/json", "Content-Length: 2")
    with receiver.connect() as connection:
        connection.sendall(head + b"{}" + head[:9])
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"HTTP/1.1 (\d+)", answers) == [b"200"]


def test_a_pause_between_requests(receiver, monkeypatch):
    """A connection on which no request has begun has all the time that there is."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 0)
    head = receiver.head("Content-Type: application/json", "Content-Length: 2")
    with receiver.connect() as connection:
        for _ in range(2):
            connection.sendall(head + b"{}")
            answer = b""
            while not answer.endswith(b"{}"):
                part = connection.recv(65536)
                assert part
                answer += part
            assert answer.startswith(b"HTTP/1.1 200")


def test_headers_that_never_end(receiver, monkeypatch):
    """Their connection is cut off; whom they were for, nobody knows."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    with receiver.connect() as connection:
        connection.sendall(b"POST /")
        assert connection.recv(65536) == b""
    assert receiver.endpoint.problems == []


def test_headers_of_an_export_that_never_end(receiver, monkeypatch):
    """Whom it was for is known by its first line."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    with receiver.connect() as connection:
        connection.sendall(receiver.head("Content-Type: application/json").removesuffix(b"\r\n"))
        assert connection.recv(65536) == b""
    assert receiver.endpoint.problems == ["1 request refused (408): it did not come to its end"]
    assert receiver.endpoint.last_ns is not None


def test_a_connection_that_is_reset_in_its_headers(receiver):
    """So it is here."""
    with receiver.connect() as connection:
        linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)  # its end is a reset
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.sendall(receiver.head("X: y").removesuffix(b"\r\n"))
    while not receiver.endpoint.problems:
        threading.Event().wait(0.001)
    assert receiver.endpoint.problems == [
        "1 request refused (400): the connection ended in the middle of it"
    ]


_HEAD = "its head cannot be read"


@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        ("POST {path} HTTP/1.1\r\nbaggage: " + "a" * 70_000, 431,
         f"{_HEAD}: got more than 65536 bytes when reading header line"),
        ("POST {path} HTTP/1.1" + "\r\na: b" * 101, 431, f"{_HEAD}: got more than 100 headers"),
        ("POST {path}?" + "a" * 70_000 + " HTTP/1.1", 414,
         f"{_HEAD}: its first line has more than 64 KiB"),
        ("POST {path} HTTP/9.9", 505, f"{_HEAD}: its version of HTTP is not known"),
        ("POST {path} a HTTP/1.1", 400, f"{_HEAD}: it is no request"),
        ("POST {path} FTP", 400, f"{_HEAD}: it is no request"),
        ("POST {path}", 400, f"{_HEAD}: it is no request"),
    ],
)  # fmt: skip
def test_a_head_that_cannot_be_read(receiver, sent, status, why):
    """The spans that came with it are lost, and the test hears of it."""
    answer = receiver.raw(sent.format(path=receiver.traces).encode() + b"\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert body.decode() == f"refused: {why}\n"
    assert receiver.endpoint.problems == [f"1 request refused ({status}): {why}"]
    assert (receiver.endpoint.busy, receiver.endpoint.strangers) == (0, 0)


@pytest.mark.parametrize(
    ("line", "strangers"),
    [
        ("POST /nobody/v1/traces HTTP/9.9", 1),
        ("POST /nobody HTTP/9.9", 0),
        ("GET {path} HTTP/9.9", 0),
        ("POST {base}/v1/metrics HTTP/9.9", 0),
        ("\x16\x03\x01", 0),
    ],
)
def test_whose_head_cannot_be_read(receiver, line, strangers):
    """Of what is no export, or nobody's, there is no problem; strangers are counted."""
    line = line.format(path=receiver.traces, base=receiver.url.path)
    receiver.raw(line.encode() + b"\r\n\r\n")
    assert receiver.endpoint.problems == []
    assert receiver.endpoint.strangers == strangers


def test_a_head_after_another_request(receiver):
    """What was said in that one is not taken for its own."""
    headers = ("Content-Type: application/json", "Content-Length: 2", "Origin: http://a")
    answer = receiver.raw(receiver.head(*headers) + b"{}" + b"POST / HTTP/9.9\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"505"]
    assert answer.count(b"Access-Control-Allow-Origin") == 1
    assert receiver.endpoint.problems == []


def test_grpc_to_the_port_of_http(receiver):
    """It is told by its first line, and remarked; whose it is, nobody knows."""
    other = Endpoint(lambda _: None)
    try:
        answer = receiver.raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert answer.startswith(b"HTTP/1.1 505")
        for endpoint in (receiver.endpoint, other):
            assert endpoint.remarks == {
                "an exporter speaks gRPC to the HTTP port: use traces.receiver.grpc.env": 1
            }
            assert endpoint.problems == []
    finally:
        other.close()


def test_one_byte_at_a_time(receiver, monkeypatch):
    """A client that always sends a little has no more time than others."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    with receiver.connect() as connection:
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(b"P")
                threading.Event().wait(0.001)


def test_a_refused_body_that_never_ends(receiver, monkeypatch):
    """What is read for the sender's sake is read no longer than a request."""
    monkeypatch.setattr(bodies, "PATIENCE_NS", 50_000_000)
    with receiver.connect() as connection:
        connection.sendall(b"POST /nobody HTTP/1.1\r\nContent-Length: 9\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 404")


def test_a_refused_body_without_end(receiver, monkeypatch):
    """Nor more of it than a limit."""
    monkeypatch.setattr(http, "_DRAINED", 100)
    with receiver.connect() as connection:
        connection.sendall(b"POST /nobody HTTP/1.1\r\n\r\n")
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(bytes(1000))
                threading.Event().wait(0.001)


@pytest.mark.parametrize(
    ("path", "strangers"), [("/", 0), ("/v1/traces", 1), ("//", 0), ("/0000/v1/traces", 1)]
)
def test_a_wrong_token(receiver, path, strangers):
    """Whoever does not know the token is told nothing, and adds nothing; exports are counted."""
    answer = receiver.request(receiver.export(receiver.span()), JSON, path)
    assert (answer.status, answer.body) == (404, b"no receiver has this address\n")
    assert receiver.entries == receiver.endpoint.problems == []
    assert receiver.endpoint.last_ns is None
    assert receiver.endpoint.strangers == strangers


def test_what_is_no_url(receiver):
    """It is nobody's address."""
    assert receiver.raw(b"POST http://[/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404")


def test_a_wrong_path(receiver):
    """Behind the token it is a mistake that loses spans: the test hears of it."""
    path = f"{receiver.traces}/v1/traces"
    assert receiver.request(b"{}", JSON, path).status == 404
    assert receiver.endpoint.problems == [
        "1 request refused (404): it went to /v1/traces/v1/traces, and traces go to /v1/traces"
    ]


def test_spellings_of_the_path(receiver):
    """A slash at its end, a query, and the whole URL are the same address."""
    url = f"http://{receiver.url.netloc}{receiver.traces}"
    for path in (f"{receiver.traces}/", f"{receiver.traces}?x=1", url):
        assert receiver.request(b"{}", JSON, path).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "BREW"])
def test_a_wrong_method(receiver, method):
    """It says what to do instead."""
    answer = receiver.request(b"", {}, method=method)
    assert (answer.status, answer.headers["Allow"]) == (405, "POST, OPTIONS")
    expected = f"A receiver of OTLP: POST traces to {receiver.endpoint.url}/v1/traces\n"
    assert answer.body.decode() == expected
    assert receiver.entries == receiver.endpoint.problems == []


def test_head(receiver):
    """Its answer has no body."""
    answer = receiver.request(b"", {}, method="HEAD")
    assert (answer.status, answer.body) == (405, b"")


def test_what_is_no_http(receiver, capfd):
    """It is answered as far as it goes, and nothing is written to the output of the tests."""
    assert b"400" in receiver.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n")
    assert receiver.raw(b"") == b""
    assert capfd.readouterr() == ("", "")


def test_a_page_asks_first(receiver):
    """A browser is told that a page of any origin may send here."""
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-custom",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = receiver.request(b"", headers, method="OPTIONS")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers == {
        "Allow": "POST, OPTIONS",
        "Access-Control-Allow-Methods": "POST, OPTIONS",
        "Access-Control-Allow-Headers": "content-type,x-custom",
        "Access-Control-Max-Age": "600",
        "Access-Control-Allow-Private-Network": "true",
        "Access-Control-Allow-Origin": "http://localhost:5173",
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }


def test_a_page_sends(receiver):
    """The answer may be read by the page, whether its spans were accepted or not."""
    for body, status in ((receiver.export(receiver.span()), 200), (b"{", 400)):
        answer = receiver.request(body, JSON | {"Origin": "http://localhost:5173"})
        assert answer.status == status
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"


def test_a_page_without_the_token(receiver):
    """It is told nothing."""
    headers = {"Origin": "http://evil.example"}
    answer = receiver.request(b"", headers, "/v1/traces", "OPTIONS")
    assert answer.status == 404


def test_headers_that_would_be_more_than_one(receiver):
    """What is given back is no way to write other headers."""
    head = f"OPTIONS {receiver.traces} HTTP/1.1\r\n"
    folded = "Origin: a\r\n X-Bad: 1\r\nAccess-Control-Request-Headers: b\r\n X-Worse: 2\r\n\r\n"
    answer = receiver.raw((head + folded).encode())
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"X-" not in answer.replace(b"x-pytest-traces", b"")


def test_100_connections_at_once(receiver):
    """Each is answered, and every span is there."""
    barrier = threading.Barrier(100)
    statuses: list[int] = []

    def send(number: int) -> None:
        barrier.wait()
        statuses.append(receiver.request(receiver.export(receiver.span(number))).status)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 101)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100
    assert sorted(receiver.names) == sorted(f"GET /{number}" for number in range(1, 101))


def test_100_connections_that_say_nothing(receiver):
    """They are in nobody's way, and end with the receiver, which waits for none."""
    silent = [receiver.connect() for _ in range(100)]
    assert receiver.request(receiver.export(receiver.span())).status == 200
    receiver.endpoint.close()
    for connection in silent:
        with contextlib.suppress(ConnectionResetError):  # it was not accepted yet
            assert connection.recv(1) == b""
        connection.close()


def test_an_end_in_the_middle_of_a_request(receiver):
    """The end waits for no body; that it did not come is nobody's problem any more."""
    with receiver.connect() as connection:
        head = receiver.head(
            "Content-Type: application/json", "Content-Length: 9", "Expect: 100-continue"
        )
        connection.sendall(head)
        assert b"100" in connection.recv(65536)  # it is being served
        receiver.endpoint.close()
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert receiver.endpoint.problems == []


def test_a_delivery_that_does_not_end(monkeypatch, own_port):
    """The end of the receiver waits for it, but not for ever."""
    monkeypatch.setattr(server, "_GRACE_NS", 50_000_000)
    began, go_on = threading.Event(), threading.Event()

    def deliver(_: Any) -> None:
        began.set()
        go_on.wait(30)

    before = {*threading.enumerate()}
    endpoint = Endpoint(deliver)
    host, _, path = endpoint.url.removeprefix("http://").partition("/")
    with socket.create_connection(tuple(host.split(":")), timeout=30) as connection:
        body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s"}]}]}]}'
        body %= (b"1" * 32, b"2" * 16)
        connection.sendall(
            f"POST /{path}/v1/traces HTTP/1.0\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert began.wait(30)
        threads = [one for one in {*threading.enumerate()} - before if "receiver" in one.name]
        own_port.release()
        assert not own_port.is_open
        go_on.set()
        for thread in threads:
            thread.join(30)
        assert connection.recv(1) == b""


def test_no_more_threads(receiver, monkeypatch):
    """A connection that gets no thread is closed; the next one may get one."""
    begin = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        monkeypatch.setattr(threading.Thread, "start", begin)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    assert receiver.raw(b"") == b""
    assert receiver.request(receiver.export(receiver.span())).status == 200


def test_a_connection_that_is_gone_before_it_is_accepted(receiver, own_port):
    """There is nothing to accept, and nobody waits for the next one."""
    del receiver
    listener = own_port._listener
    accepting = threading.Thread(target=listener.handle_request, daemon=True)
    accepting.start()
    accepting.join(30)
    assert not accepting.is_alive()


def test_connections_that_do_not_wait(receiver, monkeypatch):
    """Where they are accepted like that, as on BSD and macOS, they are made to wait."""
    accept, process = socket.socket.accept, server.Listener.process_request
    timeouts = []

    def accept_as_bsd(listening: socket.socket) -> Any:
        connection, address = accept(listening)
        connection.setblocking(False)
        return connection, address

    def process_request(self: Any, request: Any, address: Any) -> None:
        timeouts.append(request.gettimeout())
        process(self, request, address)

    monkeypatch.setattr(socket.socket, "accept", accept_as_bsd)
    monkeypatch.setattr(server.Listener, "process_request", process_request)
    assert receiver.request(receiver.export(receiver.span())).status == 200
    assert timeouts == [None]


def test_half_a_character(receiver):
    """JSON can have what no text can; the rest of the span comes through."""
    names = ['{"name": "\\ud83d"}', '{"name": "\\ud83d\\ude00 caf\\u00e9"}']
    for number, name in enumerate(names, 1):
        given = receiver.export(receiver.span(number, name="?"))
        body = given.replace(b'"name": "?"', name[1:-1].encode())
        assert receiver.request(body).status == 200
    assert receiver.names == ["?", "\U0001f600 caf\u00e9"]


def test_a_delivery_that_fails():
    """The receiver survives it, the client hears of it, and so does the test."""

    def deliver(_: Any) -> None:
        raise KeyError("journal")

    endpoint = Endpoint(deliver)
    try:
        host, _, path = endpoint.url.removeprefix("http://").partition("/")
        body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s"}]}]}]}'
        body %= (b"1" * 32, b"2" * 16)
        with socket.create_connection(tuple(host.split(":")), timeout=30) as connection:
            connection.sendall(
                f"POST /{path}/v1/traces HTTP/1.0\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 500")
        why = "the receiver failed: KeyError: 'journal'"
        assert endpoint.problems == [f"1 request refused (500): {why}"]
    finally:
        endpoint.close()
