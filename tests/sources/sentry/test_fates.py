"""Why Sentry does not keep a span: each cause word for word, in both of its lives."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_traces import Traces, record

sentry_sdk = pytest.importorskip("sentry_sdk")
tracing = pytest.importorskip("sentry_sdk.tracing")
consts = pytest.importorskip("sentry_sdk.consts")

DSN = "http://key@127.0.0.1:9/1"
IDS = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"

try:
    traces: Any = importlib.import_module("sentry_sdk.traces")
except ImportError:
    traces = None
IS_STREAMING = hasattr(traces, "start_span")
#: Before 2.65 a span that is not sampled does not know whose child it is.
HAS_PARENT = IS_STREAMING and hasattr(traces.NoOpStreamedSpan(), "_parent_sampled")
streaming = pytest.mark.skipif(not IS_STREAMING, reason="this version streams no spans")


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of Sentry."""
    with record(timeout="0s", sources=["sentry"]) as act:
        yield act


def cause(assertion: Callable[..., None], *args: Any, **keywords: Any) -> str:
    """The cause that the failure names."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **keywords)
    text = str(caught.value).replace("\n         ", " ")
    assert text.count("  cause: ") == 1, text
    return text.split("  cause: ")[1].splitlines()[0]


def keep(_: Any) -> float:
    """A rule that keeps all."""
    return 1


@pytest.fixture(
    params=[{"traces_sampler": keep}, {"traces_sample_rate": 1.0}], ids=["rule", "rate"]
)
def keeping(request, sentry):
    """Calls ``init`` with something that keeps every transaction: it is never the cause."""

    def keeping(**options):
        sentry(dsn=DSN, **request.param, **options)

    return keeping


# What happens to a span whose transaction was to be kept


def test_late(act, keeping):
    """A span that was open when its transaction ended, whether or not it has ended since."""
    keeping()
    transaction = sentry_sdk.start_transaction(name="cart")
    late, never = transaction.start_child(name="late"), transaction.start_child(name="never")
    below = late.start_child(name="below")
    transaction.finish()
    after = transaction.start_child(name="after")
    for span in (below, late, after, never):
        span.finish()

    act.assert_sampled("cart")
    act.assert_not_sampled(inside="cart")
    still_open = "dropped by Sentry: it was still open when its transaction ended"
    assert cause(act.assert_sampled, "late") == still_open
    assert cause(act.assert_sampled, "below") == still_open
    assert cause(act.assert_sampled, "never") == still_open
    assert cause(act.assert_sampled, "after") == (
        "dropped by Sentry: it started when its transaction had ended"
    )


def test_the_whole_message(act, keeping):
    """Verdict, tree and cause."""
    keeping()
    with sentry_sdk.start_transaction(name="cart", start_timestamp=10**9) as transaction:
        late = transaction.start_child(name="late", start_timestamp=10**9)
        transaction.finish(end_timestamp=10**9 + 1)
    late.finish(end_timestamp=10**9 + 2)

    with pytest.raises(AssertionError) as caught:
        act.assert_sampled("late")
    assert str(caught.value) == (
        "'cart > late' is not sampled, expected it to be\n"
        "\n"
        "  cart     internal   1.00 s\n"
        "  └─ late  internal   2.00 s   not sampled\n"
        "\n"
        "  cause: dropped by Sentry: it was still open when its transaction ended"
    )


def test_a_kept_span_below_one_that_is_lost(act, keeping):
    """It is kept as its transaction is."""
    keeping()
    transaction = sentry_sdk.start_transaction(name="cart")
    late = transaction.start_child(name="late")
    late.start_child(name="below").finish()
    transaction.finish()
    late.finish()

    act.assert_not_sampled("late")
    act.assert_sampled("below")
    assert cause(act.assert_not_sampled, "below").startswith("kept by Sentry's traces_sample")


def test_beyond_the_limit(act, keeping):
    """Those that came when the transaction was full."""
    keeping(_experiments={"max_spans": 3})
    with sentry_sdk.start_transaction(name="cart"):
        for number in range(5):
            with sentry_sdk.start_span(name=f"select {number}"):
                pass

    act.assert_sampled("select 0")
    assert cause(act.assert_sampled, "select 4") == (
        "dropped by Sentry: its transaction already had 3 spans"
    )


def test_a_thousand(act, keeping):
    """Is what it takes where nothing else is said, and all of these are kept."""
    keeping(before_send_transaction=lambda event, hint: event)
    with sentry_sdk.start_transaction(name="cart"):
        for number in range(1_100):
            with sentry_sdk.start_span(name=f"select {number}"):
                pass

    act.assert_sampled("select 998")
    assert cause(act.assert_sampled, "select 1050") == (
        "dropped by Sentry: its transaction already had 1,000 spans"
    )


@pytest.mark.parametrize("failure", [None, ZeroDivisionError])
def test_before_send_transaction(failure, act, keeping):
    """Drops the transaction with all that is in it, also by failing."""

    def drop(event, hint):
        if failure:
            raise failure

    keeping(before_send_transaction=drop)
    with sentry_sdk.start_transaction(name="cart"), sentry_sdk.start_span(name="select"):
        pass

    act.assert_not_sampled()
    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry: before_send_transaction dropped the transaction"
    )
    assert cause(act.assert_sampled, "select") == (
        "dropped with its parent, 'cart', by Sentry: before_send_transaction dropped the transaction"
    )


def test_an_event_processor(act, keeping):
    """Does so, too, and is told from the other."""
    keeping(before_send_transaction=lambda event, hint: event)
    with sentry_sdk.new_scope() as scope:
        scope.add_event_processor(lambda event, hint: None)
        with sentry_sdk.start_transaction(name="cart"):
            pass

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry: an event processor dropped the transaction"
    )


def without_noise(event, hint):
    """Takes spans out of a transaction."""
    del hint
    event["spans"] = [one for one in event["spans"] if one["description"] != "noise"]
    return event


def noise():
    """A transaction with a span that is taken out, and one that is not."""
    with sentry_sdk.start_transaction(name="cart"), sentry_sdk.start_span(name="noise"):
        with sentry_sdk.start_span(name="select"):
            pass


@pytest.mark.parametrize(
    ("option", "who"),
    [("before_send_transaction", "before_send_transaction"), ("processor", "an event processor")],
)
def test_spans_that_are_taken_out(option, who, act, keeping):
    """They alone are lost."""
    keeping(**({} if option == "processor" else {option: without_noise}))
    with sentry_sdk.new_scope() as scope:
        if option == "processor":
            scope.add_event_processor(without_noise)
        noise()

    act.assert_not_sampled("noise")
    act.assert_sampled("cart")
    act.assert_sampled("select")
    assert cause(act.assert_sampled, "noise") == (
        f"dropped by Sentry: {who} took it out of its transaction"
    )


@pytest.mark.parametrize("spans", [None, "none", [], [7]])
def test_spans_that_are_no_longer_there(spans, act, keeping):
    """Whatever the function has put in their place, none of them is sent, if that can be told."""

    def spoil(event, hint):
        event["spans"] = spans or ()
        return event

    keeping(before_send_transaction=spoil)
    noise()

    assert [span.sampled for span in act.spans] == [True, *[spans == "none"] * 2]


def test_the_headers_of_lost_spans(act, keeping):
    """They say that the trace is sampled, which was true, and nothing else would be."""
    keeping(before_send_transaction=without_noise)
    transaction = sentry_sdk.start_transaction(name="cart")
    spans = {name: transaction.start_child(name=name) for name in ("noise", "late")}
    sent = {name: dict(span.iter_headers()) for name, span in spans.items()}
    spans["noise"].finish()
    transaction.finish()
    spans["late"].finish()

    for name, headers in sent.items():
        act.assert_not_sampled(name)
        act.assert_propagated(carrier=headers, sender=name)
        wrong = {"sentry-trace": headers["sentry-trace"][:-1] + "0"}
        with pytest.raises(AssertionError, match="the sampled bit is 0"):
            act.assert_propagated(carrier=wrong, sender=name)


@pytest.mark.skipif(
    "stream_gen_ai_spans" not in consts.DEFAULT_OPTIONS, reason="this version knows no such option"
)
def test_spans_that_are_sent_beside_their_transaction(act, keeping):
    """Are sent."""
    keeping()
    with sentry_sdk.start_transaction(name="ask"):
        with sentry_sdk.start_span(op="gen_ai.chat", name="chat"), sentry_sdk.start_span(name="x"):
            pass

    act.assert_sampled()


@pytest.mark.skipif(
    "trace_ignore_status_codes" not in consts.DEFAULT_OPTIONS, reason="this version has no such"
)
def test_a_status_code(act, keeping):
    """That is left out by an option."""
    keeping(trace_ignore_status_codes={404})
    with sentry_sdk.start_transaction(name="cart") as transaction:
        transaction.set_http_status(404)

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry: its status code is one of trace_ignore_status_codes"
    )


# What is no matter of the sampler


def test_no_transaction(act, keeping):
    """A span by itself is never sent."""
    keeping()
    with sentry_sdk.start_span(name="lonely") as lonely, lonely.start_child(name="child"):
        pass

    assert cause(act.assert_sampled, "lonely") == (
        "dropped by Sentry: it belongs to no transaction"
    )
    assert cause(act.assert_sampled, "child") == (
        "dropped with its parent, 'lonely', by Sentry: it belongs to no transaction"
    )


def test_a_transaction_that_nobody_started(act, keeping):
    """It is entered all the same, or has children."""
    keeping()
    with tracing.Transaction(name="by hand"), sentry_sdk.start_span(name="load"):
        pass
    sentry_sdk.continue_trace({}, name="cart").start_child(name="select").finish()

    never = "by Sentry: sentry_sdk.start_transaction() never started it"
    assert cause(act.assert_sampled, "by hand") == f"dropped {never}"
    assert cause(act.assert_sampled, "load") == f"dropped with its parent, 'by hand', {never}"
    assert cause(act.assert_sampled, "select") == f"dropped {never}"


@pytest.mark.parametrize("sampled", [True, False])
def test_a_decision_of_the_application(sampled, act, sentry):
    """Goes before every other."""
    sentry(dsn=DSN, traces_sample_rate=1.0 - sampled)
    with sentry_sdk.start_transaction(name="cart", sampled=sampled):
        pass

    (act.assert_sampled if sampled else act.assert_not_sampled)("cart")
    wrong = act.assert_not_sampled if sampled else act.assert_sampled
    assert cause(wrong, "cart") == (
        f"{'kept' if sampled else 'dropped'} by sampled={sampled}, with which it was started"
    )


def test_a_decision_of_a_caller_in_this_process(act, sentry):
    """Is given with the start."""
    sentry(dsn=DSN, traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="cart", parent_sampled=False):
        pass

    assert cause(act.assert_sampled, "cart") == (
        "dropped by parent_sampled=False, with which it was started"
    )


def test_set_before_the_end(act, keeping):
    """The application may let go of a transaction while it is open."""
    keeping()
    with sentry_sdk.start_transaction(name="cart") as transaction:
        transaction.sampled = False
        assert not act.get("cart").sampled

    act.assert_not_sampled("cart")
    assert (
        cause(act.assert_sampled, "cart") == "dropped by sampled = False, which the application set"
    )


def test_set_to_be_kept(act, sentry):
    """It is too late for that: its spans were not collected."""
    sentry(dsn=DSN, traces_sample_rate=0.0)
    with sentry_sdk.start_transaction(name="cart") as transaction:
        transaction.sampled = True

    assert cause(act.assert_sampled, "cart") == "dropped by Sentry's traces_sample_rate (0.0)"


def test_set_after_the_end(act, keeping):
    """What has been sent stays so."""
    keeping()
    with sentry_sdk.start_transaction(name="cart") as transaction:
        with sentry_sdk.start_span(name="select"):
            pass
    transaction.sampled = False

    act.assert_sampled()


# What decided


@pytest.mark.parametrize("rule", [lambda _: None, lambda _: 1 / 0], ids=["none", "fails"])
def test_a_rule_that_gives_no_rate(rule, act, sentry):
    """Sentry drops what it cannot decide on."""
    sentry(dsn=DSN, traces_sampler=rule)
    try:
        with sentry_sdk.start_transaction(name="cart"):
            pass
    except ZeroDivisionError:
        pytest.skip("this version lets it through")

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry's traces_sampler (<lambda>), which gave no rate"
    )


@pytest.mark.parametrize("streamed", [False, pytest.param(True, marks=streaming)])
def test_a_caller_that_is_not_followed_under_load(streamed, act, sentry):
    """Sentry lowers that, too: the caller is not said to have dropped it."""
    options = {"_experiments": {"trace_lifecycle": "stream"}} if streamed else {}
    client = sentry(dsn=DSN, traces_sample_rate=1.0, **options)
    headers = {"sentry-trace": f"{IDS}-1"}
    with pytest.MonkeyPatch.context() as patch, sentry_sdk.isolation_scope():
        patch.setattr(client, "monitor", SimpleNamespace(downsample_factor=100))
        if streamed:
            traces.continue_trace(headers)
            traces.start_span(name="cart").end()
        else:
            transaction = sentry_sdk.continue_trace(headers, name="cart")
            sentry_sdk.start_transaction(transaction).finish()

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry under load, although its caller sampled"
    )


def test_under_load(act, sentry):
    """Sentry lowers every rate, and says so."""
    client = sentry(dsn=DSN, traces_sample_rate=1e-300)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "monitor", SimpleNamespace(downsample_factor=100))
        with sentry_sdk.start_transaction(name="cart"):
            pass

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry's traces_sample_rate (1e-300), lowered under load"
    )


def test_what_decided_is_asked_at_once(act, sentry):
    """Not when somebody looks, at who knows which client."""
    sentry(dsn=DSN, traces_sample_rate=0.0)
    with sentry_sdk.start_transaction(name="cart"):
        pass
    sentry(dsn=DSN, traces_sampler=keep)

    assert cause(act.assert_sampled, "cart") == "dropped by Sentry's traces_sample_rate (0.0)"


def test_a_transaction_from_before(sentry):
    """What had decided on it was not seen."""
    sentry(dsn=DSN, traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="before"):
        with record(timeout="0s") as act, sentry_sdk.start_span(name="select"):
            pass

    assert cause(act.assert_not_sampled, "select") == (
        "kept by Sentry, which had already decided on its trace"
    )


def test_a_transaction_that_is_dropped_and_goes_on(act, sentry):
    """Its late spans are no different from the others."""
    sentry(dsn=DSN, traces_sample_rate=0.0)
    transaction = sentry_sdk.start_transaction(name="cart")
    late = transaction.start_child(name="late")
    transaction.finish()
    after = transaction.start_child(name="after")
    for span in (late, after):
        span.finish()

    assert cause(act.assert_sampled, "late") == (
        "dropped with its parent, 'cart', by Sentry's traces_sample_rate (0.0)"
    )
    assert cause(act.assert_sampled, "after") == (
        "dropped by Sentry, which had already decided on its trace"
    )


# Spans that are sent one by one


@pytest.fixture
def stream(sentry):
    """Calls ``init`` for this life."""

    def stream(**options):
        experiments = {"trace_lifecycle": "stream", **options.pop("_experiments", {})}
        return sentry(dsn=DSN, _experiments=experiments, **options)

    return stream


def serve(name="cart"):
    """A segment with a span."""
    with traces.start_span(name=name), traces.start_span(name="select"):
        pass


@streaming
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_of_segments(rate, act, stream):
    """The same words as for transactions."""
    stream(traces_sample_rate=rate)
    serve()

    verb, wrong = ("kept", act.assert_not_sampled) if rate else ("dropped", act.assert_sampled)
    assert cause(wrong, "cart") == f"{verb} by Sentry's traces_sample_rate ({rate})"
    assert cause(wrong, "select") == (
        f"{verb} with its parent, 'cart', by Sentry's traces_sample_rate ({rate})"
    )


@streaming
def test_ignored_spans(act, stream):
    """One alone, without what is in it; and a segment, with all that is in it."""
    stream(traces_sampler=keep, _experiments={"ignore_spans": ["noise", "hum", "health"]})
    with traces.start_span(name="cart"), traces.start_span(name="noise"):
        with traces.start_span(name="load"):
            pass
    serve("health")
    with traces.start_span(name="health"), traces.start_span(name="hum"):
        pass

    if act.get("noise").sampled:
        pytest.skip("this version has no ignore_spans")
    act.assert_sampled("load")
    assert cause(act.assert_sampled, "noise") == "dropped by Sentry: it fits ignore_spans"
    assert cause(act.assert_sampled, "health") == "dropped by Sentry: it fits ignore_spans"
    for name in ("select", "hum"):
        assert cause(act.assert_sampled, name) == (
            "dropped with its parent, 'health', by Sentry: it fits ignore_spans"
        )


@streaming
@pytest.mark.parametrize("caller", [0, 1])
def test_the_caller_of_a_segment_decides(caller, act, stream):
    """Whatever the rate is."""
    stream(traces_sample_rate=1.0 - caller)
    traces.continue_trace({"sentry-trace": f"{IDS}-{caller}"})
    serve()

    wrong, did = (
        (act.assert_not_sampled, "sampled") if caller else (act.assert_sampled, "did not sample")
    )
    assert cause(wrong, "cart") == (
        f"'cart' continues a trace that its caller {did}, and Sentry follows"
        if caller or HAS_PARENT
        else "dropped by Sentry, which does as the caller did"
    )


@streaming
def test_a_caller_where_tracing_is_off(act, stream):
    """Even then, in this life."""
    stream()
    traces.continue_trace({"sentry-trace": f"{IDS}-1"})
    serve()

    if not act.get("cart").sampled:
        pytest.skip("not in this version")
    assert cause(act.assert_not_sampled, "cart") == (
        "'cart' continues a trace that its caller sampled, and Sentry follows"
    )


@streaming
def test_a_rule_for_segments_that_fails(act, stream):
    """Sentry drops what it cannot decide on."""
    stream(traces_sampler=lambda _: 1 / 0)
    try:
        serve()
    except ZeroDivisionError:
        pytest.skip("this version lets it through")

    assert cause(act.assert_sampled, "cart") == (
        "dropped by Sentry's traces_sampler (<lambda>), which gave no rate"
    )


@streaming
@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_segment_from_before(rate, stream):
    """What had decided on it was not seen."""
    stream(traces_sample_rate=rate)
    with traces.start_span(name="before"):
        with record(timeout="0s") as act, traces.start_span(name="select"):
            pass

    wrong = act.assert_not_sampled if rate else act.assert_sampled
    assert cause(wrong, "select") == (
        f"{'kept' if rate else 'dropped'} by Sentry, which had already decided on its trace"
    )
