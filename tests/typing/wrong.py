"""Uses that every type checker must refuse: each line says with which code.

mypy reports an ignore that is not needed, so that a line which it would accept is noticed.
"""

from pytest_traces import Traces, glob, in_order, record, span


def patterns() -> None:
    """Patterns that make no sense."""
    span("a", 5)  # type: ignore[arg-type]
    span("a", ["b"])  # type: ignore[arg-type]
    span("a", kind="SERVER")  # type: ignore[arg-type]
    span("a", status="failed")  # type: ignore[arg-type]
    span("a", under=50)  # type: ignore[arg-type]
    span("a", knd="server")  # type: ignore[call-arg]
    span("a", attributes=["x"])  # type: ignore[arg-type]
    span("a") * 2.5  # type: ignore[operator]
    span("a").times("2")  # type: ignore[arg-type]
    in_order("a", ...)  # type: ignore[arg-type]
    in_order("a", in_order("b"))  # type: ignore[arg-type]
    glob(5)  # type: ignore[arg-type]


def asserting(traces: Traces) -> None:
    """Assertions that cannot be."""
    traces.assert_tree(5)  # type: ignore[arg-type]
    traces.assert_tree(["a"])  # type: ignore[arg-type]
    traces.assert_subtree(...)  # type: ignore[arg-type]
    traces.assert_count()  # type: ignore[call-arg]
    traces.assert_count("a", "3")  # type: ignore[arg-type]
    traces.assert_count("a", at_leat=3)  # type: ignore[call-arg]
    traces.assert_none("a", kind="SERVER")  # type: ignore[arg-type]
    traces.get("a", source=5)  # type: ignore[arg-type]
    traces.eventually(5)  # type: ignore[arg-type]
    traces.only(knd="server")  # type: ignore[call-arg]
    traces.spans[0].name = "other"  # type: ignore[misc]
    _ = traces.get("a").duration.days  # type: ignore[union-attr]


def propagating(traces: Traces) -> None:
    """What leaves, asked for in ways that cannot be."""
    traces.assert_propagated(5)  # type: ignore[arg-type]
    traces.assert_propagated("payments", "b3")  # type: ignore[call-arg]
    traces.assert_propagated(baggage="tenant=acme")  # type: ignore[arg-type]
    traces.assert_not_propagated(format="b3")  # type: ignore[call-arg]
    traces.caller("click", sampled="yes")  # type: ignore[arg-type]
    traces.stand_in(5)  # type: ignore[arg-type]
    traces.requests[0].url = "other"  # type: ignore[misc]


def lasting(traces: Traces) -> None:
    """Durations and counts, asked for in ways that cannot be."""
    traces.assert_duration("a")  # type: ignore[call-arg]
    traces.assert_duration("a", under=200)  # type: ignore[arg-type]
    traces.assert_duration("a", under="1s", of="wall")  # type: ignore[arg-type]
    traces.assert_budget(40)  # type: ignore[call-arg]
    traces.assert_volume(bytes="20kB")  # type: ignore[arg-type]
    traces.assert_work("a")  # type: ignore[call-arg]
    traces.assert_on_critical_path("a", until="end")  # type: ignore[arg-type]
    traces.critical_path(eps=1)  # type: ignore[arg-type]


def feeding(traces: Traces) -> None:
    """Ways to feed it that cannot be."""
    traces.watch(())  # type: ignore[arg-type]
    traces.tap(traces)  # type: ignore[call-arg]
    traces.start_span(5)  # type: ignore[arg-type]
    traces.start_span("a", kind="SERVER")  # type: ignore[arg-type]
    traces.load(5)  # type: ignore[arg-type]
    traces.fetch("http://jaeger/api/traces/1", "5s")  # type: ignore[call-arg]
    traces.fetch("http://jaeger/api/traces/1", timeout=5)  # type: ignore[arg-type]
    record(timeout=5)  # type: ignore[arg-type]
