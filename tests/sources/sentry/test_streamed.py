"""Spans that are sent one by one: the same tree in every setting."""

from __future__ import annotations

import inspect

import pytest

from pytest_traces import record

sentry_sdk = pytest.importorskip("sentry_sdk")
traces = pytest.importorskip("sentry_sdk.traces")
if not hasattr(traces, "start_span"):
    pytest.skip("this version has only the beginnings of streamed spans", allow_module_level=True)

#: Before 2.65 a span that is not sampled has no ids, and none is made without init().
HAS_IDS = "trace_id" in inspect.signature(traces.NoOpStreamedSpan.__init__).parameters
STREAM = {"_experiments": {"trace_lifecycle": "stream"}}
SETTINGS = [
    pytest.param({}, False, id="tracing off"),
    pytest.param({"traces_sample_rate": 1.0}, True, id="sampled"),
    pytest.param({"traces_sample_rate": 0}, False, id="rate 0"),
    pytest.param({"traces_sampler": lambda _: 0}, False, id="sampler says no"),
    pytest.param(
        {"traces_sample_rate": 1.0, "dsn": "http://key@127.0.0.1:9/1"}, True, id="with a DSN"
    ),
]
TREE = """
    POST /checkout
    ├─ load
    │  └─ SELECT orders
    └─ POST payments
"""


def checkout():
    """A segment with spans on two levels."""
    with traces.start_span(name="POST /checkout", attributes={"sentry.op": "http.server"}):
        with traces.start_span(name="load"):
            with traces.start_span(name="SELECT orders", attributes={"sentry.op": "db"}) as select:
                select.set_attribute("rows", 3)
                select.set_attributes({"table": "orders"})
        with traces.start_span(name="POST payments", attributes={"sentry.op": "http.client"}) as s:
            s.status = "error"


@pytest.fixture
def stream(sentry):
    """Calls ``init`` for this life."""

    def stream(**options):
        return sentry(**{**STREAM, **options})

    return stream


@pytest.mark.parametrize(("options", "sampled"), SETTINGS)
@pytest.mark.parametrize("run", [1, 2])
def test_every_setting(stream, options, sampled, run):
    """The tree is the same in all of them, and whether Sentry would keep it is told."""
    stream(**options)
    with record() as act:
        checkout()
        act.assert_tree(TREE)

    assert not act.unfinished
    assert [span.sampled for span in act.spans] == [sampled] * 4
    assert [span.kind for span in act.spans] == ["server", "internal", "client", "client"]
    assert [span.status for span in act.spans] == ["ok", "ok", "ok", "error"]
    select = act.get("SELECT orders")
    assert (select.attributes["rows"], select.attributes["table"]) == (3, "orders")
    assert select.attributes["sentry.op"] == "db"
    assert select.data.stamps.end_ns > select.data.stamps.start_ns


@pytest.mark.skipif(not HAS_IDS, reason="this version warns of it")
def test_init_never_called(sentry):
    """Nothing is needed to record."""
    with record() as act:
        checkout()
        act.assert_tree(TREE)

    assert not any(span.sampled for span in act.spans)


def test_ignored_spans(stream):
    """They are no spans for Sentry, which puts what is in them where they would have been."""
    stream(
        traces_sample_rate=1.0,
        _experiments={**STREAM["_experiments"], "ignore_spans": ["load"]},
    )
    with record() as act:
        checkout()

    if act.get("load").sampled:
        pytest.skip("this version has no ignore_spans")
    assert act.get("SELECT orders").sampled
    assert act.get("SELECT orders").parent.name == "POST /checkout"


@pytest.mark.parametrize("rate", [0, 1.0])
def test_an_exception(stream, rate):
    """The spans that it leaves are errors, sampled or not."""
    stream(traces_sample_rate=rate)
    with record() as act, pytest.raises(ValueError), traces.start_span(name="checkout"):  # noqa: PT011
        with traces.start_span(name="load"):
            raise ValueError

    assert [span.status for span in act.spans] == ["error", "error"]


@pytest.mark.parametrize("rate", [0, 1.0])
def test_ended_by_hand_and_never(stream, rate):
    """A span may be ended without a block, twice, or not at all."""
    stream(traces_sample_rate=rate)
    with record(timeout="0s") as act:
        with traces.start_span(name="checkout"):
            first = traces.start_span(name="first")
            first.end()
            first.end()
            traces.start_span(name="second").end()
            left = traces.start_span(name="open")
        assert [span.name for span in act.unfinished] == ["open"]
    left.end()

    assert [child.name for child in act.get("checkout").children] == ["first", "second", "open"]
    assert act.get("open").end_ns is None


@pytest.mark.skipif(
    not hasattr(traces.NoOpStreamedSpan, "remove_attribute"), reason="this version has no such"
)
@pytest.mark.parametrize("rate", [0, 1.0])
def test_attributes_that_are_removed(stream, rate):
    """They are gone, sampled or not; to remove what is not there does nothing."""
    stream(traces_sample_rate=rate)
    with record() as act, traces.start_span(name="a", attributes={"given": 1}) as span:
        span.set_attribute("set", 2)
        span.set_attribute("stays", 3)
        for name in ("given", "set", "never"):
            span.remove_attribute(name)

    attributes = act.get("a").attributes
    assert attributes["stays"] == 3
    assert not {"given", "set", "never"} & set(attributes)


def test_a_given_end(stream):
    """It is taken as it is."""
    stream(traces_sample_rate=1.0)
    with record() as act:
        span = traces.start_span(name="checkout")
        span.end(span.start_timestamp.timestamp() + 5)

    checkout = act.get("checkout")
    assert abs(checkout.duration_ns - 5_000_000_000) <= 1_000
    assert checkout.data.stamps is None


@pytest.mark.parametrize("rate", [0, 1.0])
def test_a_remote_parent(stream, rate):
    """A segment that goes on with a trace from elsewhere is a local root."""
    if not (rate or HAS_IDS):
        pytest.skip("this version forgets it")
    stream(traces_sample_rate=rate, traces_sampler=lambda _: rate)
    with record() as act:
        traces.continue_trace({"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"})
        with traces.start_span(name="book", attributes={"sentry.op": "queue.process"}):
            with traces.start_span(name="load"):
                pass

    book, load = act.spans
    assert (book.trace_id, book.parent_id, book.remote_parent) == ("a" * 32, "b" * 16, True)
    assert book.kind == "consumer"
    assert (load.parent, load.remote_parent) == (book, False)


def test_more_than_a_thousand(stream):
    """There is no limit."""
    stream(traces_sample_rate=1.0)
    with record() as act, traces.start_span(name="all"):
        for _ in range(1_200):
            with traces.start_span(name="one"):
                pass

    act.assert_count("one", 1_200)


def test_the_wrong_life_is_no_span(sentry):
    """In the other life Sentry gives away a span that is none, with a warning."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        with pytest.warns(UserWarning, match="streaming"), traces.start_span(name="never"):
            pass
        assert not act.spans


def test_unsampled_spans_outside_a_recording(stream):
    """What starts before is a parent that is not there; what ends after does not count."""
    stream(traces_sample_rate=0)
    with traces.start_span(name="before") as before, traces.start_span(name="also before") as also:
        with record() as act:
            also.set_attribute("a", 1)
            also.set_attributes({"b": 2})
            also.status = "ok"
            if hasattr(also, "remove_attribute"):
                also.remove_attribute("a")
            before.name = "renamed"
            with traces.start_span(name="within"):
                pass

    assert [span.name for span in act.spans] == ["within"]
