"""Endpoints: whose an address is, how long it is, and what others are told of it."""

from __future__ import annotations

import gc
import os
import threading
import warnings

import pytest

from pytest_traces.settings import BadValue
from pytest_traces.sources.otlp.endpoint import Endpoint
from pytest_traces.sources.otlp.environment import variables_for

URL = "http://127.0.0.1:1/abc"


def test_variables():
    """Everything that an SDK needs to send all its spans here, and nothing else anywhere."""
    assert variables_for(URL, "abc", "http/protobuf", {}) == {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": URL,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-pytest-traces=abc",
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": "262144",
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_SDK_DISABLED": "false",
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.mark.parametrize(
    ("protocol", "endpoint"), [("http/json", f"{URL}/v1/traces"), ("grpc", URL)]
)
def test_variables_that_would_be_heeded_instead(protocol, endpoint):
    """They are overruled by their own names, where the environment has them."""
    environment = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector.example",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "key=secret",
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "false",
        "no_proxy": "",
    }
    found = variables_for(URL, "abc", protocol, environment)
    assert {name: found[name] for name in environment} == {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "x-pytest-traces=abc",
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
        "no_proxy": "127.0.0.1,localhost",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("example.com", "example.com,127.0.0.1,localhost"),
        ("localhost, example.com,", "localhost,example.com,127.0.0.1"),
        ("*", "*"),
    ],
)
def test_proxies(given, expected):
    """Who is reached without a proxy already is so still."""
    assert variables_for(URL, "abc", "grpc", {"NO_PROXY": given})["NO_PROXY"] == expected


def test_an_unknown_protocol(receiver):
    """It is refused with those that there are."""
    with pytest.raises(BadValue) as caught:
        receiver.endpoint.variables("http")
    assert str(caught.value) == (
        "variables(protocol=): 'http' is not usable; allowed: http/protobuf, http/json, grpc"
    )


def test_a_whole_environment(receiver, monkeypatch):
    """It is that of this process with the variables, and without files that would overrule them."""
    monkeypatch.setenv("OTEL_SERVICE_NAME", "cart")
    monkeypatch.setenv("OTEL_CONFIG_FILE", "otel.yaml")
    variables = receiver.endpoint.variables("http/json")
    expected = {**os.environ, **variables}
    del expected["OTEL_CONFIG_FILE"]
    assert receiver.endpoint.env("http/json") == expected
    assert expected["OTEL_SERVICE_NAME"] == "cart"


def test_two_endpoints(receiver):
    """They share a port, and each gets its own."""
    other: list[object] = []
    endpoint = Endpoint(other.extend)
    try:
        assert endpoint.url.startswith(f"http://{receiver.url.netloc}/")
        assert endpoint.token != receiver.endpoint.token
        receiver.request(receiver.export(receiver.span()))
        assert (len(receiver.entries), other) == (1, [])
    finally:
        endpoint.close()
    assert receiver.request(receiver.export(receiver.span())).status == 200


def test_whoever_is_late(receiver):
    """While the port is open they are answered; what they send is dropped and counted."""
    late: list[object] = []
    endpoint = Endpoint(late.extend)
    endpoint.close()
    endpoint.close()
    path = f"/{endpoint.token}/v1/traces"
    answer = receiver.request(receiver.export(receiver.span()), path=path)
    assert (answer.status, answer.body) == (200, b"{}")
    assert (late, endpoint.late, endpoint.accepted) == ([], 1, 0)


def test_whoever_is_too_late_by_a_moment(receiver):
    """Nothing is delivered after the end, not even what was read before it."""
    late: list[object] = []
    endpoint = Endpoint(late.extend)
    endpoint.close()
    endpoint.accept([("otlp", 1, b"", True, 0)])
    assert (late, endpoint.late) == ([], 1)


def test_a_request_in_progress():
    """It is counted until its spans are delivered; then it is noted when that was."""
    seen = []
    endpoint = Endpoint(lambda _: seen.append((endpoint.busy, endpoint.last_ns)))
    try:
        with endpoint.request():
            endpoint.accept([("otlp", 1, b"", True, 0)])
        assert seen == [(1, None)]
        assert endpoint.busy == 0
        assert endpoint.last_ns is not None
    finally:
        endpoint.close()


def test_problems_of_one_kind(receiver):
    """They are one sentence, with their number; there are only so many kinds."""
    endpoint = receiver.endpoint
    for number in range(30):
        endpoint.refuse("evil\n\x1b[31m", 400, f"reason {number}" + "x" * 1000)
    endpoint.refuse(None, 413, "its body has more than 32 MiB")
    problems = endpoint.problems
    assert len(problems) == 21
    assert all(len(problem) < 320 for problem in problems)
    assert problems[0].startswith("1 request of evil??[31m refused (400): reason 0xxx")
    assert problems[-1] == "11 requests refused for other reasons"


def test_the_last_endpoint_closes_the_port(own_port):
    """Also with connections that are kept; nothing is left to be collected."""
    before = {*threading.enumerate()}
    assert not own_port.is_open
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            endpoints = [Endpoint(lambda _: None) for _ in range(2)]
            endpoints[0].close()
            assert own_port.is_open
            endpoints[1].close()
            assert not own_port.is_open
        gc.collect()
    assert not [one for one in {*threading.enumerate()} - before if "receiver" in one.name]


def test_only_on_loopback(receiver, own_port):
    """No other machine can reach it."""
    assert own_port._listener is not None
    assert own_port._listener.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_forked_child(receiver, own_port):
    """It knows the address, serves nothing, and ends nothing of its parent's."""
    kept = receiver.connect()
    assert receiver.request(b"{}").status == 200  # so that the other is accepted, too
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            endpoint = receiver.endpoint
            told = f"{endpoint.url == f'http://{receiver.url.netloc}{receiver.url.path}'}"
            told += f" {receiver.request(receiver.export(receiver.span())).status}"
            endpoint.close()
            told += (
                f" {own_port.is_open} {receiver.request(receiver.export(receiver.span())).status}"
            )
            own = Endpoint(lambda _: None)
            told += f" {own.url.startswith(f'http://{receiver.url.netloc}/')} {own_port.is_open}"
            own.close()
            os.write(write, told.encode())
        finally:
            os._exit(0)
    os.close(write)
    told = os.read(read, 1000).decode()
    os.waitpid(child, 0)
    os.close(read)
    assert told == "True 200 False 200 False True"
    assert len(receiver.entries) == 2
    body = receiver.export(receiver.span())
    head = receiver.head("Content-Type: application/json", f"Content-Length: {len(body)}")
    kept.sendall(head + body)
    assert kept.recv(65536).startswith(b"HTTP/1.1 200")
    kept.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_port_with_a_forked_child(receiver):
    """It closes, though a child of that time lives on."""
    (read, write), (began, begin) = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        os.close(write)
        os.write(begin, b"x")
        os.read(read, 1)  # until the parent ends it
        os._exit(0)
    os.read(began, 1)
    receiver.endpoint.close()
    try:
        with pytest.raises(ConnectionError):
            receiver.connect()
    finally:
        os.close(write)
        os.waitpid(child, 0)
        for end in (read, began, begin):
            os.close(end)
