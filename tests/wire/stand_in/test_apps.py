"""Applications that play a service: ASGI and WSGI, for clients of every kind."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading

import httpx
import pytest

from pytest_traces import BadValue, record

pytest.importorskip("starlette")
pytest.importorskip("flask")

import flask
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

CALLERS: contextvars.ContextVar[str] = contextvars.ContextVar("callers", default="nothing")


async def echo(request: Request) -> Response:
    body = await request.body()
    response = JSONResponse(
        {
            "method": request.method,
            "url": str(request.url),
            "root": request.scope["root_path"],
            "path": request.scope["path"],
            "raw": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "x": request.headers.getlist("x"),
            "size": len(body),
            "server": list(request.scope["server"]),
            "client": request.client.host,
            "variable": CALLERS.get(),
        }
    )
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def wsgi_echo() -> object:
    app = flask.Flask("echo")

    @app.route("/<path:path>", methods=["GET", "POST", "HEAD"])
    def echo(path: str):
        environ = flask.request.environ
        response = flask.jsonify(
            {
                "method": flask.request.method,
                "url": flask.request.url,
                "root": environ["SCRIPT_NAME"],
                "path": environ["PATH_INFO"].encode("latin-1").decode(),
                "query": environ["QUERY_STRING"],
                "x": environ.get("HTTP_X", "").split(", "),
                "size": len(flask.request.get_data()),
                "server": [environ["SERVER_NAME"], int(environ["SERVER_PORT"])],
                "client": environ["REMOTE_ADDR"],
                "variable": CALLERS.get(),
                "cookie": flask.request.headers.get("cookie"),
            }
        )
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    return app


@pytest.fixture(params=["blocking", "asynchronous", "url"])
def send(request, in_async_client):
    """Sends a request by a client of each kind, and over the network."""

    def send(stand_in, path, *, method="GET", **keywords):
        base = stand_in.url if request.param == "url" else stand_in.base_url

        async def call(client):
            CALLERS.set("the caller's")
            return await client.request(method, base + path, **keywords)

        def blocking():
            CALLERS.set("the caller's")
            return httpx.request(method, base + path, **keywords)

        if request.param == "asynchronous":
            return in_async_client(call)
        return contextvars.copy_context().run(blocking)

    send.kind = request.param
    return send


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_app_gets_the_request_as_it_was_sent(play, send, kind):
    """Mounted at the base URL's path, in an empty context; and its answer comes back whole."""
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    service = play("http://gateway:8080/pay", app=app if kind == "asgi" else wsgi_echo())
    path = "/caf%C3%A9/x"
    headers = [("x", "1"), ("x", "2"), ("cookie", "c=1"), ("cookie", "d=2")]
    response = send(
        service, f"{path}?q=%20&q=2", method="POST", content=b"a" * 200_000, headers=headers
    )

    found = response.json()
    assert found["method"] == "POST"
    assert found["x"] == ["1", "2"]
    assert found["size"] == 200_000
    assert found["query"] == "q=%20&q=2"
    assert found["root"] == "/pay"
    assert found["path"] == ("/pay/café/x" if kind == "asgi" else "/café/x")
    assert found["server"] == ["gateway", 8080]
    assert found["client"] == "127.0.0.1"
    assert found["variable"] == "nothing"
    assert found.get("raw", "/pay/caf%C3%A9/x") == "/pay/caf%C3%A9/x"
    assert found.get("cookie", "c=1; d=2") == "c=1; d=2"
    if send.kind != "url":
        assert found["url"].startswith("http://gateway:8080/pay/caf")
    assert len(response.headers.get_list("set-cookie")) == 2


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_https_and_head(play, in_async_client, kind):
    """The scheme is that of the base URL; HEAD has no body."""
    app = Starlette(routes=[Route("/{path:path}", echo)])
    service = play("https://payments", app=app if kind == "asgi" else wsgi_echo())
    assert httpx.get("https://payments/x").json()["url"] == "https://payments/x"
    assert httpx.get(f"{service.url}/x").json()["url"] == f"{service.url}/x"
    response = httpx.head("https://payments/x")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_app_that_raises_is_a_status_of_500(play, act, send, caplog, kind):
    """As it would be of a real server; the exception is logged, not raised into the caller."""
    if kind == "asgi":

        async def app(scope, receive, send):
            raise ValueError("boom")
    else:

        def app(environ, start_response):
            raise ValueError("boom")

    response = send(play(app=app), "/x")
    assert (response.status_code, response.text) == (500, "Internal Server Error")
    (entry,) = caplog.records
    assert entry.getMessage() == "stand-in http://payments: the app raised on GET http://payments/x"
    assert str(entry.exc_info[1]) == "boom"
    assert not act.spans


def test_wsgi_apps_that_break_the_protocol_are_a_status_of_500(play, send, caplog):
    """No status, or two of them."""

    def none(environ, start_response):
        return [b""]

    def two(environ, start_response):
        start_response("200 OK", [])
        start_response("200 OK", [])
        return []

    assert send(play("http://none", app=none), "/x").status_code == 500
    assert send(play("http://two", app=two), "/x").status_code == 500


def test_asgi_apps_that_break_the_protocol_are_a_status_of_500(play, send, caplog):
    """No answer, no whole answer, a body before the status."""

    async def none(scope, receive, send):
        pass

    async def body(scope, receive, send):
        await send({"type": "http.response.body", "body": b"x"})

    assert send(play("http://none", app=none), "/x").status_code == 500
    assert send(play("http://body", app=body), "/x").status_code == 500


def test_what_a_wsgi_app_may_do(play, send):
    """Generators, write(), a second start_response with the exception, close()."""
    closed = []

    class Parts:
        def __iter__(self):
            yield b"b"
            yield b""
            yield b"c"

        def close(self):
            closed.append(CALLERS.get())

    def app(environ, start_response):
        CALLERS.set("the app's")
        start_response("200 OK", [("x", "1")])
        error = (ValueError, ValueError("boom"), None)
        write = start_response("207 Multi-Status", [("x", "2")], error)
        write(b"a")
        return Parts()

    def late(environ, start_response):
        start_response("200 OK", [])
        yield b"late"

    response = send(play(app=app), "/x")
    assert (response.status_code, response.headers["x"], response.content) == (207, "2", b"abc")
    assert closed == ["the app's"]
    assert send(play("http://late", app=late), "/x").content == b"late"


@pytest.mark.parametrize("kind", ["asgi", "wsgi"])
def test_an_answer_that_breaks_off_is_a_broken_connection(play, send, caplog, kind):
    """The status has left already."""
    if kind == "asgi":

        async def app(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"a", "more_body": True})
            raise ValueError("boom")
    else:

        def app(environ, start_response):
            start_response("200 OK", [])
            yield b"a"
            raise ValueError("boom")

    with pytest.raises(httpx.RemoteProtocolError) as caught:
        send(play(app=app), "/x")
    if send.kind != "url":
        assert str(caught.value) == "the stand-in's app broke off its answer: ValueError: boom"
    assert any("the app raised on GET" in entry.getMessage() for entry in caplog.records)


def test_a_close_that_raises_is_logged(play, caplog):
    """The answer has been given."""

    class Parts(list):
        def close(self):
            raise ValueError("boom")

    def app(environ, start_response):
        start_response("200 OK", [])
        return Parts([b"a"])

    play(app=app)
    assert httpx.get("http://payments/x").content == b"a"
    assert len(caplog.records) == 1


async def ticks(scope, receive, send):
    """An endless answer."""
    if scope["type"] == "lifespan":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    number = 0
    while True:
        await send({"type": "http.response.body", "body": b"%d\n" % number, "more_body": True})
        number += 1


def wsgi_ticks(environ, start_response):
    """The same of the other protocol."""
    start_response("200 OK", [])
    number = 0
    while True:
        yield b"%d\n" % number
        number += 1


@pytest.mark.parametrize("app", [ticks, wsgi_ticks])
def test_an_endless_answer_is_read_as_far_as_wanted(play, in_async_client, app):
    """It is made while it is read, and ends when the client goes."""
    service = play(app=app)

    for base in (service.base_url, service.url):
        with httpx.stream("GET", f"{base}/x") as response:
            lines = response.iter_lines()
            assert [next(lines) for _ in range(50)] == [str(number) for number in range(50)]

    async def call(client):
        async with client.stream("GET", "http://payments/x") as response:
            lines = response.aiter_lines()
            return [await anext(lines) for _ in range(50)]

    assert in_async_client(call) == [str(number) for number in range(50)]


def test_an_app_of_starlette_streams(play, send):
    """Which listens for the client's going while it sends."""

    async def parts():
        for number in range(40):
            yield f"{number},"

    async def stream(request):
        return StreamingResponse(parts())

    service = play(app=Starlette(routes=[Route("/x", stream)]))
    assert send(service, "/x").text == "".join(f"{number}," for number in range(40))


def test_work_behind_the_answer_goes_on(act, play):
    """The client is not kept waiting for it; the end of the recording is its end."""
    done, go = threading.Event(), threading.Event()

    def work():
        go.wait(5)
        done.set()

    async def answer(request):
        return PlainTextResponse("ok", background=BackgroundTask(work))

    play(app=Starlette(routes=[Route("/x", answer)]))
    assert httpx.get("http://payments/x").text == "ok"
    assert not done.is_set()
    go.set()
    assert done.wait(5)


def test_what_still_runs_at_the_end_is_cancelled(stand_in):
    """On the stand-in's own thread."""
    seen = []

    async def work():
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def answer(request):
        return PlainTextResponse("ok", background=BackgroundTask(work))

    with record() as act:
        stand_in(act, app=Starlette(routes=[Route("/x", answer)]))
        httpx.get("http://payments/x")
    assert seen == ["cancelled"]


def test_a_call_that_the_client_gives_up_is_cancelled_in_the_app(play, in_async_client):
    """Before it has answered."""
    seen = []

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            return
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append((await receive())["type"])
            seen.append((await receive())["type"])
            raise

    play(app=app)

    async def give_up(client):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.get("http://payments/x"), 0.02)

    in_async_client(give_up)
    assert seen == ["http.request", "http.disconnect"]


def with_lifespan(log, *, fail_up="", fail_down=""):
    """An application that says when it starts and ends, and which state a request sees."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(app):
        log.append(("up", threading.current_thread().name, CALLERS.get()))
        if fail_up:
            raise ValueError(fail_up)
        yield {"database": "open"}
        log.append(("down", threading.current_thread().name, CALLERS.get()))
        if fail_down:
            raise ValueError(fail_down)

    async def answer(request):
        return PlainTextResponse(request.state.database)

    return Starlette(routes=[Route("/x", answer)], lifespan=lifespan)


def test_an_app_is_started_once_and_shut_down(stand_in):
    """By the first request, on a thread of the stand-in where the client blocks."""
    log = []
    with record() as act:
        service = stand_in(act, app=with_lifespan(log))
        assert log == []
        CALLERS.set("the caller's")
        for base in (service.base_url, service.url):
            assert httpx.get(f"{base}/x").text == "open"
    name = "stand-in http://payments loop"
    assert log == [("up", name, "nothing"), ("down", name, "nothing")]


def test_an_app_runs_on_the_loop_of_an_asynchronous_client(stand_in):
    """It is asked to end at the end of the recording, and does while the loop goes on."""
    log = []

    async def main():
        with record() as act:
            stand_in(act, app=with_lifespan(log))
            async with httpx.AsyncClient() as client:
                assert (await client.get("http://payments/x")).text == "open"
                assert (await client.get("http://payments/x")).text == "open"
        for _ in range(10):
            await asyncio.sleep(0)
        return list(log)

    seen = asyncio.run(main())
    assert [what for what, _, _ in seen] == ["up", "down"]
    assert {name for _, name, _ in seen} == {threading.current_thread().name}


@pytest.mark.parametrize("where", ["here", "closed", "other thread", "other loop running"])
def test_an_app_is_shut_down_where_its_loop_is(stand_in, where):
    """A loop that stands still is run for it; one that was closed before has cancelled it."""
    log = []
    loop = asyncio.new_event_loop()

    async def call():
        async with httpx.AsyncClient() as client:
            assert (await client.get("http://payments/x")).text == "open"

    context = record()
    act = context.__enter__()
    stand_in(act, app=with_lifespan(log))
    thread = threading.Thread(target=loop.run_forever)
    if where == "other thread":
        thread.start()
        asyncio.run_coroutine_threadsafe(call(), loop).result(5)
    else:
        loop.run_until_complete(call())
    if where == "closed":
        loop.run_until_complete(_cancel_all())
        loop.close()

    async def end():
        context.__exit__(None, None, None)

    if where == "other loop running":
        asyncio.run(end())
    else:
        context.__exit__(None, None, None)
    if where == "other thread":
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    expected = ["up"] if where == "other loop running" else ["up", "down"]
    assert [what for what, _, _ in log] == expected
    if not loop.is_closed():
        loop.run_until_complete(_cancel_all())
        loop.close()


async def _cancel_all():
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_an_app_that_cannot_start_is_a_fault(stand_in):
    """Whoever calls it is told, and so is the test."""
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=with_lifespan([], fail_up="no database"))
        for _ in range(2):
            with pytest.raises(RuntimeError, match="the app could not start"):
                httpx.get("http://payments/x")
    assert str(caught.value) == (
        "stand-in http://payments: the app could not start: ValueError: no database (2 times)"
    )


def test_an_app_whose_shutdown_fails_is_a_fault(stand_in):
    """Nobody else would hear of it."""
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=with_lifespan([], fail_down="no database"))
        httpx.get("http://payments/x")
    assert str(caught.value) == (
        "stand-in http://payments: the app's shutdown failed: ValueError: no database"
    )


def test_a_shutdown_that_does_not_end_is_a_fault(stand_in, monkeypatch):
    """It is waited for, but not for ever."""
    from pytest_traces.wire.stand_in import playing_asgi

    monkeypatch.setattr(playing_asgi, "_PATIENCE", 0.02)

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await asyncio.sleep(60)
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=app)
        httpx.get("http://payments/x")
    assert str(caught.value) == (
        "stand-in http://payments: the app's shutdown failed: it takes more than 0.02 s"
    )


def test_lifespans_of_apps_that_know_none_or_half_of_it(stand_in):
    """One that raises has none; one that says nothing of why it failed failed all the same."""

    async def raises(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        assert "state" not in scope
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})
        await send({"type": "http.response.body"})
        await send({"type": "http.response.start", "status": 500})

    async def silent(scope, receive, send):
        assert (await receive())["type"] == "lifespan.startup"
        await send({"type": "lifespan.startup.failed"})

    async def rude(scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            raise ValueError("late")
        await raises(scope, receive, send)

    with record() as act:
        stand_in(act, app=raises)
        assert httpx.get("http://payments/x").status_code == 204
    with pytest.raises(AssertionError, match="could not start: it did not say why"):
        with record() as act:
            stand_in(act, app=silent)
            with pytest.raises(RuntimeError):
                httpx.get("http://payments/x")
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=rude)
        httpx.get("http://payments/x")
    assert (
        str(caught.value) == "stand-in http://payments: the app's shutdown failed: ValueError: late"
    )


def test_an_app_that_nobody_called_is_a_fault(stand_in):
    """Unless it is optional."""
    with record() as act:
        stand_in(act, app=ticks, optional=True)
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act, app=ticks)
    assert str(caught.value).startswith(
        "stand-in http://payments: its app was never called; no call came"
    )


def test_routes_come_before_the_app(act, play, send):
    """So one path can fail while the application answers the others."""
    app = Starlette(routes=[Route("/{path:path}", echo)])
    service = play(app=app, delay="1ms")
    service.get("/down").respond(503)
    assert send(service, "/down").status_code == 503
    assert send(service, "/up").status_code == 200
    act.assert_tree("GET /down")
    assert [one.status for one in service.requests] == [503, 200]
    assert len(service.calls) == 2


def test_a_request_of_an_app_to_another_stand_in(act, play, send):
    """Services call each other; only headers link them."""

    async def front(request):
        async with httpx.AsyncClient() as client:
            return PlainTextResponse((await client.get("http://back/x")).text)

    play("http://back").get("/x").respond(text="back")
    service = play("http://front", app=Starlette(routes=[Route("/x", front)]))
    assert send(service, "/x").text == "back"
    roles = {one.url: one.role for one in act._frame.recording.requests_between()}
    assert roles.get("http://back/x", "outgoing") == "outgoing"


class Callable3:
    def __call__(self, scope, receive, send):
        return ticks(scope, receive, send)


class AsyncCallable:
    async def __call__(self, scope, receive, send):
        await ticks(scope, receive, send)


def half(more, environ, start_response):
    return wsgi_ticks(environ, start_response)


@pytest.mark.parametrize(
    "app", [Callable3(), AsyncCallable(), AsyncCallable().__call__, ticks, functools.partial(ticks)]
)
def test_asgi_apps_are_recognised(play, app):
    """Functions, objects, wrappers that are no coroutine functions themselves."""
    play(app=app)
    with httpx.stream("GET", "http://payments/x") as response:
        assert next(response.iter_bytes()) == b"0\n"


@pytest.mark.parametrize("app", [wsgi_ticks, functools.partial(half, 1)])
def test_wsgi_apps_are_recognised(play, app):
    """By their two arguments."""
    play(app=app)
    with httpx.stream("GET", "http://payments/x") as response:
        assert next(response.iter_bytes()) == b"0\n"


@pytest.mark.parametrize(
    "app",
    [
        Starlette,
        lambda: None,
        print,
        7,
        lambda *args: None,
        {}.get,
        dict.fromkeys,
        type("X", (), {"__call__": None})(),
    ],
)
def test_what_is_no_app_is_refused(play, app):
    """A class, a factory, anything else."""
    with pytest.raises(BadValue) as caught:
        play(app=app)
    assert str(caught.value).endswith(
        "it is an ASGI app (scope, receive, send) or a WSGI app (environ, start_response)"
    )


def test_an_answer_that_is_closed_after_the_end_is_no_error(stand_in):
    """A client may live longer than the test."""
    client = httpx.Client()
    with record() as act:
        stand_in(act, app=ticks)
        response = client.send(client.build_request("GET", "http://payments/x"), stream=True)
    response.close()
    client.close()


def test_a_trace_without_the_apps_spans_says_whose_they_are(act, play):
    """Once, however many requests come."""
    play(app=Starlette(routes=[Route("/x", echo)]))
    for _ in range(2):
        httpx.get("http://payments/x")
    with pytest.raises(AssertionError) as caught:
        act.assert_tree("GET /x")
    note = "http://payments is played by an app: its spans are those of its instrumentation"
    assert str(caught.value).count(note) == 1


def test_an_app_that_waits_for_itself_is_told_so(play, caplog):
    """Its one thread cannot give the answer that it waits for."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            httpx.get("http://payments/y")

    play(app=app)
    assert httpx.get("http://payments/x").status_code == 500
    (entry,) = caplog.records
    assert "a real server would hang" in str(entry.exc_info[1])
