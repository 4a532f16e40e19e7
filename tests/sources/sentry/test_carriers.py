"""Headers that Sentry writes into messages and reads from them."""

from __future__ import annotations

import inspect

import pytest

from pytest_traces import record

sentry_sdk = pytest.importorskip("sentry_sdk")
traces = pytest.importorskip("sentry_sdk.traces")

CELERY = """
    import celery, pytest, sentry_sdk
    from sentry_sdk.integrations.celery import CeleryIntegration

    sentry_sdk.init(
        traces_sample_rate=1.0, default_integrations=False, auto_enabling_integrations=False,
        integrations=[CeleryIntegration()], {options}
    )

    # Sentry replaces what the worker imports by name.
    from celery.contrib.testing.app import setup_default_app
    from celery.contrib.testing.worker import start_worker

    @pytest.fixture(scope="module")
    def app():
        app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
        app.conf.broker_transport_options = {{"polling_interval": 0.01}}

        @app.task(name="shop.book")
        def book(number):
            return number + 1

        with setup_default_app(app), start_worker(app, pool="solo", perform_ping_check=False):
            yield app

    @pytest.fixture
    def dropping():
        def drop(headers, **_):
            for one in (headers, headers.get("headers", {{}})):
                one.pop("sentry-trace", None)
                one.pop("baggage", None)

        celery.signals.before_task_publish.connect(drop)
        yield
        celery.signals.before_task_publish.disconnect(drop)

    def send(app):
        if {streamed}:
            top = sentry_sdk.traces.start_span(
                name="POST /book", attributes={{"sentry.op": "http.server"}}
            )
        else:
            top = sentry_sdk.start_transaction(name="POST /book", op="http.server")
        with top:
            assert app.tasks["shop.book"].delay(1).get(timeout=30) == 2

    @pytest.mark.parametrize("run", [1, 2])
    def test_worker(app, traces, run):
        send(app)
        traces.assert_tree('''
            POST /book
              shop.book
                shop.book
                  shop.book
                  shop.book
                    shop.book
        ''')
        (message,) = traces.messages
        assert message.sender.kind == "producer"
        assert [one.kind for one in message.receivers] == ["consumer"]
        assert message.receivers[0].parent == message.sender
        traces.assert_propagated(format="sentry")

    def test_dropped(app, traces, dropping):
        send(app)
        traces.assert_count("shop.book", 5)
        with pytest.raises(AssertionError) as raised:
            traces.assert_propagated(format="sentry")
        assert "'shop.book'" in str(raised.value)
"""


@pytest.mark.parametrize("streamed", [False, True])
def test_celery(run_pytest, streamed):
    """The task of a real worker goes on with the trace; where headers get lost, it fails."""
    pytest.importorskip("celery")
    options = ""
    if streamed:
        if not hasattr(traces, "start_span"):
            pytest.skip("this version has no streamed spans")
        options = '_experiments={"trace_lifecycle": "stream"}'
    text = CELERY.format(options=options, streamed=streamed)
    run_pytest(text, "-W", "ignore::DeprecationWarning", passed=3)


def messages(act):
    """The messages of a recording, in words."""
    return [repr(one) for one in act.messages]


def consume(headers):
    """Process a message as the documentation of Sentry says."""
    transaction = sentry_sdk.continue_trace(headers, op="queue.process", name="book order")
    with sentry_sdk.start_transaction(transaction):
        pass


def test_by_hand(sentry):
    """As the documentation of Sentry writes headers of its own: that is a message."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        with sentry_sdk.start_transaction(name="checkout"):
            with sentry_sdk.start_span(op="queue.publish", name="orders") as span:
                span.set_data("messaging.destination.name", "bookings")
                headers = {
                    "sentry-trace": sentry_sdk.get_traceparent(),
                    "baggage": sentry_sdk.get_baggage(),
                }
        consume(headers)

    assert messages(act) == ["<Message 'bookings' sent by 'orders' received by 'book order'>"]
    act.assert_propagated(format="sentry")


def test_with_the_method_of_integrations(sentry):
    """What they all call."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        with sentry_sdk.start_transaction(name="checkout"):
            with sentry_sdk.start_span(op="queue.publish", name="orders"):
                scope = sentry_sdk.get_current_scope()
                headers = dict(scope.iter_trace_propagation_headers())
        consume({**headers, "no text": 7})

    assert messages(act) == ["<Message 'orders' sent by 'orders' received by 'book order'>"]


def test_a_message_without_context(sentry):
    """It begins a trace."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        consume({})

    assert messages(act) == ["<Message 'book order' received by 'book order' without context>"]


def test_other_headers_are_no_messages(sentry):
    """Those for a page, for a request by hand, and those of a WSGI request."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        transaction = sentry_sdk.continue_trace(
            {"REQUEST_METHOD": "GET", "HTTP_SENTRY_TRACE": f"{'a' * 32}-{'b' * 16}-1"},
            op="http.server", name="GET /",
        )  # fmt: skip
        with sentry_sdk.start_transaction(transaction):
            sentry_sdk.get_current_scope().trace_propagation_meta()
            with sentry_sdk.start_span(op="http.client", name="GET"):
                sentry_sdk.get_traceparent()

    assert act.messages == ()


@pytest.mark.parametrize("rate", [0, 1.0])
def test_streamed(sentry, rate):
    """The same in the other life, sampled or not."""
    if not hasattr(traces, "start_span"):
        pytest.skip("this version has no streamed spans")
    sentry(traces_sample_rate=rate, _experiments={"trace_lifecycle": "stream"})
    with record() as act:
        with traces.start_span(name="orders", attributes={"sentry.op": "queue.publish"}):
            scope = sentry_sdk.get_current_scope()
            headers = dict(scope.iter_trace_propagation_headers())
        traces.continue_trace(headers)
        with traces.start_span(name="book order", attributes={"sentry.op": "queue.process"}):
            pass

    parameters = inspect.signature(traces.NoOpStreamedSpan.__init__).parameters
    if not rate and "trace_id" not in parameters:
        pytest.skip("this version names no span then")
    assert messages(act) == ["<Message 'orders' sent by 'orders' received by 'book order'>"]


def test_nothing_is_noted_outside_a_recording(sentry):
    """The headers are the same."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_span(op="queue.publish", name="orders"):
        before = sentry_sdk.get_traceparent()
        with record() as act:
            pass
        assert sentry_sdk.get_traceparent() == before
    assert act.messages == ()
