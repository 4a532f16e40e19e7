"""Real integrations of Sentry: servers, clients, databases, threads and tasks."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pytest_traces import record

sentry_sdk = pytest.importorskip("sentry_sdk")


@pytest.mark.parametrize("run", [1, 2])
def test_flask(sentry, run):
    """A request is a transaction; what it raises is linked to it."""
    flask = pytest.importorskip("flask")
    from sentry_sdk.integrations.flask import FlaskIntegration

    sentry(traces_sample_rate=1.0, integrations=[FlaskIntegration()])
    app = flask.Flask("shop")

    @app.route("/orders/<int:number>")
    def order(number):
        with sentry_sdk.start_span(op="db", name="SELECT orders"):
            return {"number": number}

    @app.route("/gone")
    def gone():
        raise LookupError("no such order")

    with record() as act:
        client = app.test_client()
        assert client.get("/orders/7").status_code == 200
        assert client.get("/gone").status_code == 500

    found, lost = act.roots
    assert (found.name, found.kind, found.status) == ("order", "server", "ok")
    assert [child.name for child in found.children] == ["SELECT orders"]
    assert (lost.name, lost.status, lost.status_description) == ("gone", "error", "internal_error")
    (error,) = act.error_events
    assert (error.type, error.handled, error.span) == ("LookupError", False, lost)


@pytest.mark.parametrize("run", [1, 2])
def test_fastapi(sentry, run):
    """An asynchronous server, called by its test client."""
    fastapi = pytest.importorskip("fastapi")
    testclient = pytest.importorskip("fastapi.testclient")
    from sentry_sdk.integrations.fastapi import FastApiIntegration
    from sentry_sdk.integrations.starlette import StarletteIntegration

    sentry(
        traces_sample_rate=1.0,
        integrations=[
            StarletteIntegration(transaction_style="endpoint"),
            FastApiIntegration(transaction_style="endpoint"),
        ],
    )
    app = fastapi.FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int):
        with sentry_sdk.start_span(op="db", name="SELECT orders"):
            return {"number": number}

    # Newer versions of FastAPI tell OpenTelemetry of themselves, too.
    with record(sources=["sentry"]) as act:
        assert testclient.TestClient(app).get("/orders/7").status_code == 200

    (root,) = act.roots
    assert root in list(act.get("SELECT orders").ancestors)
    assert (root.kind, root.status) == ("server", "ok")


@pytest.mark.parametrize("run", [1, 2])
def test_sqlalchemy(sentry, run):
    """A query is a client span with its statement."""
    sqlalchemy = pytest.importorskip("sqlalchemy")
    from sentry_sdk.integrations.sqlalchemy import SqlalchemyIntegration

    sentry(traces_sample_rate=1.0, integrations=[SqlalchemyIntegration()])
    engine = sqlalchemy.create_engine("sqlite://")
    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("SELECT 1"))
    engine.dispose()

    select = act.get("SELECT 1")
    assert (select.kind, select.parent.name) == ("client", "checkout")
    assert select.attributes["db.system"] == "sqlite"


def test_threads(sentry):
    """With the integration a thread goes on with the spans of its starter; each has its name."""
    from sentry_sdk.integrations.threading import ThreadingIntegration

    sentry(traces_sample_rate=1.0, integrations=[ThreadingIntegration(propagate_scope=True)])

    def work():
        with sentry_sdk.start_span(name="load"):
            pass

    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        thread = threading.Thread(target=work, name="loader")
        thread.start()
        thread.join()

    load = act.get("load")
    assert (load.parent.name, load.data.thread) == ("checkout", "loader")


def test_threads_without_the_integration(sentry):
    """A thread has a trace of its own; its spans are recorded all the same."""
    sentry(traces_sample_rate=1.0)

    def work():
        # The integration, once another test has set it up, is asked and says no.
        with sentry_sdk.isolation_scope(), sentry_sdk.start_transaction(name="load"):
            pass

    with record() as act, sentry_sdk.start_transaction(name="checkout"):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert {span.name for span in act.roots} == {"checkout", "load"}


async def gather():
    """Two siblings that run at once."""
    first, second = asyncio.Event(), asyncio.Event()

    async def one():
        with sentry_sdk.start_span(name="one"):
            first.set()
            await second.wait()

    async def two():
        await first.wait()
        with sentry_sdk.start_span(name="two"):
            second.set()

    with sentry_sdk.start_transaction(name="checkout"):
        await asyncio.gather(one(), two())


def test_tasks_with_the_integration(sentry):
    """Each task has a scope of its own, so they are siblings."""
    from sentry_sdk.integrations.asyncio import AsyncioIntegration

    async def main():
        sentry(traces_sample_rate=1.0, integrations=[AsyncioIntegration()])
        await gather()

    with record() as act:
        asyncio.run(main())

    one, two = act.get("one"), act.get("two")
    assert one not in list(two.ancestors)
    assert two not in list(one.ancestors)


def test_tasks_without_the_integration(sentry):
    """They share a scope, and the second takes the first for its parent: so Sentry tells it."""
    sentry(traces_sample_rate=1.0)
    with record() as act:
        asyncio.run(gather())

    assert act.get("two").parent.name == "one"
