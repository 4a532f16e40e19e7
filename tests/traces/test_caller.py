"""The test as an upstream: only its headers link, and somebody must read them."""

import functools
import threading
from typing import Any

import pytest

from pytest_traces import Caller, Traces
from pytest_traces import record as record_all
from pytest_traces.propagation import FORMATS, extract, extract_baggage

pytest.importorskip("opentelemetry.sdk.trace")
pytest.importorskip("fastapi")
pytest.importorskip("opentelemetry.instrumentation.fastapi")

from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import baggage, trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.propagate import extract as otel_extract
from opentelemetry.sdk.trace import TracerProvider
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

PROVIDER = TracerProvider()

#: Without the spans of single ASGI messages, which older instrumentations always make.
record = functools.partial(record_all, ignore=["asgi"])


def create_app() -> FastAPI:
    app = FastAPI()

    @app.get("/tenant")
    def tenant() -> dict[str, Any]:
        return {"tenant": baggage.get_baggage("tenant")}

    FastAPIInstrumentor.instrument_app(app, tracer_provider=PROVIDER)
    return app


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app())


def test_only_the_headers_link(client: TestClient):
    """What the application records is below the caller's span, whose service is its own."""
    with record() as act:
        with act.caller("click", baggage={"tenant": "acme"}, service="browser") as caller:
            answer = client.get("/tenant", headers=caller.headers)

    assert answer.json() == {"tenant": "acme"}
    act.assert_tree("""
        click
        └─ GET /tenant
    """)
    click = act.get("click")
    assert (click.kind, click.service, click.source, click.sampled) == (
        "client", "browser", "test", True,
    )  # fmt: skip
    assert (caller.trace_id, caller.span_id) == (click.trace_id, click.span_id)
    assert act.get("GET /tenant").remote_parent


def test_it_is_never_the_current_span(client: TestClient):
    """Neither for OpenTelemetry, nor for spans made by hand: without headers nothing links."""
    with record(timeout="0s") as act:
        with pytest.raises(AssertionError), act.caller("click"):
            client.get("/tenant")
            with act.start_span("by hand"):
                pass

    assert [root.name for root in act.roots] == ["click", "GET /tenant", "by hand"]


def test_headers_that_nobody_received(client: TestClient):
    """The block fails at its end; nothing carried them."""
    with record(timeout="0s") as act:
        with pytest.raises(AssertionError) as raised, act.caller("click"):
            client.get("/tenant")

    lines = str(raised.value).splitlines()
    assert lines[0] == "nobody received the headers of the caller 'click'"
    assert [line.split()[0] for line in lines[2:4]] == ["click", "GET"]
    assert lines[5] == "  cause: no request carried them"
    assert lines[-1] == "  hint:  pass them on: client.get(..., headers=caller.headers)"


def test_headers_that_nobody_read():
    """They were sent, but the application is not instrumented."""
    app = Starlette(routes=[Route("/tenant", lambda request: Response())])
    client = TestClient(app)
    with record(timeout="0s") as act:
        with pytest.raises(AssertionError) as raised, act.caller("click") as caller:
            client.get("/tenant", headers=caller.headers)

    assert (
        "  cause: they went with GET http://testserver/tenant, but no span continues their "
        "context: the\n"
        "         application did not read them, or was not instrumented\n"
    ) in str(raised.value)


def test_an_error_in_the_block_is_not_covered_up(client: TestClient):
    """The test's own error comes out, and the caller's span has it."""
    with record() as act:
        with pytest.raises(ZeroDivisionError), act.caller("click"):
            raise ZeroDivisionError

    assert act.get("click").status == "error"


def test_unsampled(client: TestClient):
    """The bit is in the header, and the application's spans follow it."""
    with record() as act:
        with act.caller("click", sampled=False) as caller:
            client.get("/tenant", headers=caller.headers)

    assert caller.headers["traceparent"].endswith("-00")
    assert [span.sampled for span in act.spans] == [False, False]


def test_a_span_that_comes_late_is_waited_for():
    """From another thread; up to the time limit."""
    tracer = PROVIDER.get_tracer("worker")

    def work(headers: dict[str, str]) -> None:
        go.wait(5)
        with tracer.start_as_current_span("work", context=otel_extract(headers)):
            pass

    go = threading.Event()
    with record(timeout="10s") as act:
        with act.caller("click") as caller:
            worker = threading.Thread(target=work, args=(caller.headers,))
            worker.start()
            threading.Timer(0.1, go.set).start()
        act.assert_path("click", "work")
        worker.join()


def test_a_link_is_as_good_as_a_child():
    """Consumers of batches link to who sent the messages."""
    tracer = PROVIDER.get_tracer("worker")
    with record(timeout="0s") as act, act.caller("publish") as caller:
        context = trace.get_current_span(otel_extract(caller.headers)).get_span_context()
        with tracer.start_as_current_span("process", links=[trace.Link(context)]):
            pass


def test_an_assertion_inside_of_the_block_does_not_wait_for_its_end(client: TestClient):
    """The caller is around the assertion, as an enclosing block is."""
    with record(timeout="60s") as act, act.caller("click") as caller:
        client.get("/tenant", headers=caller.headers)
        act.assert_none("GET /other")


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(name: str):
    """Asked for at the beginning, or of the caller; each names the caller's span."""
    with record(timeout="0s") as act, pytest.raises(AssertionError):
        with act.caller("click", format=name, baggage={"tenant": "acme"}) as caller:
            kept = caller
    assert isinstance(kept, Caller)

    for headers in (kept.headers, kept.headers_in(name)):
        context = extract(headers, name)
        assert context is not None
        assert context.span_id == kept.span_id
        assert kept.trace_id.endswith(context.trace_id.lstrip("0"))
    assert extract_baggage(kept.headers) == {"tenant": "acme"}
    assert repr(kept) == "<Caller 'click'>"


def test_several_formats_at_once(client: TestClient):
    """As applications send while they move from one to the other."""
    with record() as act, act.caller("click", format=["b3", "tracecontext"]) as caller:
        client.get("/tenant", headers=caller.headers)

    assert set(caller.headers) == {"b3", "traceparent"}


def test_the_format_of_the_settings():
    """An application that pins its own need not repeat it."""
    with record(timeout="0s", format="b3multi") as act, pytest.raises(AssertionError):
        with act.caller("click") as caller:
            assert "x-b3-traceid" in {name.lower() for name in caller.headers}


def test_tracestate_goes_along(client: TestClient):
    """The newest member first."""
    with record() as act, act.caller("click", tracestate={"rojo": "1", "congo": "2"}) as caller:
        client.get("/tenant", headers=caller.headers)

    assert caller.headers["tracestate"] == "rojo=1,congo=2"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"name": ""}, "name: '' is not usable; a name is a text that is not empty"),
        ({"name": "a", "sampled": 1}, "sampled: 1 is not usable; it is True or False"),
        ({"name": "a", "format": []}, "format: [] is not usable; name at least one"),
        ({"name": "a", "service": 5}, "service: 5 is not usable; the name of a service is a text"),
        ({"name": "a", "format": "b4"}, "format: 'b4' is not usable; did you mean 'b3'?"),
        ({"name": "a", "format": ["b3", 3]}, "format: 3 is not usable"),
        ({"name": "a", "baggage": "a=b"}, "baggage: 'a=b' is not usable; it is a mapping"),
        ({"name": "a", "baggage": {"a b": "c"}}, "baggage: 'a b' is not usable; a key is a token"),
        ({"name": "a", "tracestate": {"A": "c"}}, "tracestate: ('A', 'c') is not usable"),
        (
            {"name": "a", "tracestate": {"a": "c"}, "format": "b3"},
            "tracestate: {'a': 'c'} is not usable; only the format tracecontext has one",
        ),
    ],
)
def test_what_can_be_no_caller(arguments: dict[str, Any], told: str):
    """Refused before anything is recorded."""
    with record() as act:
        with pytest.raises(ValueError) as raised:  # noqa: PT011  # its text is compared
            act.caller(**arguments)

    assert str(raised.value).startswith(told)
    assert not act.spans


def test_not_after_the_recording():
    """There would be nobody to record it."""
    with record() as act:
        pass
    with pytest.raises(RuntimeError, match="caller: the recording is over"):
        act.caller("click")


async def _calls(act: Traces) -> None:
    with act.caller("click") as caller:
        assert caller.headers


def test_in_an_event_loop_nothing_blocks():
    """The block fails at once: its thread is the one that would have to go on."""
    import asyncio

    with record(timeout="60s") as act, pytest.raises(AssertionError, match="nobody received"):
        asyncio.run(_calls(act))


def test_headers_that_an_instrumentation_replaced():
    """They were given to the client; what left is its own span's context."""
    httpx = pytest.importorskip("httpx")
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.httpx")
    client = httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    instrumentation.HTTPXClientInstrumentor.instrument_client(client, tracer_provider=PROVIDER)
    with record(timeout="0s") as act, client:
        with pytest.raises(AssertionError) as raised, act.caller("click") as caller:
            client.get("http://shop/tenant", headers=caller.headers)

    assert (
        "  cause: they were given to GET http://shop/tenant, but the instrumentation of httpx "
        "replaced them:\n"
        "         it injects the current span\n"
    ) in str(raised.value)
    assert str(raised.value).endswith("  hint:  send them with a client that is not instrumented")


def test_a_span_of_the_test_around_the_call(client: TestClient):
    """An application in this process goes on with it, and does not look at the headers."""
    tracer = PROVIDER.get_tracer("test")
    with record(timeout="0s") as act, tracer.start_as_current_span("arrange"):
        with pytest.raises(AssertionError) as raised, act.caller("click") as caller:
            client.get("/tenant", headers=caller.headers)

    told = " ".join(str(raised.value).split())
    assert (
        "cause: they went with GET http://testserver/tenant, but 'arrange' was current there, and an "
        "application that is called in the same process continues what is current"
    ) in told
    assert told.endswith("hint: end 'arrange' before the application is called")


def test_headers_whose_names_have_capitals(client: TestClient):
    """They are found whatever the client makes of their case."""
    with record(timeout="0s") as act:
        with pytest.raises(AssertionError) as raised, act.caller("click", format="xray") as caller:
            client.get("/tenant", headers=caller.headers)

    assert "cause: they went with GET http://testserver/tenant" in str(raised.value)


def test_a_caller_that_is_no_block():
    """It has no headers, and the end of the recording tells of it."""
    with pytest.raises(AssertionError) as raised, record() as act:
        caller: Any = act.caller("click")
        with pytest.raises(AttributeError) as refused:
            caller.headers  # noqa: B018  # what is asked for is the test

    assert str(refused.value) == "headers: use it as a block: with traces.caller('click') as caller"
    assert str(raised.value) == "traces.caller('click') was never used: with ... as caller"


def test_a_block_that_is_entered_too_late():
    """Its span would be in no recording."""
    with pytest.raises(AssertionError), record() as act:
        block = act.caller("click")
    with pytest.raises(RuntimeError, match="caller: the recording is over"), block:
        pass


def test_a_format_of_64_bits():
    """The trace id is one that its receivers can have, so that one tree comes out."""
    with record(timeout="0s") as act, pytest.raises(AssertionError):
        with act.caller("click", format="ottrace") as caller:
            assert caller.trace_id.startswith("0" * 16)
