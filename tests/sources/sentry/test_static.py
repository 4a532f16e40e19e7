"""Transactions and their spans, with and without init(), sampled or not, ended or not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from pytest_traces import record
from pytest_traces.recording import journal

sentry_sdk = pytest.importorskip("sentry_sdk")
consts = pytest.importorskip("sentry_sdk.consts")
tracing = pytest.importorskip("sentry_sdk.tracing")

SETTINGS = [
    pytest.param(None, False, id="init never called"),
    pytest.param({}, False, id="tracing off"),
    pytest.param({"traces_sample_rate": 1.0}, True, id="sampled"),
    pytest.param({"traces_sample_rate": 0}, False, id="rate 0"),
    pytest.param({"traces_sampler": lambda _: 0}, False, id="sampler says no"),
    pytest.param({"traces_sampler": lambda _: 1}, True, id="sampler says yes"),
    pytest.param(
        {"traces_sample_rate": 1.0, "dsn": "http://key@127.0.0.1:9/1"}, True, id="with a DSN"
    ),
    pytest.param(
        {"traces_sample_rate": 1.0, "before_send_transaction": lambda *_: None},
        False,
        id="dropped by before_send_transaction",
    ),
]


def checkout():
    """A transaction with spans on two levels."""
    with sentry_sdk.start_transaction(name="POST /checkout", op="http.server") as transaction:
        transaction.set_tag("tenant", "acme")
        with sentry_sdk.start_span(op="function", name="load"):
            with sentry_sdk.start_span(op="db", name="SELECT orders") as select:
                select.set_data("rows", 3)
        with sentry_sdk.start_span(op="http.client", name="POST payments") as post:
            post.set_http_status(503)


TREE = """
    POST /checkout
    ├─ load
    │  └─ SELECT orders
    └─ POST payments
"""


@pytest.mark.parametrize(("options", "sampled"), SETTINGS)
@pytest.mark.parametrize("run", [1, 2])
def test_every_setting(sentry, options, sampled, run):
    """The tree is the same in all of them, and whether Sentry would keep it is told."""
    if options is not None:
        sentry(**options)
    with record() as act:
        checkout()
        act.assert_tree(TREE)

    assert [span.sampled for span in act.spans] == [sampled] * 4
    assert not act.unfinished
    assert {span.source for span in act.spans} == {"sentry"}
    assert {span.scope for span in act.spans} == {"sentry.python"}


def test_init_in_the_test(sentry):
    """What was imported before has its spans from the first on."""
    with record() as act:
        checkout()
        sentry(traces_sample_rate=1.0)
        checkout()

    assert [span.sampled for span in act.roots] == [False, True]
    act.assert_count("SELECT orders", 2)


def test_every_field(sentry):
    """Names, kinds, statuses and attributes, in this project's words."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        checkout()

    root, load, select, post = act.spans
    assert [span.kind for span in act.spans] == ["server", "internal", "client", "client"]
    assert [span.status for span in act.spans] == ["unset", "unset", "unset", "error"]
    assert post.status_description == "unavailable"
    assert post.attributes["sentry.status"] == "unavailable"
    assert post.attributes["http.response.status_code"] == 503
    assert root.attributes["sentry.op"] == "http.server"
    assert root.attributes["sentry.origin"] == "manual"
    assert root.attributes["sentry.segment.name.source"] == "custom"
    assert root.attributes["tenant"] == "acme"
    assert select.attributes["rows"] == 3
    assert select.data.thread == "MainThread"
    assert not root.remote_parent
    assert root.service is None
    assert root.start_ns <= load.start_ns <= select.start_ns <= post.start_ns
    assert select.end_ns <= load.end_ns + 1_000_000
    assert root.data.stamps.start_ns < select.data.stamps.start_ns
    assert root.data.stamps.end_ns > post.data.stamps.end_ns


def test_names_where_there_are_none(sentry):
    """The operation, else what Sentry itself calls such a thing."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(op="task"):
        with sentry_sdk.start_span(op="db"), sentry_sdk.start_span():
            pass

    assert [span.name for span in act.spans] == [
        "<unlabeled transaction>",
        "db",
        "<unlabeled span>",
    ]


def test_a_span_without_transaction(sentry):
    """It is a root, and Sentry would never send it."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_span(name="lonely") as lonely:
        with lonely.start_child(name="child"):
            pass

    act.assert_tree("""
        lonely
        └─ child
    """)
    assert [span.sampled for span in act.spans] == [False, False]


def test_unfinished_and_late(sentry):
    """What is open when its transaction ends is lost for Sentry, whether or not it ends later."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        transaction = sentry_sdk.start_transaction(name="checkout")
        late = transaction.start_child(name="late")
        open_ = transaction.start_child(name="open")
        done = transaction.start_child(name="done")
        done.finish()
        assert [span.sampled for span in act.spans] == [True] * 4
        transaction.finish()
        late.finish()
        after = transaction.start_child(name="after")
        after.finish()

        assert [span.name for span in act.unfinished] == ["open"]
        assert act.get("open").status == "unset"
    open_.finish()

    sampled = {span.name: span.sampled for span in act.spans}
    assert sampled == {
        "checkout": True, "late": False, "open": False, "done": True, "after": False,
    }  # fmt: skip
    assert act.get("open").end_ns is None


def test_a_transaction_that_never_ends(sentry):
    """It is open, and so are those in it."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        transaction = sentry_sdk.start_transaction(name="checkout")
        transaction.start_child(name="load").finish()
        assert [span.name for span in act.unfinished] == ["checkout"]
        with pytest.raises(AssertionError):
            act.assert_tree("checkout\n  load")

    assert act.get("load").end_ns is not None


def test_a_transaction_that_never_starts(sentry):
    """``continue_trace`` makes one that is of use only if it is started."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        sentry_sdk.continue_trace({})
        transaction = sentry_sdk.continue_trace({"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"})
        transaction.finish()
        with sentry_sdk.start_transaction(name="other"):
            pass

    assert [span.name for span in act.spans] == ["other"]


def test_a_transaction_that_is_entered_without_being_started(sentry):
    """Sentry does not keep it, but the application means it."""
    sentry(traces_sample_rate=1.0)
    with record() as act, tracing.Transaction(name="by hand"), sentry_sdk.start_span(name="load"):
        pass

    act.assert_tree("by hand\n  load")
    assert [span.sampled for span in act.spans] == [False, False]


def test_a_remote_parent(sentry):
    """A transaction that goes on with a trace from elsewhere is a local root."""
    sentry(traces_sample_rate=1.0)
    headers = {"sentry-trace": f"{'a' * 32}-{'b' * 16}-1"}
    with record() as act:
        transaction = sentry_sdk.continue_trace(headers, op="queue.process", name="book")
        with sentry_sdk.start_transaction(transaction), sentry_sdk.start_span(name="load"):
            pass

    book, load = act.spans
    assert (book.trace_id, book.parent_id, book.remote_parent) == ("a" * 32, "b" * 16, True)
    assert book.kind == "consumer"
    assert load.parent is book
    assert not load.remote_parent


def test_more_than_a_thousand(sentry):
    """All are recorded; those that Sentry leaves out are not sampled."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(name="all"):
        for _ in range(1_200):
            with sentry_sdk.start_span(name="one"):
                pass

    act.assert_count("one", 1_200)
    assert 995 <= sum(span.sampled for span in act.find("one")) <= 1_001


def test_gen_ai(sentry):
    """Spans of language models are spans like others."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(name="ask"):
        with sentry_sdk.start_span(op="gen_ai.chat", name="chat small") as chat:
            chat.set_data("gen_ai.usage.input_tokens", 12)

    span = act.get("chat small")
    assert span.attributes["gen_ai.usage.input_tokens"] == 12
    assert span.attributes["sentry.op"] == "gen_ai.chat"
    assert span.sampled


def test_ignored_status_codes(sentry):
    """A transaction that Sentry leaves out for its answer is not sampled, nor is what is in it."""
    if "trace_ignore_status_codes" not in consts.DEFAULT_OPTIONS:
        pytest.skip("this version knows no such option")
    sentry(traces_sample_rate=1.0, trace_ignore_status_codes={404})
    with record() as act, sentry_sdk.start_transaction(name="GET /", op="http.server") as root:
        with sentry_sdk.start_span(name="load"):
            pass
        root.set_http_status(404)

    assert [span.sampled for span in act.spans] == [False, False]


def test_times_of_the_application(sentry):
    """They are taken as they are, and no clock of ours stands beside them."""
    sentry(traces_sample_rate=1.0)
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    seconds = start.timestamp()
    with record() as act:
        transaction = sentry_sdk.start_transaction(name="checkout", start_timestamp=start)
        span = transaction.start_child(name="load", start_timestamp=seconds + 1)
        span.finish(end_timestamp=seconds + 2)
        transaction.finish(end_timestamp=datetime(2026, 1, 2, 3, 4, 9, tzinfo=timezone.utc))

    checkout, load = act.spans
    assert checkout.start_ns == int(seconds) * 1_000_000_000
    assert checkout.duration_ns == 4_000_000_000
    assert load.duration_ns == 1_000_000_000
    assert checkout.data.stamps is None
    assert load.data.stamps is None


def test_only_the_first_end_counts(sentry):
    """A second one changes nothing."""
    with record() as act:
        transaction = sentry_sdk.start_transaction(name="checkout")
        transaction.finish()
        first = act.get("checkout").end_ns
        transaction.finish()

    assert act.get("checkout").end_ns == first
    assert transaction.timestamp is None  # init() was never called: Sentry itself has no end


def test_what_is_told_after_the_end(sentry):
    """Integrations do so, and Sentry sends it until the transaction is sent."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        with sentry_sdk.start_span(name="select") as select:
            pass
        journal.flush()
        select.set_data("code.function", "load")

    assert act.get("select").attributes["code.function"] == "load"


def test_spans_from_before_the_recording(sentry):
    """Their children are in it, below a parent that is not."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="before"):
        with record() as act:
            with sentry_sdk.start_span(name="load"):
                pass
        with sentry_sdk.start_span(name="after"):
            pass

    assert [span.name for span in act.spans] == ["load"]
    assert act.get("load").sampled


def test_a_transaction_that_is_made_before_and_started_within(sentry):
    """It is what starts in the recording that counts."""
    sentry(traces_sample_rate=1.0)
    transaction = sentry_sdk.continue_trace({}, name="book")
    with record() as act, sentry_sdk.start_transaction(transaction):
        pass

    assert act.get("book").sampled
    assert act.get("book").data.stamps is None


def test_nested_recordings(sentry):
    """Each has what starts in it, and the hooks stay until the last has closed."""
    sentry(traces_sample_rate=1.0)
    with record() as outer:
        with sentry_sdk.start_transaction(name="first"), record() as inner:
            with sentry_sdk.start_span(name="second"):
                pass
        with sentry_sdk.start_transaction(name="third"):
            pass

    assert [span.name for span in outer.spans] == ["first", "second", "third"]
    assert [span.name for span in inner.spans] == ["second"]


def test_frozen_time(sentry, monkeypatch):
    """Where a test stops Sentry's clock, its spans stand still, and ours go on."""

    class Frozen(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 1, tzinfo=tz)

    sentry(traces_sample_rate=1.0)
    monkeypatch.setattr(tracing, "datetime", Frozen)
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        pass

    span = act.get("checkout")
    assert span.start_ns == 1_767_225_600_000_000_000
    assert span.data.stamps.end_ns > span.data.stamps.start_ns


def test_the_error_of_a_block(sentry):
    """A span that an exception left is an error."""
    sentry(traces_sample_rate=1.0)
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        with pytest.raises(ValueError), sentry_sdk.start_span(name="load"):  # noqa: PT011
            raise ValueError

    load = act.get("load")
    assert (load.status, load.status_description) == ("error", "internal_error")


def test_no_op_spans_are_none(sentry):
    """Sentry gives them away where it does not trace."""
    sentry(traces_sample_rate=1.0, instrumenter="otel")
    with record(timeout="0s") as act:
        with sentry_sdk.start_transaction(name="never"), sentry_sdk.start_span(name="never"):
            pass
        assert not act.spans
