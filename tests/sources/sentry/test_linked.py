"""Errors of Sentry in assertions: below their spans, in patterns, beside OpenTelemetry."""

from __future__ import annotations

import builtins
import gc
import re
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_traces import Traces, glob, record, span

sentry_sdk = pytest.importorskip("sentry_sdk")


class OutOfStock(LookupError):
    """An error of the application's own."""


NAME = f"{OutOfStock.__module__}.OutOfStock"


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of Sentry."""
    with record(timeout="0s", sources=["sentry"]) as act:
        yield act


def capture(error: Exception) -> None:
    """Raise it, catch it, report it."""
    try:
        raise error
    except type(error) as caught:
        sentry_sdk.capture_exception(caught)


def order() -> None:
    """A transaction whose query fails; and a message."""
    with sentry_sdk.start_transaction(name="POST /order", op="http.server"):
        with sentry_sdk.start_span(op="db", name="SELECT stock"):
            capture(OutOfStock("no more of 7"))
        sentry_sdk.capture_message("the cache is cold", level="error")
        sentry_sdk.capture_message("hello")


def steady(text: str) -> str:
    """Without durations."""
    return re.sub(r" +[\d.,]+ (ns|us|ms|s)\b", " TIME", text)


def said(act: Traces, **keywords: Any) -> str:
    """The whole failure, without durations."""
    with pytest.raises(AssertionError) as caught:
        act.assert_no_errors(**keywords)
    return steady(str(caught.value))


@pytest.mark.parametrize("dsn", [None, "http://key@127.0.0.1:9/1"])
def test_errors_are_linked_to_their_spans(dsn, act, sentry):
    """With a DSN or without; a message without a level of errors is none."""
    sentry(dsn=dsn, traces_sample_rate=1.0)
    order()

    first, second = act.error_events
    assert (first.type, first.message, first.source) == (NAME, "no more of 7", "sentry")
    assert (first.span, first.handled) == (act.get("SELECT stock"), True)
    assert (second.type, second.message, second.span) == (
        None, "the cache is cold", act.get("POST /order")
    )  # fmt: skip


def test_a_failure_shows_them_below_their_spans(act, sentry):
    """The whole message."""
    sentry(traces_sample_rate=1.0)
    order()
    capture(KeyError("late"))

    assert said(act) == (
        "3 errors, the first in 'POST /order > SELECT stock': OutOfStock: no more of 7\n"
        "\n"
        "  POST /order      server TIME\n"
        "  ! the cache is cold\n"
        "  └─ SELECT stock  client TIME\n"
        "     ! OutOfStock: no more of 7\n"
        "\n"
        "  'POST /order': the cache is cold\n"
        "  linked to no span: KeyError: 'late' (no span was active)"
    )
    act.assert_no_errors(allow=[LookupError, "POST /order"])
    assert said(act, allow=["SELECT stock", "POST /order"]).startswith(
        "an error that is linked to no span: KeyError: 'late'\n"
    )


@pytest.mark.parametrize(
    "wanted",
    [OutOfStock, LookupError, Exception, "OutOfStock", NAME, glob("*.OutOfStock")],
)
def test_patterns_find_them(wanted, act, sentry):
    """By class, base class, and name with its module or without."""
    sentry(traces_sample_rate=1.0)
    order()

    act.assert_tree(span("POST /order", span("SELECT stock", exception=wanted)))


@pytest.mark.parametrize("wanted", [ValueError, KeyError, "LookupError", "other.OutOfStock"])
def test_patterns_do_not_find_others(wanted, act, sentry):
    """Neither subclasses of it, nor classes of other modules."""
    sentry(traces_sample_rate=1.0)
    order()

    with pytest.raises(AssertionError) as caught:
        act.assert_tree(span("POST /order", span("SELECT stock", exception=wanted)))
    shown = wanted if isinstance(wanted, str) else wanted.__name__
    shown = repr(shown) if isinstance(wanted, str) else shown
    assert str(caught.value).splitlines()[0] == (
        f"'POST /order > SELECT stock': exception: expected {shown}, got '{NAME}'"
    )
    assert str(caught.value).splitlines()[-1] == "       ! OutOfStock: no more of 7"


def test_beside_opentelemetry(sentry):
    """The same exception in two unrelated traces is two errors, and both tellings are named."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    sentry(traces_sample_rate=1.0)
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    with record(timeout="0s", sources=["opentelemetry", "sentry"]) as both:
        with (
            sentry_sdk.start_transaction(name="/order", op="http.server"),
            tracer.start_as_current_span("POST /order") as current,
        ):
            error = OutOfStock("no more of 7")
            current.record_exception(error)
            sentry_sdk.capture_exception(error)

    # Older versions of OpenTelemetry's SDK leave out the module.
    assert {one.type for one in both.error_events} <= {NAME, "OutOfStock"}
    assert {(one.source, one.span and one.span.name) for one in both.error_events} == {
        ("opentelemetry", "POST /order"),
        ("sentry", "/order"),
    }
    text = said(both)
    assert text.startswith("2 errors, the first in 'POST /order': OutOfStock: no more of 7\n")
    assert text.endswith(
        "\n\n"
        "  '/order': OutOfStock: no more of 7\n"
        "  two sources describe this in traces of their own:\n"
        "    OpenTelemetry   1 span: 'POST /order'\n"
        "    Sentry          1 span: '/order'\n"
        "\n"
        "  hint:  choose one: traces_sources = opentelemetry in the ini file, or\n"
        "         traces.only(source='opentelemetry')"
    )
    with pytest.raises(AssertionError) as caught:
        both.assert_tree(span("POST /order", exception=LookupError))
    assert "\n\n  cause: two sources describe this in traces of their own: " in str(caught.value)
    both.only(source="sentry").assert_tree(span("/order", exception=LookupError))


def sold_out() -> None:
    """Something goes wrong."""
    raise OutOfStock("no more of 7")


def refuse(status: int) -> None:
    """Something goes wrong with a status."""
    raise Answer(status, "later")


def broken_insert() -> None:
    """A query fails within a request, which reports the exception."""
    with sentry_sdk.start_transaction(name="POST /order"):
        try:
            with sentry_sdk.start_span(op="db", name="INSERT"):
                sold_out()
        except OutOfStock as error:
            sentry_sdk.capture_exception(error)


def test_an_exception_that_was_captured_further_up(act, sentry):
    """The spans that it went through have but a status: it is one error, and allowed as one."""
    sentry(traces_sample_rate=1.0)
    broken_insert()

    tree = (
        "  POST /order  internal TIME\n"
        "  ! OutOfStock: no more of 7\n"
        "  └─ INSERT    client TIME   error: internal_error"
    )
    assert said(act) == f"an error in 'POST /order': OutOfStock: no more of 7\n\n{tree}"
    act.assert_no_errors(allow=LookupError)
    assert said(act, allow="INSERT") == said(act)
    assert said(act, allow="POST /order") == (
        "an error in 'POST /order > INSERT': OutOfStock (internal_error)\n"
        f"\n{tree}\n\n"
        "  hint:  what went through it is allowed in 'POST /order' alone; wherever it is: "
        "allow=[OutOfStock]"
    )
    assert said(act.only("INSERT")) == (
        "an error in 'INSERT': OutOfStock (internal_error)\n"
        "\n"
        "  INSERT  client TIME   error: internal_error"
    )


def test_an_exception_that_was_captured_and_raised_again(act, sentry):
    """So it is with the spans above."""
    sentry(traces_sample_rate=1.0)
    with (
        pytest.raises(OutOfStock),
        sentry_sdk.start_transaction(name="boom"),
        sentry_sdk.start_span(name="work"),
        sentry_sdk.start_span(name="inner"),
    ):
        try:
            sold_out()
        except OutOfStock as error:
            sentry_sdk.capture_exception(error)
            raise

    assert said(act) == (
        "an error in 'boom > work > inner': OutOfStock: no more of 7\n"
        "\n"
        "  boom         internal TIME   error: internal_error\n"
        "  └─ work      internal TIME   error: internal_error\n"
        "     └─ inner  internal TIME   error: internal_error\n"
        "        ! OutOfStock: no more of 7"
    )
    act.assert_no_errors(allow=OutOfStock)


def test_a_failure_of_its_own_beside_one_that_is_allowed(act, sentry):
    """What was caught before something else was done is excused by nothing."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="POST /order"):
        with pytest.raises(ConnectionError), sentry_sdk.start_span(name="GET cache"):
            raise ConnectionError
        with sentry_sdk.start_span(name="SELECT stock"):
            pass
        capture(OutOfStock("no more of 7"))

    assert said(act, allow=OutOfStock).startswith(
        "an error in 'POST /order > GET cache': ConnectionError (internal_error)\n"
    )
    act.assert_no_errors(allow=[OutOfStock, OSError])


def test_an_exception_of_a_thread(act, sentry):
    """Sentry reports it in the span that started the thread."""
    threading_of_sentry = pytest.importorskip("sentry_sdk.integrations.threading")
    sentry(traces_sample_rate=1.0, integrations=[threading_of_sentry.ThreadingIntegration()])

    def work() -> None:
        with sentry_sdk.start_span(name="work"):
            raise OutOfStock("no more of 7")

    seen: list[Any] = []
    before, threading.excepthook = threading.excepthook, seen.append
    try:
        with sentry_sdk.start_transaction(name="boom"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join(30)
    finally:
        threading.excepthook = before

    assert said(act).startswith("an error in 'boom': OutOfStock: no more of 7\n")
    act.assert_no_errors(allow=OutOfStock)


def test_streamed_spans(act, sentry):
    """Their status says error and no more."""
    streamed = pytest.importorskip("sentry_sdk.traces")
    if not hasattr(streamed, "start_span"):
        pytest.skip("this version has no streamed spans")
    sentry(traces_sample_rate=1.0, _experiments={"trace_lifecycle": "stream"})
    with streamed.start_span(name="POST /order"):
        try:
            with streamed.start_span(name="INSERT"):
                sold_out()
        except OutOfStock as error:
            sentry_sdk.capture_exception(error)

    assert said(act).startswith("an error in 'POST /order': OutOfStock: no more of 7\n")
    act.assert_no_errors(allow=OutOfStock)


@pytest.fixture(params=["static", "stream"])
def spans(request, sentry) -> tuple[Any, Any]:
    """What starts a transaction or a segment, and what a span within, in each of both lives."""
    if request.param == "static":
        sentry(traces_sample_rate=1.0)
        return sentry_sdk.start_transaction, sentry_sdk.start_span
    streamed = pytest.importorskip("sentry_sdk.traces")
    if not hasattr(streamed, "start_span"):
        pytest.skip("this version has no streamed spans")
    sentry(traces_sample_rate=1.0, _experiments={"trace_lifecycle": "stream"})
    return streamed.start_span, streamed.start_span


def test_another_exception_of_the_same_spans(act, spans):
    """What is allowed was handled; what nobody reported left that span, and those above it."""
    root, child = spans
    with pytest.raises(KeyError), root(name="job"):
        try:
            with child(name="order"):
                capture(OutOfStock("no more of 7"))
                raise KeyError("receipt")
        finally:
            with child(name="close"):
                pass

    text, status = "KeyError (internal_error)", "error: internal_error"
    if act.get("job").status_description is None:  # streamed spans have none
        text, status = "KeyError (status error)", "error"
    assert said(act, allow=OutOfStock) == (
        f"2 errors, the first in 'job > order': {text}\n"
        "\n"
        f"  job       internal TIME   {status}\n"
        f"  ├─ order  internal TIME   {status}\n"
        "  │  ! OutOfStock: no more of 7\n"
        "  └─ close  internal TIME\n"
        "\n"
        f"  'job': {text}"
    )
    assert said(act).startswith("3 errors, the first in 'job > order': OutOfStock: no more of 7\n")
    act.assert_no_errors(allow=LookupError)
    act.assert_no_errors(allow=["job", "order"])


def test_an_exception_that_is_raised_from_one_that_is_allowed(act, spans):
    """It is another one."""
    root, child = spans
    with pytest.raises(RuntimeError), root(name="job"), child(name="order"):
        try:
            sold_out()
        except OutOfStock as error:
            sentry_sdk.capture_exception(error)
            raise RuntimeError("no receipt") from error

    head = "2 errors, the first in 'job > order': RuntimeError ("
    assert said(act, allow=OutOfStock).startswith(head)
    act.assert_no_errors(allow=[OutOfStock, RuntimeError])


def test_an_exception_that_was_reported_as_the_cause_of_another(act, spans):
    """Sentry tells it with that one, which therefore explains the span that it left."""
    root, child = spans
    with root(name="job"):
        try:
            with child(name="order"):
                sold_out()
        except OutOfStock as cause:
            error = RuntimeError("no receipt")
            error.__cause__ = cause
            capture(error)

    assert said(act).startswith("an error in 'job': RuntimeError: no receipt\n")
    act.assert_no_errors(allow=RuntimeError)


def test_an_exception_that_failed_while_another_was_handled(act, spans):
    """Only its context: that it came of it nobody has said."""
    root, child = spans
    with root(name="job"):
        try:
            with child(name="order"):
                sold_out()
        except OutOfStock:
            capture(ConnectionError("the cache is gone"))

    head = "an error in 'job > order': OutOfStock ("
    assert said(act, allow=ConnectionError).startswith(head)


def test_an_exception_that_was_swallowed_right_before_another_was_reported(act, spans):
    """It is not its way, though nothing began in between."""
    root, child = spans
    with root(name="job"):
        with pytest.raises(ConnectionError), child(name="GET cache"):
            raise ConnectionError
        capture(OutOfStock("no more of 7"))

    head = "an error in 'job > GET cache': ConnectionError ("
    assert said(act, allow=OutOfStock).startswith(head)


def test_both_of_a_span_were_reported(act, spans):
    """The one that left it above it: each is one error, and each explains its own."""
    root, child = spans
    with root(name="job"):
        try:
            with child(name="order"):
                capture(OutOfStock("no more of 7"))
                int("no receipt")
        except ValueError as error:
            sentry_sdk.capture_exception(error)

    assert said(act).startswith("2 errors, the first in 'job > order': OutOfStock: no more of 7\n")
    act.assert_no_errors(allow=[OutOfStock, ValueError])
    assert said(act, allow=ValueError).startswith("an error in 'job > order': OutOfStock")
    assert said(act, allow=OutOfStock).startswith("an error in 'job': ValueError")


def test_a_thread_that_failed_meanwhile(act, spans):
    """What another thread was allowed does not excuse it."""
    root, child = spans

    def work() -> None:
        with pytest.raises(RuntimeError), sentry_sdk.scope.use_scope(scope), child(name="work"):
            raise RuntimeError("lost")

    with root(name="job"):
        scope = sentry_sdk.get_current_scope().fork()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(30)
        capture(OutOfStock("no more of 7"))

    assert act.get("work").parent is act.get("job")
    assert said(act, allow=OutOfStock).startswith("an error in 'job > work': RuntimeError (")


def test_a_group_of_one(act, spans):
    """On its way through a task group it is the same exception; with another one it is not."""
    group = vars(builtins).get("ExceptionGroup")
    if group is None:
        pytest.skip("this Python has no exception groups")
    root, child = spans

    def run(*others: Exception) -> None:
        with pytest.raises(group), root(name="job"):
            try:
                with child(name="task"):
                    try:
                        sold_out()
                    except OutOfStock as error:
                        sentry_sdk.capture_exception(error)
                        raise
            except OutOfStock as error:
                raise group("tasks", [error, *others]) from None

    run()
    act.assert_no_errors(allow=OutOfStock)
    run(ValueError("lost"))
    assert said(act, allow=OutOfStock).startswith("an error in 'job': ExceptionGroup (")


def test_a_span_that_was_ended_by_hand(act, sentry):
    """Nobody knows what has left it: the report excuses it, as it names it."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="job") as job:
        capture(OutOfStock("no more of 7"))
        job.set_status("internal_error")

    act.assert_no_errors(allow=OutOfStock)


class ClientError(Exception):
    """What the errors of a client have in common."""


def test_a_class_that_is_gone(act, spans):
    """Of what it was derived is known, whether or not it has been collected."""
    root, child = spans

    def download() -> None:
        missing = type("NoSuchKey", (ClientError,), {})
        with root(name="job"), child(name="GetObject"):
            capture(missing("k"))
        with pytest.raises(ClientError), root(name="again"):
            raise missing("k")

    download()
    gc.collect()
    act.assert_no_errors(allow=ClientError)
    act.assert_subtree(span("GetObject", exception=ClientError))
    with pytest.raises(AssertionError, match="no subtree matches"):
        act.assert_subtree(span("GetObject", exception=LookupError))
    assert said(act, allow=LookupError).startswith(
        "2 errors, the first in 'job > GetObject': NoSuchKey: k\n"
    )


def test_nothing_keeps_an_exception_alive(act, spans):
    """Neither one that was reported nor one that has left a span."""
    root, child = spans

    def fail() -> weakref.ref[Any]:
        error = OutOfStock("no more of 7")
        with pytest.raises(OutOfStock), root(name="job"), child(name="order"):
            raise error
        return weakref.ref(error)

    left = fail()
    gc.collect()
    assert left() is None
    assert act.get("order").data.left_by.types[0] == NAME


def test_a_flask_application_with_a_database(act, sentry):
    """The query has the status, the request the error, and answers 500."""
    flask, sa = pytest.importorskip("flask"), pytest.importorskip("sqlalchemy")
    from sentry_sdk.integrations.flask import FlaskIntegration
    from sentry_sdk.integrations.sqlalchemy import SqlalchemyIntegration

    sentry(traces_sample_rate=1.0, integrations=[FlaskIntegration(), SqlalchemyIntegration()])
    app, engine = flask.Flask("shop"), sa.create_engine("sqlite://")

    @app.get("/order")
    def order() -> str:
        with engine.connect() as connection:
            connection.execute(sa.text("select * from orders"))
        return ""

    with app.test_client() as client:
        assert client.get("/order").status_code == 500

    assert said(act).startswith("an error in 'order': OperationalError: ")
    act.assert_no_errors(allow=sa.exc.OperationalError)
    engine.dispose()


def test_layers_of_starlette(act, sentry):
    """The exception comes up through each of them, while one sends the answer."""
    starlette = pytest.importorskip("starlette.applications")
    pytest.importorskip("starlette.testclient")
    from sentry_sdk.integrations.starlette import StarletteIntegration
    from starlette.routing import Route
    from starlette.testclient import TestClient

    sentry(traces_sample_rate=1.0, integrations=[StarletteIntegration(middleware_spans=True)])

    async def order(request: Any) -> None:
        del request
        with sentry_sdk.start_span(name="SELECT stock"):
            sold_out()

    app = starlette.Starlette(routes=[Route("/order", order)])
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/order").status_code == 500

    assert act.get("SELECT stock").parent.status == "error"
    assert said(act).startswith("an error in '/order': OutOfStock: no more of 7\n")
    act.assert_no_errors(allow=OutOfStock)


class Answer(Exception):
    """An exception that Sentry words in its own way."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(status, detail)
        self.status, self.detail = status, detail

    def __str__(self) -> str:
        return f"{self.status}: {self.detail}"


@pytest.fixture
def tracer(sentry) -> Iterator[Any]:
    """A tracer of OpenTelemetry whose spans Sentry has, too."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    pytest.importorskip("opentelemetry.semconv.trace")
    from sentry_sdk.integrations.opentelemetry import SentrySpanProcessor

    sentry(dsn="http://key@127.0.0.1:9/1", traces_sample_rate=1.0, instrumenter="otel")
    provider = sdk.TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SentrySpanProcessor())
    return provider.get_tracer("app")


def test_an_exception_that_is_worded_in_two_ways(tracer):
    """It is one, with the words of the span; two that Sentry words alike are two."""
    with record(timeout="0s", sources=["opentelemetry", "sentry"]) as both:
        for status in (503, 504):
            with pytest.raises(Answer), tracer.start_as_current_span("charge"):
                try:
                    refuse(status)
                except Answer as error:
                    sentry_sdk.capture_exception(error)
                    raise
        with tracer.start_as_current_span("twice") as twice:
            for status in (500, 501):
                twice.record_exception(Answer(status, "later"))
                capture(Answer(status, "later"))

    assert [(one.text, one.source, one.span and one.span.name) for one in both.error_events] == [
        ("Answer: 503: later", "sentry", "charge"),
        ("Answer: 504: later", "sentry", "charge"),
        ("Answer: 500: later", "sentry", "twice"),
        ("Answer: 501: later", "sentry", "twice"),
    ]
    assert "  ! Answer: 500: later\n  ! Answer: 501: later" in str(both)
    assert str(both).count("! ") == 4


def test_messages_stand_below_their_spans(act, sentry):
    """In every tree, in order of time, beside an exception with the same text."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="POST /order"):
        sentry_sdk.capture_message("no stock", level="error")
        capture(ValueError("no stock"))
        sentry_sdk.capture_message("no stock", level="fatal")
        sentry_sdk.capture_message("hello", level="info")

    tree = "  POST /order  internal TIME\n  ! 2 × no stock\n  ! ValueError: no stock"
    assert steady(str(act)) == steady(act.section()) == tree
    assert said(act) == (
        f"3 errors, the first in 'POST /order': no stock\n\n{tree}\n\n"
        "  'POST /order': ValueError: no stock\n"
        "  'POST /order': no stock"
    )
    with pytest.raises(AssertionError) as caught:
        act.assert_tree("GET /order")
    assert steady(str(caught.value)) == (
        "'POST /order' stands where 'GET /order' was expected, as a root\n"
        "\n"
        "  ~ POST /order  internal TIME   expected 'GET /order'\n"
        "    ! 2 × no stock\n"
        "    ! ValueError: no stock"
    )


def test_an_error_of_a_span_that_is_ignored(act, sentry):
    """It is at the nearest span above, and says why."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="POST /order"), sentry_sdk.start_span(name="Auth"):
        capture(ValueError("broken"))

    assert said(act.ignoring("Auth")) == (
        "an error in 'POST /order': ValueError: broken\n"
        "\n"
        "  POST /order  internal TIME\n"
        "  ! ValueError: broken\n"
        "\n"
        "  its own span, 'Auth', is ignored"
    )
    act.ignoring("Auth").assert_no_errors(allow=ValueError)
    with record(timeout="0s", sources=["sentry"], ignore=["Auth"]) as other:
        with sentry_sdk.start_transaction(name="Auth"):
            capture(ValueError("broken"))
        with sentry_sdk.start_transaction(name="b"):
            pass
    assert said(other) == (
        "an error that is linked to no span: ValueError: broken\n"
        "\n"
        "  b  internal TIME\n"
        "\n"
        "  not linked: its span, 'Auth', is ignored"
    )


def test_a_view_of_one_source(act, sentry):
    """It has what the source has linked to no span; other views of subtrees have not."""
    sentry(traces_sample_rate=1.0)
    with sentry_sdk.start_transaction(name="t"):
        pass
    capture(ValueError("unlinked"))

    assert said(act.only(source="sentry")).startswith("an error that is linked to no span: ")
    act.only("t").assert_no_errors()
    act.only("t", source="sentry").assert_no_errors()


def test_a_block_in_a_span_of_the_test(sentry):
    """The block has not got the span; the recording around it has."""
    sentry(traces_sample_rate=1.0)
    with (
        record(timeout="0s", sources=["sentry"]) as outer,
        sentry_sdk.start_transaction(name="POST /order"),
        record(timeout="0s", sources=["sentry"]) as inner,
    ):
        capture(ValueError("broken"))
        (error,) = inner.error_events

    assert (error.span, error.unlinked) == (None, "its span started before the recording")
    assert [one.span and one.span.name for one in outer.error_events] == ["POST /order"]


def test_a_span_that_only_the_recording_around_has(sentry):
    """It began before the block, whoever was current then."""
    sentry(traces_sample_rate=1.0)
    with record(timeout="0s", sources=["sentry"]):
        transaction = sentry_sdk.start_transaction(name="POST /order")
        with record(timeout="0s", sources=["sentry"]) as inner, transaction:
            capture(ValueError("broken"))
            (error,) = inner.error_events

    assert (error.span, error.unlinked) == (None, "its span started before the recording")


def test_nothing_but_an_error(act, sentry):
    """It is what was captured."""
    sentry(traces_sample_rate=1.0)
    capture(ValueError("x"))

    with pytest.raises(AssertionError) as caught:
        act.assert_tree("a")
    assert str(caught.value) == (
        "no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    Sentry          0 spans; without a DSN (none is needed)\n"
        "                    tracing is on\n"
        "    handwritten     left out by traces_sources\n"
        "    errors          1 that is linked to no span: ValueError: x (no span was active)"
    )
