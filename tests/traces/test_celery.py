"""Tasks of a real Celery worker, which a thread of the test runs, and a broker in memory."""

from __future__ import annotations

import inspect

import pytest

from pytest_traces import record
from pytest_traces.propagation.checking.eager import eager_hint
from pytest_traces.propagation.checking.messages import (
    consumers_without_context,
    messages_of,
    producers_without_carrier,
)

celery = pytest.importorskip("celery")
instrumentation = pytest.importorskip("opentelemetry.instrumentation.celery")
sdk = pytest.importorskip("opentelemetry.sdk.trace")


@pytest.fixture(scope="module")
def app():
    """An application with one task, and its worker."""
    from celery.contrib.testing.app import setup_default_app
    from celery.contrib.testing.worker import start_worker

    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    app.conf.broker_transport_options = {"polling_interval": 0.01}

    @app.task(name="shop.book")
    def book(number):
        return number + 1

    # The instrumentation looks for the task in the current application.
    with setup_default_app(app), start_worker(app, pool="solo", perform_ping_check=False):
        yield app


@pytest.fixture
def tracer(request):
    """A tracer of the provider that Celery is instrumented with."""
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    instrumentor = instrumentation.CeleryInstrumentor()
    instrumentor.instrument(tracer_provider=provider, **getattr(request, "param", {}))
    yield provider.get_tracer("app")
    instrumentor.uninstrument()


@pytest.fixture
def book(app, tracer):
    """Sends the task as a request would, and waits for what it returns."""

    def book():
        with tracer.start_as_current_span("POST /book"):
            return app.tasks["shop.book"].delay(1).get(timeout=30)

    return book


@pytest.fixture
def dropping(tracer):
    """Somebody else's handler of the same signal, which replaces all headers of tracing."""

    def drop(headers, **_):
        headers.pop("traceparent")

    celery.signals.before_task_publish.connect(drop)
    yield
    celery.signals.before_task_publish.disconnect(drop)


@pytest.fixture
def eager(app):
    """The application in the mode that many use for tests."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def messages(act):
    """The messages of a recording, in words."""
    return [repr(one) for one in messages_of(act._frame.recording.carriers, [], act._forest())]


def silent(act):
    """The producers without carrier, and the consumers without context, by name."""
    noted, forest = act._frame.recording.carriers, act._forest()
    producers = producers_without_carrier(forest, noted)
    return [s.name for s in (*producers, *consumers_without_context(forest, noted))]


def test_worker(book):
    """The task is a child of what sent it, by the headers of one message."""
    with record(timeout="15s") as act:
        assert book() == 2
        act.assert_tree("""
            POST /book
              apply_async/shop.book
                run/shop.book
        """)
    assert messages(act) == [
        "<Message 'celery' sent by 'apply_async/shop.book' received by 'run/shop.book'>"
    ]
    assert silent(act) == []
    assert eager_hint(act._forest()) is None


@pytest.mark.parametrize("tracer", [{"use_span_links": True}], indirect=True)
def test_links(book):
    """With links instead of parents it is the same message."""
    if "use_span_links" not in inspect.getsource(instrumentation):
        pytest.skip("this version of the instrumentation always makes a parent")
    with record(timeout="15s") as act:
        book()
        act.assert_tree("""
            POST /book
              apply_async/shop.book
            run/shop.book
        """)
    assert messages(act) == [
        "<Message 'celery' sent by 'apply_async/shop.book' received by 'run/shop.book'>"
    ]
    assert silent(act) == []


def test_headers_dropped(book, dropping):
    """Where the headers get lost, the task begins a trace, and its message has no context."""
    with record(timeout="15s") as act:
        book()
        act.assert_tree("""
            POST /book
              apply_async/shop.book
            run/shop.book
        """)
    # The headers are noted as they were when the context had been injected.
    assert messages(act) == [
        "<Message 'celery' sent by 'apply_async/shop.book' received by no span>",
        "<Message 'celery' received by 'run/shop.book' without context>",
    ]
    assert silent(act) == ["run/shop.book"]


def test_eager(book, eager, dropping):
    """Run eagerly, the task is where it belongs even so: that it was no message is told."""
    with record(timeout="15s") as act:
        assert book() == 2
        act.assert_tree("""
            POST /book
              run/shop.book
        """)
    assert messages(act) == []
    assert silent(act) == []
    assert eager_hint(act._forest()).startswith("'run/shop.book' ran eagerly")
