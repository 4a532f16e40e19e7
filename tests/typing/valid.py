"""Uses that every type checker accepts. Read by mypy and pyright; nothing here runs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from pytest_traces import (
    BadValue,
    Caller,
    CannotCount,
    CriticalPath,
    DurationExceeded,
    ErrorEvent,
    Glob,
    Group,
    Message,
    OutlineError,
    Parallelism,
    Pattern,
    PatternError,
    Request,
    Segment,
    SentHeaders,
    Span,
    StandIn,
    Trace,
    Traces,
    UnreadableSpan,
    UnreadableTrace,
    View,
    concurrent,
    glob,
    in_order,
    record,
    sequential,
    span,
)
from pytest_traces.propagation import (
    Baggage,
    SpanContext,
    extract,
    extract_baggage,
    inject,
    inject_baggage,
)


def patterns() -> list[Pattern]:
    """Patterns of every shape."""
    by_glob: Glob = glob("SELECT *")
    group: Group = in_order(span("reserve"), "charge")
    leaf: Pattern = span(
        by_glob,
        kind="client",
        status="ok",
        status_description=re.compile("f.*"),
        attributes={"db.system": "postgresql", "rows": 3},
        events=["retry", {"name": "exception"}],
        links=[{"span_id": "ab"}],
        exception=ValueError,
        service="shop",
        scope="app",
        source="opentelemetry",
        under="50ms",
    )
    return [
        leaf,
        span("POST /checkout", leaf * 2, 3 * leaf, ..., "name", group, kind="server"),
        span(re.compile("GET .*"), sequential("a", "b"), concurrent("c", span("d"))),
        leaf.times(1, 4).optional,
        leaf.times(2, None),
        span("slow", under=timedelta(seconds=1), exception="app.SoldOut", unfinished=True),
    ]


def looking(traces: Traces) -> list[object]:
    """Everything that can be looked at."""
    spans: tuple[Span, ...] = (*traces.spans, *traces.roots, *traces.unfinished)
    one: Span = traces.get("POST", kind="client", inside=glob("POST *"))
    found: list[Span] = traces.find(service="shop", attributes={"rows": 3})
    per_trace: Iterator[Trace] = iter(traces)
    text: str = str(traces) + traces.outline() + one.path + one.name
    duration: timedelta | None = one.duration
    parent: Span | None = one.parent
    children: list[Span] = one.children
    kind: str = one.kind
    seen: list[object] = [spans, found, list(per_trace), text, duration, parent, children, kind]
    for trace in traces:
        seen += [trace.trace_id, trace.roots, trace.spans]
    return seen


def asserting(traces: Traces) -> None:
    """Every assertion, on the fixture and on its views."""
    view: View = traces.only("GET /").ignoring(glob("* send"), scope="asgi").without("health")
    for one in (traces, view, traces.setup, traces.eventually("10s")):
        one.assert_tree("POST\n  GET")
        one.assert_tree(span("POST"), in_order("a", "b"), ...)
        one.assert_subtree(span("POST", ...))
        one.assert_path("POST", ..., re.compile("G.*"), span("x"))
        one.assert_count("x", 3)
        one.assert_count(glob("x*"), at_least=1, at_most=3, inside="POST")
        one.assert_none()
        one.assert_none("x", kind="consumer", status="error", source="handwritten")
        one.assert_no_errors(allow=["x", ValueError])
        one.assert_no_errors(allow=ValueError)
        one.assert_sampled("GET /cart", kind="server")
        one.assert_not_sampled(glob("GET /health*"), source="sentry", inside=None)
        errors: list[ErrorEvent] = one.error_events
        for error in errors:
            where: str | None = error.unlinked if error.span is None else error.span.name
            told: tuple[str | None, bool | None, int] = (error.type, error.handled, error.time_ns)
            print(where, told, error.text)
        one.eventually(timedelta(seconds=10)).assert_none("y")
    traces.clear()


def propagating(traces: Traces, message: Message) -> list[object]:
    """What leaves, and how it is judged."""
    for one in (traces, traces.only("POST"), traces.setup):
        one.assert_propagated()
        one.assert_propagated("payments", format="b3", baggage={"tenant": glob("ac*")})
        one.assert_propagated(to=re.compile("http://.*"), tracestate={"congo": "1"})
        one.assert_propagated(carrier=message.headers, sender="orders publish")
        one.assert_propagated(carrier=[(b"traceparent", b"00")])
        one.assert_not_propagated(to=glob("*.stripe.com"))
    requests: tuple[Request, ...] = traces.requests
    headers: SentHeaders = requests[0].headers
    first: tuple[str, str] = headers[0]
    span: Span | None = requests[0].span
    receivers: tuple[Span, ...] = traces.messages[0].receivers
    return [first, headers["traceparent"], span, receivers, requests[0].status]


def playing(traces: Traces) -> str:
    """Both parts that a test can play."""
    payments: StandIn = traces.stand_in("http://payments", name="payments", delay="5ms")
    payments.post("/charge", delay="20ms").respond(json={"ok": True})
    payments.get("/health", optional=True).respond(503)
    traces.stand_in("http://bank", app=object(), optional=True)
    traces.assert_propagated(to=payments)
    with traces.caller("click", baggage={"tenant": "acme"}, format=["b3", "xray"]) as caller:
        one: Caller = caller
        headers: dict[str, str] = caller.headers
    context: SpanContext | None = extract(headers, "b3")
    written: dict[str, str] = inject(one.context, "datadog")
    baggage: Baggage = extract_baggage(written)
    return payments.url + baggage["tenant"] + str(context) + inject_baggage(baggage)["baggage"]


def lasting(traces: Traces) -> tuple[int, int | None, float]:
    """Durations, counts, and what was waited for."""
    traces.assert_duration("x", under="200ms", of="self", calls="first", kind="server")
    traces.only("x").assert_duration("y", under=timedelta(seconds=1), force=True)
    traces.assert_budget(spans=40, depth=4, fanout=8)
    traces.assert_volume(bytes=20_000)
    traces.assert_no_n_plus_one(allow=["x", glob("y *")], at_least=5)
    traces.assert_no_growth(recording, arrange=print, sizes=(1, 3, 9))
    traces.assert_sequential("x", inside="y")
    traces.assert_concurrent("x", "y")
    traces.assert_concurrent("x", at_least=3)
    traces.assert_on_critical_path("x", until="last")
    traces.assert_work("x", at_most=10_000)
    traces.assert_no_regression()
    path: CriticalPath = traces.critical_path(until="last", eps="1ms", align=True)
    first: Segment = path[0]
    waited_for: Span | None = first.span
    parallel: Parallelism = traces.parallelism(trace=next(iter(traces)))
    return parallel.peak, waited_for.elapsed_ns if waited_for else None, parallel.average


async def settling(traces: Traces) -> None:
    """In an async test."""
    async with traces.caller("click") as caller:
        one: Caller = caller
    (await traces.settled("2s")).assert_tree("x", one.name)
    (await traces.only("x").settled()).assert_none("y")


def feeding(traces: Traces) -> int:
    """Spans by hand; the block returns through the context manager."""
    traces.add({"trace_id": 1}, unit="s")
    traces.tap("app.tracing", "record_span", unit="ms")
    traces.watch([], unit="ns")
    with traces.start_span("db.query", kind="client", attributes={"rows": 3}) as block:
        block.attributes["more"] = True
        return len(block.trace_id)


def loading(traces: Traces, path: Path) -> str:
    """Traces of others, of files and of backends."""
    traces.load("trace.json")
    try:
        traces.load(path)
    except UnreadableTrace as error:
        return error.origin + error.where + error.why
    url = "http://jaeger:16686/api/traces/1"
    traces.fetch(url, timeout=timedelta(seconds=5), spans=3, headers={"X-Scope-OrgID": "a"})
    traces.fetch(url, timeout="5s", quiet="1s")
    return url


def recording() -> Traces:
    """Without pytest."""
    with record(count_work=True) as counted:
        counted.assert_work("x", at_most=1)
    with record(timeout="5s", ignore=["asgi"], sources=["handwritten"], unsampled=False) as act:
        act.assert_none()
    with record(timeout=timedelta(seconds=5)) as other:
        pass
    return other


def errors() -> list[str]:
    """What is raised, and its parts."""
    try:
        recording()
    except OutlineError as error:
        return [error.reason, error.nearest, error.text, str(error.line + error.column)]
    except UnreadableSpan as error:
        return [error.field, error.reason]
    except PatternError as error:
        return [str(error)]
    except BadValue as error:
        return [error.where, error.allowed]
    except (CannotCount, DurationExceeded) as error:
        return [str(error)]
    return []
