"""Nothing leaves for Sentry while a recording is open, and everything does when none is."""

from __future__ import annotations

import threading

import pytest

from pytest_traces import record

sentry_sdk = pytest.importorskip("sentry_sdk")
envelopes = pytest.importorskip("sentry_sdk.envelope")
transports = pytest.importorskip("sentry_sdk.transport")

#: What an application sends, and at the end what waits to be sent.
WORK = """
    import os, sentry_sdk, pytest

    STREAMING = {"_experiments": {"trace_lifecycle": "stream"}}

    def init(**options):
        sentry_sdk.init(
            dsn=os.environ["DSN"], traces_sample_rate=1.0, release="1",
            auto_enabling_integrations=False, **options,
        )

    def work(streaming=False):
        sentry_sdk.get_isolation_scope().start_session()
        if streaming:
            with sentry_sdk.traces.start_span(name="checkout"):
                with sentry_sdk.traces.start_span(name="load"):
                    pass
        else:
            with sentry_sdk.start_transaction(name="checkout"):
                with sentry_sdk.start_span(name="load"):
                    pass
            with sentry_sdk.start_transaction(name="unsampled", sampled=False):
                pass
        sentry_sdk.capture_message("out of stock", level="error")
        try:
            raise ValueError("no such order")
        except ValueError as error:
            sentry_sdk.capture_exception(error)
        sentry_sdk.get_isolation_scope().end_session()
        logger = getattr(sentry_sdk, "logger", None)
        if logger is not None:
            logger.info("booked")

    def can_stream():
        return hasattr(getattr(sentry_sdk, "traces", None), "start_span")
"""
RECORDED = """
    def test_in_the_test({fixture}):
        init()
        work()
        sentry_sdk.flush(5)

    def test_before_the_test({fixture}):
        work()
        sentry_sdk.flush(5)

    def test_never_flushed({fixture}):
        work()

    def test_streaming({fixture}):
        if not can_stream():
            return
        sentry_sdk.get_client().close()
        init(enable_logs=True, **STREAMING)
        work(streaming=True)

    def test_streaming_before_the_test({fixture}):
        if can_stream():
            work(streaming=True)
"""


def test_no_request_leaves(run_pytest, server):
    """Spans, errors, sessions, logs and reports of losses, until the end of the process."""
    text = WORK + RECORDED.format(fixture="traces")
    run_pytest(text, passed=5, DSN=server.dsn)

    assert server.paths == []


def test_the_same_without_the_plugin(run_pytest, server):
    """The control: that suite does send."""
    text = WORK + RECORDED.format(fixture="")
    run_pytest(text, plugin=False, passed=5, DSN=server.dsn)

    assert server.wait(1)


def test_everything_leaves_after_the_recording(sentry, server, monkeypatch):
    """A client that was made before, and one that was made in the recording."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sentry(dsn=server.dsn)
    with record() as act:
        sentry_sdk.capture_message("held", level="error")
        sentry_sdk.flush(5)
    assert server.paths == []
    sentry_sdk.capture_message("sent", level="error")
    sentry_sdk.flush(15)
    assert server.wait(1)
    with record():
        sentry(dsn=server.dsn)
        sentry_sdk.capture_message("held", level="error")
    sentry_sdk.capture_message("sent", level="error")
    sentry_sdk.flush(15)

    assert server.wait(2)
    assert len(server.paths) == 2
    assert [error.message for error in act._frame.recording.errors] == ["held"]


def test_what_was_waiting_before_waits(sentry, server, monkeypatch):
    """Until the recording is over; then it leaves, each once."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = sentry(dsn=server.dsn)
    worker = client.transport._worker
    at_work, go_on = threading.Event(), threading.Event()

    def work() -> None:
        at_work.set()
        assert go_on.wait(15)

    worker.submit(work)
    for number in range(3):
        sentry_sdk.capture_message(f"before {number}", level="error")
    assert at_work.wait(15)
    with record():
        go_on.set()
        sentry_sdk.flush(15)
        assert server.paths == []
    sentry_sdk.flush(15)

    assert server.wait(3)
    assert len(server.paths) == 3


@pytest.mark.parametrize("kind", ["session", "log", "metric", "span"])
def test_what_was_collected_before_waits(kind, sentry, server, monkeypatch):
    """What a client collects for later is not lost, either, whoever flushes it meanwhile."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    experiments = {"enable_logs": True, "enable_metrics": True}
    if kind == "span":
        experiments["trace_lifecycle"] = "stream"
    sentry(dsn=server.dsn, release="1", traces_sample_rate=1.0, _experiments=experiments)
    collect(kind)
    with record(timeout="0s") as act:
        collect(kind)
        sentry_sdk.flush(15)
        assert server.paths == []
    assert act.spans or kind != "span"
    sentry_sdk.flush(15)

    assert server.wait(1)
    sentry_sdk.flush(15)
    assert len(server.paths) == 1


def collect(kind):
    """Something that does not leave at once."""
    if kind == "session":
        sentry_sdk.get_isolation_scope().start_session()
        sentry_sdk.get_isolation_scope().end_session()
    elif kind == "span":
        with pytest.importorskip("sentry_sdk.traces").start_span(name="load"):
            pass
    elif kind == "log":
        pytest.importorskip("sentry_sdk.logger").info("booked")
    elif not hasattr(getattr(sentry_sdk, "metrics", None), "count"):
        pytest.skip("this version has no such metrics")
    else:
        sentry_sdk.metrics.count("orders", 1)


def test_what_was_waiting_of_a_client_that_is_closed(sentry, server, monkeypatch):
    """It is lost, as it is where a client is closed before it could send; nothing is started."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    client = sentry(dsn=server.dsn)
    go_on = threading.Event()
    client.transport._worker.submit(lambda: go_on.wait(15))
    sentry_sdk.capture_message("before", level="error")
    with record():
        go_on.set()
        client.flush(15)
        client.close(timeout=0)

    assert not client.transport or not client.transport._worker.is_alive
    assert server.paths == []


def test_what_was_held_back_is_told(sentry, server):
    """By the kinds of what was in the envelopes, for "what was captured"."""
    sentry(dsn=server.dsn, traces_sample_rate=1.0)
    with record() as act:
        for number in range(2):
            with sentry_sdk.start_transaction(name=f"checkout {number}"):
                sentry_sdk.capture_message("out of stock", level="error")

    with pytest.raises(AssertionError) as raised:
        act.assert_count("pay", at_least=1)

    assert "held back while recording: 2 of 'event', 2 of 'transaction'" in str(raised.value)
    assert server.paths == []


class Own(transports.Transport):
    """A transport that the application wrote itself."""

    def __init__(self, options=None):
        super().__init__(options)
        self.got = []

    def capture_envelope(self, envelope):
        self.got.append(envelope)


class OwnSending(transports.HttpTransport):
    """One of Sentry's, in which the application has written the sending."""

    got: list = []  # noqa: RUF012

    def _send_envelope(self, envelope):
        self.got.append(envelope)


class Faster(transports.HttpTransport):
    """One of Sentry's, with another setting."""

    TIMEOUT = 1


def test_an_own_transport_is_left_alone(sentry, server):
    """Tests of applications have one to look into what would be sent."""
    own = Own()
    sentry(dsn=server.dsn, transport=own)
    with record():
        sentry_sdk.capture_message("out of stock", level="error")

    assert len(own.got) == 1


def test_own_sending_is_left_alone(sentry, server):
    """Also where Sentry's class does all the rest."""
    OwnSending.got.clear()
    client = sentry(dsn=server.dsn, transport=OwnSending)
    with record():
        sentry_sdk.capture_message("out of stock", level="error")
        client.transport.record_lost_event("sample_rate", data_category="error")
        sentry_sdk.flush(15)

    assert len(OwnSending.got) >= 1
    assert server.paths == []


def test_a_subclass_that_sends_as_sentry_does(sentry, server):
    """It is held back."""
    sentry(dsn=server.dsn, transport=Faster)
    with record():
        sentry_sdk.capture_message("out of stock", level="error")
        sentry_sdk.flush(5)

    assert server.paths == []


def test_spotlight(sentry, server):
    """Its client sends at once, and to where nobody has asked it to."""
    sentry(spotlight=f"http://{server.address}/stream")
    with record():
        sentry_sdk.capture_message("held", level="error")
    assert server.paths == []
    sentry_sdk.capture_message("sent", level="error")

    assert server.wait(1)


def test_every_transport_of_sentry_is_held_back(sentry):
    """Each class of the module that sends over HTTP, those of later versions as well."""
    base = getattr(transports, "HttpTransportCore", transports.BaseHttpTransport)
    kinds = [k for k in vars(transports).values() if isinstance(k, type) and issubclass(k, base)]
    own = [kind for kind in kinds if "capture_envelope" in vars(kind)]
    before = {kind: vars(kind)["capture_envelope"] for kind in own}
    with record():
        for kind in own:
            assert vars(kind)["capture_envelope"] is not before[kind]
            # Were it not held back, it would miss all that this object does not have.
            assert kind.capture_envelope(object.__new__(kind), envelopes.Envelope()) is None

    assert own
    assert {kind: vars(kind)["capture_envelope"] for kind in own} == before
