"""The read timeout of httpx: a stand-in keeps a client waiting no longer than a real service."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import timedelta

import httpx
import pytest

from pytest_traces import record
from pytest_traces.wire.stand_in import playing_wsgi

TOLD = "stand-in http://payments: nothing to read for 0.05 s, the read timeout"
KINDS = pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asynchronous"])


@pytest.fixture
def give_up(in_async_client):
    """Sends a request that must time out, and says what was raised and how long it took."""

    def give_up(is_async, *, url="http://payments/x", limit=0.05):
        async def call(client):
            await client.get(url)

        began = time.monotonic()
        with pytest.raises(httpx.ReadTimeout) as caught:
            if is_async:
                in_async_client(call, timeout=limit)
            else:
                httpx.get(url, timeout=limit)
        assert type(caught.value) is httpx.ReadTimeout
        assert caught.value.request.url == url
        return str(caught.value), time.monotonic() - began

    return give_up


async def never(scope, receive, send):
    """An application that starts, and never answers."""
    if scope["type"] == "http":
        await asyncio.sleep(60)


async def stuck(scope, receive, send):
    """An application that never starts."""
    if scope["type"] == "lifespan":
        await asyncio.sleep(60)


async def half(scope, receive, send):
    """An application that never ends its answer."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await asyncio.sleep(60)


@KINDS
@pytest.mark.parametrize("where", ["stand-in", "route"])
def test_a_delay_ends_with_the_clients_patience(act, play, give_up, is_async, where):
    """The call counts, has no answer, and its span ends when the client gives up."""
    payments = play(delay="10s" if where == "stand-in" else None)
    route = payments.get("/x", delay="10s" if where == "route" else None).respond(200)
    told, took = give_up(is_async)

    assert told == TOLD
    assert took < 5
    assert route.call_count == 1
    assert not route.calls.last.has_response
    (received,) = payments.requests
    assert received.status is None
    span = act.get("GET /x")
    # The clock of spans and that of time limits may differ a little.
    assert timedelta(milliseconds=40) <= span.duration < timedelta(seconds=5)
    assert span.status == "unset"
    assert "http.response.status_code" not in span.attributes
    assert not act.unfinished


@KINDS
def test_a_delay_that_the_client_waits_for_is_no_timeout(play, in_async_client, is_async):
    """Neither is one of any length where it has no timeout."""
    play(delay="20ms").get("/x")

    async def call(client):
        return [(await client.get("http://payments/x", timeout=t)).status_code for t in (5, None)]

    if is_async:
        assert in_async_client(call) == [200, 200]
    else:
        assert [httpx.get("http://payments/x", timeout=t).status_code for t in (5, None)] == [
            200
        ] * 2


@KINDS
def test_an_asynchronous_handler_is_cancelled(act, play, give_up, is_async):
    """On the client's loop and on the stand-in's own."""
    seen = threading.Event()

    async def handler(request):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.set()
            raise

    route = play().get("/x").mock(side_effect=handler)
    told, took = give_up(is_async)
    assert told == TOLD
    assert took < 5
    assert seen.wait(5)
    assert route.call_count == 1
    assert act.get("GET /x").status == "unset"


@KINDS
def test_an_answer_of_a_blocking_handler_may_be_too_late(act, play, give_up, is_async):
    """Nobody can interrupt it; the service has answered, and nobody was there to read it."""

    def handler(request):
        time.sleep(0.1)
        return httpx.Response(201)

    route = play().get("/x").mock(side_effect=handler)
    told, _ = give_up(is_async)
    assert told == TOLD
    assert route.call_count == 1
    span = act.get("GET /x")
    assert span.attributes["http.response.status_code"] == 201
    assert span.duration >= timedelta(milliseconds=80)


@KINDS
def test_a_timeout_that_a_handler_raises_is_its_own(act, play, is_async, in_async_client):
    """The test plays a service that fails: the span says so."""

    async def handler(request):
        raise TimeoutError("the bank")

    play().get("/x").mock(side_effect=handler)

    async def call(client):
        await client.get("http://payments/x", timeout=5)

    with pytest.raises(TimeoutError, match="the bank"):
        in_async_client(call) if is_async else httpx.get("http://payments/x", timeout=5)
    assert act.get("GET /x").status_description == "TimeoutError: the bank"


@KINDS
@pytest.mark.parametrize("app", [never, half])
def test_an_asgi_app_keeps_no_client_for_ever(play, give_up, is_async, app):
    """Before the answer has begun, and in the middle of it."""
    payments = play(app=app)
    for _ in range(2):
        told, took = give_up(is_async)
        assert told == TOLD
        assert took < 5
    assert [one.status for one in payments.requests] == [None if app is never else 200] * 2


@KINDS
def test_the_delay_of_an_app_is_part_of_the_wait(play, give_up, is_async):
    """The application is not asked when nobody waits."""
    asked = []

    def app(environ, start_response):
        asked.append(environ)

    play(app=app, delay="10s")
    told, took = give_up(is_async)
    assert told == TOLD
    assert took < 5
    assert asked == []


def test_an_app_may_clean_up_after_a_client_that_has_gone(play, give_up):
    """It is cancelled once, not again and again."""
    log = []

    async def app(scope, receive, send):
        if scope["type"] == "http":
            try:
                await asyncio.sleep(60)
            finally:
                await asyncio.sleep(0.01)
                log.append("clean")

    play(app=app)

    async def main():
        async with httpx.AsyncClient(timeout=0.05) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("http://payments/x")
        await asyncio.sleep(0.1)

    asyncio.run(main())
    assert log == ["clean"]


@KINDS
def test_a_startup_that_never_ends_is_reported_as_one(stand_in, give_up, is_async):
    """The client gives up, and the test is told which of the two did not end."""
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=stuck)
        began = time.monotonic()
        assert give_up(is_async)[0] == TOLD
    assert str(caught.value) == "stand-in http://payments: the app's startup did not end"
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("where", ["here", "other thread", "closed", "other loop running"])
def test_a_startup_that_never_ends_is_reported_wherever_its_loop_is(stand_in, where):
    """On the loop that the recording ends on, on another one, and on one that is no more."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)

    async def call():
        async with httpx.AsyncClient(timeout=0.05) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("http://payments/x")

    async def end():
        context.__exit__(None, None, None)

    context = record()
    stand_in(context.__enter__(), app=stuck)
    if where == "other thread":
        thread.start()
        asyncio.run_coroutine_threadsafe(call(), loop).result(5)
    else:
        loop.run_until_complete(call())
    if where == "closed":
        loop.run_until_complete(_cancel_all())
        loop.close()
    with pytest.raises(AssertionError) as caught:
        if where == "here":
            loop.run_until_complete(end())
        elif where == "other loop running":
            asyncio.run(end())
        else:
            context.__exit__(None, None, None)
    assert str(caught.value) == "stand-in http://payments: the app's startup did not end"
    if where == "other thread":
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    if not loop.is_closed():
        loop.run_until_complete(_cancel_all())
        loop.close()


async def _cancel_all():
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_startup_that_cannot_be_cancelled_is_reported_as_startup(stand_in, give_up, monkeypatch):
    """Not as a shutdown that takes its time."""
    from pytest_traces.wire.stand_in import playing_asgi

    monkeypatch.setattr(playing_asgi, "_PATIENCE", 0.02)

    began = threading.Event()

    async def app(scope, receive, send):
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)

    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=app)
        while not began.is_set():  # a client that is given little time may be gone before
            give_up(False)
    assert str(caught.value) == "stand-in http://payments: the app's startup did not end"


@KINDS
def test_a_wsgi_app_goes_on_behind_the_clients_back(play, give_up, is_async):
    """And closes what it has begun when it is done."""
    go, closed = threading.Event(), threading.Event()

    class Parts(list):
        def close(self):
            closed.set()

    def app(environ, start_response):
        go.wait(5)
        start_response("200 OK", [])
        return Parts([b"a"])

    payments = play(app=app)
    told, took = give_up(is_async)
    assert told == TOLD
    assert took < 4
    assert not closed.is_set()
    go.set()
    assert closed.wait(5)
    assert [one.status for one in payments.requests] == [None]


@KINDS
def test_a_wsgi_app_that_never_ends_its_answer(play, give_up, is_async):
    """Each part has the whole timeout, as in httpx."""
    go = threading.Event()

    def app(environ, start_response):
        start_response("200 OK", [])
        for _ in range(4):
            time.sleep(0.06)
            yield b"a"
        go.wait(5)

    play(app=app)
    told, took = give_up(is_async, limit=0.2)
    go.set()
    assert told == TOLD.replace("0.05", "0.2")
    assert 0.4 < took < 4


def test_a_wsgi_app_that_hangs_is_a_fault(stand_in, give_up, monkeypatch):
    """It is waited for at the end, but not for ever."""
    monkeypatch.setattr(playing_wsgi, "_PATIENCE_NS", 20_000_000)
    go = threading.Event()

    def app(environ, start_response):
        go.wait(20)
        return []

    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=app)
        give_up(False)
    go.set()
    assert (
        str(caught.value) == "stand-in http://payments: the app has not ended GET http://payments/x"
    )


def test_a_wsgi_app_that_is_slow_to_close_keeps_no_client(play):
    """The client has its answer, and does not wait for the rest of the work."""
    go = threading.Event()

    class Parts(list):
        def close(self):
            go.wait(5)

    def app(environ, start_response):
        start_response("200 OK", [])
        return Parts([b"a"])

    play(app=app)
    began = time.monotonic()
    assert httpx.get("http://payments/x", timeout=0.05).content == b"a"
    assert time.monotonic() - began < 4
    go.set()


def test_a_timeout_that_a_wsgi_app_raises_is_its_own(play, caplog):
    """It is a failure of the service like every other."""

    def app(environ, start_response):
        raise TimeoutError("the bank")

    play(app=app)
    assert httpx.get("http://payments/x", timeout=5).status_code == 500

    def leaves(environ, start_response):
        raise SystemExit(3)

    play("http://leaves", app=leaves)
    with pytest.raises(SystemExit):
        httpx.get("http://leaves/x", timeout=5)


def test_a_wsgi_answer_that_nobody_closes_leaves_no_thread(stand_in):
    """The end of the recording is its end; a client that reads on then is told so."""
    closed = []

    def app(environ, start_response):
        start_response("200 OK", [])
        try:
            while True:
                yield b"a"
        finally:
            closed.append(threading.current_thread().name)

    with httpx.Client(timeout=5) as client:
        with record() as act:
            stand_in(act, app=app)
            response = client.send(client.build_request("GET", "http://payments/x"), stream=True)
        assert closed == ["stand-in http://payments app"]
        with pytest.raises(RuntimeError, match="the stand-in has ended"):
            response.read()


def test_trio_has_timeouts_as_well(act, play):
    """For routes, and for applications of both kinds."""
    trio = pytest.importorskip("trio")
    go = threading.Event()

    def slow(environ, start_response):
        go.wait(5)
        return []

    async def handler(request):
        await trio.sleep(60)

    play().get("/x").mock(side_effect=handler)
    play("http://delayed", delay="10s").get("/x")
    play("http://never", app=never)
    play("http://half", app=half)
    play("http://slow", app=slow)

    async def main():
        async with httpx.AsyncClient(timeout=0.05) as client:
            for host in ("payments", "delayed", "never", "half", "slow"):
                with pytest.raises(httpx.ReadTimeout) as caught:
                    await client.get(f"http://{host}/x")
                assert str(caught.value) == TOLD.replace("payments", host)

    trio.run(main)
    go.set()
    assert [span.status for span in act.spans] == ["unset", "unset"]


def test_over_the_network_it_is_the_clients_own(play):
    """The service is slow, and the client of the loopback port gives up by itself."""
    payments = play(delay="200ms")
    payments.get("/x")
    with pytest.raises(httpx.ReadTimeout) as caught:
        httpx.get(f"{payments.url}/x", timeout=0.05)
    assert str(caught.value) == "timed out"
