"""The server span: whose child it is, and what it says."""

from __future__ import annotations

import httpx
import pytest
import respx

from pytest_traces.propagation import FORMATS, SpanContext, inject


def test_it_is_a_server_span_of_the_service(act, play):
    """With OpenTelemetry's attributes for HTTP servers."""
    play("https://gateway:8443/payments", name="billing").post("/charge").respond(201)
    httpx.post("https://gateway:8443/payments/charge?order=7%208")

    span = act.get("POST /charge")
    assert (span.kind, span.status, span.service) == ("server", "unset", "billing")
    assert (span.source, span.scope) == ("test", "pytest-traces")
    assert span.resource == {"service.name": "billing"}
    assert span.attributes == {
        "http.request.method": "POST",
        "url.scheme": "https",
        "url.path": "/payments/charge",
        "url.query": "order=7%208",
        "server.address": "gateway",
        "server.port": 8443,
        "http.route": "/payments/charge",
        "http.response.status_code": 201,
    }
    assert span.end_ns is not None
    assert span.end_ns >= span.start_ns


def test_the_header_makes_it_a_child(act, play, traceparent):
    """Of the span that it names, which is remote."""
    play().post("/charge")
    httpx.post("http://payments/charge", headers={"traceparent": traceparent.text})

    span = act.get("POST /charge")
    assert (span.trace_id, span.parent_id) == (traceparent.trace_id, traceparent.span_id)
    assert span.remote_parent
    assert span.sampled


@pytest.mark.parametrize(
    "value", [None, "", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "00-1-2-01"]
)
def test_without_a_valid_header_it_is_a_root(act, play, value):
    """Of a trace of its own, as with a real receiver."""
    play().post("/charge")
    headers = {} if value is None else {"traceparent": value}
    for _ in range(2):
        httpx.post("http://payments/charge", headers=headers)

    first, second = act.find("POST /charge")
    assert (first.parent_id, first.remote_parent, first.sampled) == (None, False, True)
    assert first.trace_id != second.trace_id


def test_the_header_twice_is_no_valid_header(act, play, traceparent):
    """Nobody could say which of them holds."""
    play().post("/charge")
    pair = ("traceparent", traceparent.text)
    httpx.post("http://payments/charge", headers=[pair, pair])
    assert act.get("POST /charge").parent_id is None


@pytest.mark.parametrize(
    ("flags", "sampled"), [("00", False), ("01", True), ("02", False), ("03", True)]
)
def test_it_is_sampled_if_the_bit_is_set(act, play, traceparent, flags, sampled):
    """A bit; others may stand beside it."""
    play().get("/x")
    httpx.get("http://payments/x", headers={"traceparent": f"{traceparent.text[:-2]}{flags}"})
    assert act.get("GET /x").sampled is sampled


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read(act, play, traceparent, name):
    """Whichever is there."""
    play().get("/x")
    context = SpanContext(traceparent.trace_id, traceparent.span_id, sampled=True)
    headers = inject(context, name)
    httpx.get("http://payments/x", headers=headers)

    span = act.get("GET /x")
    assert span.trace_id[16:] == traceparent.trace_id[16:]  # some have but the lower half
    assert span.parent_id == traceparent.span_id


def test_of_several_formats_the_first_valid_one_is_read(act, play, traceparent):
    """W3C Trace Context before all others; a broken one is as if it were not there."""
    payments = play()
    payments.get("/x")
    other = inject(SpanContext("ab" * 16, "cd" * 8, sampled=True), "b3")
    httpx.get("http://payments/x", headers={**other, "traceparent": traceparent.text})
    httpx.get("http://payments/x", headers={**other, "traceparent": "00-7"})

    assert [span.parent_id for span in act.spans] == [traceparent.span_id, "cd" * 8]
    assert payments.requests[1].invalid.format == "tracecontext"
    assert payments.requests[1].context.format == "b3"


def test_a_pinned_format_is_the_only_one(act, play, traceparent):
    """A service that knows B3 does not see ``traceparent``."""
    play(format="b3").get("/x")
    httpx.get("http://payments/x", headers={"traceparent": traceparent.text})
    assert act.get("GET /x").parent_id is None


def test_a_trace_without_a_span_is_continued_at_its_root(act, play, traceparent):
    """X-Ray's header may name the trace alone."""
    play().get("/x")
    context = SpanContext(traceparent.trace_id, None, sampled=False)
    httpx.get("http://payments/x", headers=inject(context, "xray"))
    span = act.get("GET /x")
    assert (span.trace_id, span.parent_id) == (traceparent.trace_id, None)
    assert (span.remote_parent, span.sampled) == (False, False)


@pytest.mark.parametrize(
    ("status", "outcome"), [(200, "unset"), (404, "unset"), (500, "error"), (503, "error")]
)
def test_errors_of_the_server_are_errors(act, play, status, outcome):
    """Those of the client are none of its own."""
    play().get("/x").respond(status)
    assert httpx.get("http://payments/x").status_code == status

    span = act.get("GET /x")
    assert span.status == outcome
    assert span.attributes["http.response.status_code"] == status
    assert span.attributes.get("error.type") == (str(status) if outcome == "error" else None)
    assert span.events == ()


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asynchronous"])
@pytest.mark.parametrize("kind", [ValueError, httpx.ReadTimeout])
def test_a_handler_that_raises_is_an_error(act, play, in_async_client, kind, is_async):
    """The exception is an event; and it reaches the caller, as in respx."""
    play().get("/x").mock(side_effect=kind("the bank does not answer"))

    async def call(client):
        await client.get("http://payments/x")

    with pytest.raises(kind, match="the bank does not answer"):
        in_async_client(call) if is_async else httpx.get("http://payments/x")

    span = act.get("GET /x")
    name = "ValueError" if kind is ValueError else "httpx.ReadTimeout"
    assert span.status == "error"
    assert span.status_description == f"{kind.__name__}: the bank does not answer"
    assert span.attributes["error.type"] == name
    assert "http.response.status_code" not in span.attributes
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes == {
        "exception.type": name,
        "exception.message": "the bank does not answer",
    }


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
)
def test_a_request_that_never_arrived_has_no_span(act, play, error):
    """The route was called all the same."""
    charge = play().post("/charge").mock(side_effect=error)
    with pytest.raises(error):
        httpx.post("http://payments/charge")
    assert charge.called
    assert not act.spans


def test_it_is_open_while_the_handler_works(act, play):
    """So that whoever waits for quiet waits for it."""

    def handler(request: httpx.Request) -> httpx.Response:
        (span,) = act.spans
        assert span.name == "GET /x"
        assert span.end_ns is None
        return httpx.Response(200)

    play().get("/x").mock(side_effect=handler)
    httpx.get("http://payments/x")
    assert not act.unfinished


@pytest.mark.parametrize(
    ("declare", "name", "route"),
    [
        (lambda router: router.get(), "GET", None),
        (lambda router: router.route(), "GET", None),
        (lambda router: router.get("/"), "GET /", "/"),
        (lambda router: router.route(path="/a/b"), "GET /a/b", "/a/b"),
        (lambda router: router.get(path__startswith="/a/"), "GET /a/*", "/a/*"),
        (lambda router: router.get(path__in=["/a/b", "/a/c", "/"]), None, None),
        (
            lambda router: router.get(path__regex=r"^/(?P<first>[^/(]*)/?(?P<rest>(a|b)?)$"),
            "GET /{first}/?{rest}",
            None,
        ),
        (lambda router: router.get(url__regex=r"^http://payments/.*\.?$"), r"GET /.*\.?", None),
        (lambda router: router.get(url__startswith="http://payments/"), "GET /*", None),
        (lambda router: router.get(params={"x": "1"}), "GET", None),
        (lambda router: router.get(path__regex=r"^/(?P<id>\w*)\.?$"), r"GET /{id}\.?", None),
        (lambda router: router.get(path__regex=r"^\/(?P<id>\w*)$"), "GET /{id}", "/{id}"),
        (lambda router: router.route(method__in=["GET", "POST"], path__regex="/"), "GET /", "/"),
    ],
)
def test_it_is_named_by_the_route(act, play, declare, name, route):
    """Few names, however many requests."""
    router = play()
    assert isinstance(declare(router), respx.Route)
    path = "/a/b" if name is None or "/a/" in name else "/"
    httpx.get(f"http://payments{path}?x=1")

    (span,) = act.spans
    assert span.name == (name or f"GET {path}")
    if route is not None:
        assert span.attributes["http.route"] == route
