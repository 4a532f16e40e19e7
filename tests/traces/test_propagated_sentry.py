"""Headers of Sentry: they name its client spans; why they are missing, or wrong."""

import http.client
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
import respx

from pytest_traces import record
from pytest_traces.sources.advice import Sending, advice_on

sentry_sdk = pytest.importorskip("sentry_sdk")


@pytest.fixture
def init() -> Iterator[Callable[..., None]]:
    """Calls ``init`` without a DSN, with the integrations of two clients."""
    from sentry_sdk import scope
    from sentry_sdk.integrations.httpx import HttpxIntegration
    from sentry_sdk.integrations.stdlib import StdlibIntegration

    before = sentry_sdk.get_global_scope().client
    variables = (scope._current_scope, scope._isolation_scope)
    tokens = [variable.set(None) for variable in variables]

    clients = []

    def init(**options: Any) -> None:
        sentry_sdk.init(
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[HttpxIntegration(), StdlibIntegration()],
            **{"traces_sample_rate": 1.0, **options},
        )
        clients.append(sentry_sdk.get_client())

    yield init
    for client in clients:
        batcher = getattr(client, "span_batcher", None)
        thread = getattr(batcher, "_flusher", None)
        client.close(timeout=0)
        if thread is not None:
            batcher.kill()
            thread.join(15)
    sentry_sdk.get_global_scope().set_client(before)
    for variable, token in zip(variables, tokens, strict=True):
        variable.reset(token)


@pytest.fixture
def sentry(init: Callable[..., None]) -> None:
    """Sentry, allowed to add its headers for one host only."""
    init(trace_propagation_targets=["//inventory", r"\.test$"])


@pytest.fixture
def place() -> Iterator[str]:
    """Where a server listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep silent."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


STREAM = {"_experiments": {"trace_lifecycle": "stream"}}
CAN_STREAM = hasattr(getattr(sentry_sdk, "traces", None), "start_span")
LIVES = [
    {},
    pytest.param(STREAM, marks=pytest.mark.skipif(not CAN_STREAM, reason="not in this version")),
]


def block(name: str, options: dict[str, Any]) -> Any:
    """A span at the top, of the life that is set."""
    if options is STREAM:
        return sentry_sdk.traces.start_span(name=name)
    return sentry_sdk.start_transaction(name=name)


@pytest.mark.parametrize("options", LIVES, ids=["static", "streamed"])
@pytest.mark.parametrize("rate", [1.0, 0])
@pytest.mark.parametrize("run", [1, 2])
def test_each_client_span_is_named(
    init: Callable[..., None], place: str, options: dict[str, Any], rate: float, run: int
):
    """By the header of its own request, whichever client sent it, sampled or not."""
    if not rate and options is STREAM and not hasattr(sentry_sdk.traces, "get_current_span"):
        pytest.skip("before that it sent none")
    init(**options, traces_sample_rate=rate)
    with respx.mock as mock, record(sources=["sentry"]) as act, block("checkout", options):
        mock.get("http://inventory/stock").respond()
        httpx.get("http://inventory/stock")
        connection = http.client.HTTPConnection(place)
        connection.request("GET", "/orders")
        connection.getresponse().read()
        connection.close()

    act.assert_propagated(format="sentry")
    assert not act.messages
    if rate:
        assert [request.span.kind for request in act.requests] == ["client", "client"]
        parents = [request.headers["sentry-trace"].split("-")[1] for request in act.requests]
        assert parents == [span.span_id for span in act.find(kind="client")]


def test_a_header_that_was_replaced(init: Callable[..., None], monkeypatch: pytest.MonkeyPatch):
    """A gateway of the application does so; the failure names request, header and span."""
    init()

    def replace(client: Any, request: httpx.Request, send: Any = httpx.Client._send_single_request):
        request.headers["sentry-trace"] = f"{'a' * 32}-{'b' * 16}-1"
        return send(client, request)

    monkeypatch.setattr(httpx.Client, "_send_single_request", replace)
    with respx.mock as mock, record(sources=["sentry"]) as act:
        mock.get("http://inventory/stock").respond()
        with sentry_sdk.start_transaction(name="checkout"):
            httpx.get("http://inventory/stock")

    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(format="sentry")

    text = str(raised.value)
    assert "GET http://inventory/stock" in text
    assert f"sentry-trace: {'a' * 32}-{'b' * 16}-1" in text
    assert "'checkout > GET http://inventory/stock'" in text


def test_the_option_is_named(sentry: None):
    """With what it allows, and the URL that it leaves out."""
    with respx.mock as mock, record() as act, act.start_span("checkout"):
        mock.get("http://payments/charge").respond()
        httpx.get("http://payments/charge")

    with pytest.raises(AssertionError) as raised:
        act.assert_propagated(format="sentry")

    assert str(raised.value).endswith(
        "  cause: Sentry's trace_propagation_targets ('//inventory', '\\\\.test$') leave "
        "http://payments/charge\n"
        "         out\n"
        "\n"
        "  hint:  sentry_sdk.init(..., trace_propagation_targets=[...]) with a text that is in that "
        "URL"
    )


def test_a_host_that_is_allowed_is_not_blamed(sentry: None):
    """Sentry adds its header there, which this recording can read."""
    with respx.mock as mock, record() as act, act.start_span("checkout"):
        mock.get("http://inventory/stock").respond()
        with sentry_sdk.start_transaction(name="checkout"):
            httpx.get("http://inventory/stock")

    (request,) = act.requests
    assert "sentry-trace" in request.headers


def test_an_option_that_is_no_expression(init: Callable[..., None]):
    """It matches nothing, and does not get in the way of the failure."""
    init(trace_propagation_targets=["*.example"])
    advice = advice_on(Sending("httpx", "http://payments", None, False, "handwritten", "sentry"))

    assert advice is not None
    assert advice.cause == (
        "Sentry's trace_propagation_targets ('*.example') leave http://payments out"
    )


def test_targets_that_are_not_set(init: Callable[..., None]):
    """All are allowed, so nothing is blamed; nor is it where init() was never called."""
    sending = Sending("httpx", "http://payments", None, False, "handwritten", "sentry")
    assert advice_on(sending) is None
    init()
    assert advice_on(sending) is None
    init(trace_propagation_targets=[])
    advice = advice_on(sending)
    assert advice is not None
    assert "(empty)" in advice.cause
