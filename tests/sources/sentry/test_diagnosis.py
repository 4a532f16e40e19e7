"""What the source says of itself where something is missing."""

from __future__ import annotations

import pytest

from pytest_traces import record
from pytest_traces.sources.sentry import sentry as source

sentry_sdk = pytest.importorskip("sentry_sdk")

ALL_THE_SAME = "(spans are recorded all the same, as not sampled)"


def said(act, spans=0):
    """State and notes."""
    capture = source.captured(act._frame.recording, spans)
    return [capture.state, *capture.notes]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"traces_sample_rate": 1.0}, ["without a DSN (none is needed)", "tracing is on"]),
        ({"traces_sampler": lambda _: 0, "dsn": "http://k@127.0.0.1:9/1"}, ["tracing is on"]),
        (
            {"traces_sample_rate": 0, "dsn": "http://k@127.0.0.1:9/1"},
            [f"traces_sample_rate is 0 {ALL_THE_SAME}"],
        ),
        (
            {"dsn": "http://k@127.0.0.1:9/1"},
            [f"traces_sample_rate is not set {ALL_THE_SAME}"],
        ),
    ],
)
def test_what_it_is_set_to(sentry, options, expected):
    """The most telling first, behind the number of spans."""
    sentry(**options)
    with record() as act:
        assert said(act, 1) == [f"1 span; {expected[0]}", *expected[1:]]
        assert not source.is_idle()


def test_the_life_in_which_the_old_calls_do_nothing(sentry):
    """It is said, and which one does something."""
    if "trace_lifecycle" not in pytest.importorskip("sentry_sdk.consts").DEFAULT_OPTIONS:
        pytest.skip("this version knows no such option")
    sentry(dsn="http://k@127.0.0.1:9/1", trace_lifecycle="stream", traces_sample_rate=1.0)
    with record(timeout="0s") as act:
        with pytest.warns(DeprecationWarning, match="streaming"):
            sentry_sdk.start_transaction(name="checkout").finish()
        with pytest.raises(AssertionError) as caught:
            act.assert_sampled("checkout")

    assert (
        "    Sentry          0 spans; tracing is on\n"
        "                    trace_lifecycle is 'stream': only sentry_sdk.traces.start_span() makes "
        "spans\n"
    ) in str(caught.value)


def test_fed_by_opentelemetry(sentry):
    """A DSN is needed, and the old calls do nothing."""
    sentry(instrumenter="otel", traces_sample_rate=1.0)
    with record() as act:
        assert said(act) == [
            "0 spans; without a DSN (SentrySpanProcessor needs one)",
            "tracing is on",
            "instrumenter is 'otel': only OpenTelemetry makes spans",
        ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tracing_that_is_switched_off(sentry):
    """By an option that beats the rate."""
    if "enable_tracing" not in pytest.importorskip("sentry_sdk.consts").DEFAULT_OPTIONS:
        pytest.skip("this version knows no such option")
    sentry(enable_tracing=False, traces_sample_rate=1.0, dsn="http://k@127.0.0.1:9/1")
    with record() as act:
        assert said(act) == [f"0 spans; enable_tracing is False {ALL_THE_SAME}"]


def test_init_never_called(sentry):
    """It is said to those who ask for Sentry, and where there is nothing else."""
    with record() as act:
        assert said(act) == [f"0 spans; init() was never called {ALL_THE_SAME}"]
        assert source.is_idle()
        with act.start_span("checkout"):
            pass
        assert said(act) == [""]
    with record(sources=["sentry", "handwritten"]) as act, act.start_span("checkout"):
        assert said(act) == [f"0 spans; init() was never called {ALL_THE_SAME}"]


def test_spans_without_init(sentry):
    """Then it is not idle, even if it is left out."""
    with record(sources=["handwritten"], timeout="0s") as act:
        with sentry_sdk.start_transaction(name="checkout"):
            pass
        assert not source.is_idle()
        with pytest.raises(AssertionError) as raised:
            act.assert_count("checkout", 1)

    assert "sentry          left out by traces_sources" in str(raised.value)


def test_a_client_of_another_make(sentry, monkeypatch):
    """It is not asked for more than it knows."""

    class Strange:
        def is_active(self):
            raise ZeroDivisionError

    with record(sources=["sentry"]) as act, monkeypatch.context() as patch:
        patch.setattr(sentry_sdk, "get_client", Strange)
        assert said(act, 2)[0] == "2 spans; what it is set to cannot be told"
