"""Uses that every type checker accepts. Read by mypy and pyright; nothing here runs."""

import re
from collections.abc import Iterator
from datetime import timedelta

from pytest_traces import (
    BadValue,
    Glob,
    Group,
    OutlineError,
    Pattern,
    PatternError,
    Span,
    Trace,
    Traces,
    UnreadableSpan,
    View,
    concurrent,
    glob,
    in_order,
    record,
    sequential,
    span,
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
        one.eventually(timedelta(seconds=10)).assert_none("y")
    traces.clear()


async def settling(traces: Traces) -> None:
    """In an async test."""
    (await traces.settled("2s")).assert_tree("x")
    (await traces.only("x").settled()).assert_none("y")


def feeding(traces: Traces) -> int:
    """Spans by hand; the block returns through the context manager."""
    traces.add({"trace_id": 1}, unit="s")
    traces.tap("app.tracing", "record_span", unit="ms")
    traces.watch([], unit="ns")
    with traces.start_span("db.query", kind="client", attributes={"rows": 3}) as block:
        block.attributes["more"] = True
        return len(block.trace_id)


def recording() -> Traces:
    """Without pytest."""
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
    return []
