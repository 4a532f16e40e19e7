"""Stand-ins beside other mocks of httpx, and beside real traffic."""

from __future__ import annotations

import httpx
import pytest
import respx
from respx.mocks import HTTPCoreMocker, HTTPXMocker

from pytest_traces import record
from pytest_traces.wire.stand_in import UnroutedRequest

MODES = pytest.mark.parametrize("using", ["httpcore", "httpx"])
NOT_MOCKED = "RESPX: <Request('GET', 'http://elsewhere/')> not mocked!"


def test_real_traffic_passes(play, real, in_async_client):
    """A stand-in is asked for its own URLs only; bodies that are streams still get there."""
    play(optional=True)
    assert httpx.get(f"{real}/x").text == "real /x"

    async def call(client):
        return (await client.get(f"{real}/y", params={"a": "b"})).text

    assert in_async_client(call) == "real /y?a=b"
    with pytest.raises(httpx.ConnectError):
        httpx.get("http://127.0.0.1:1/")


@MODES
def test_a_router_that_was_there_before_decides_about_all_other_urls(play, real, using):
    """Its routes answer; it refuses the rest in its own words; what it passes on, passes."""
    with respx.mock(using=using) as router:
        router.get("http://mocked/x").respond(text="mocked")
        router.get(f"{real}/x").pass_through()
        play().get("/x").respond(text="played")

        assert httpx.get("http://mocked/x").text == "mocked"
        assert httpx.get("http://payments/x").text == "played"
        assert httpx.get(f"{real}/x").text == "real /x"
        with pytest.raises(AssertionError) as caught:
            httpx.get("http://elsewhere/")
        assert str(caught.value) == NOT_MOCKED
    assert httpx.get(f"{real}/x").text == "real /x"
    assert httpx.get("http://payments/x").text == "played"


@MODES
def test_a_router_that_comes_later_decides_about_all_other_urls(play, real, in_async_client, using):
    """For asynchronous clients as well."""
    play().get("/x").respond(text="played")
    with respx.mock(using=using) as router:
        router.get("http://mocked/x").respond(text="mocked")
        router.get(f"{real}/x").pass_through()

        async def calls(client):
            urls = ("http://mocked/x", "http://payments/x", f"{real}/x")
            texts = [(await client.get(url)).text for url in urls]
            with pytest.raises(AssertionError) as caught:
                await client.get("http://elsewhere/")
            return [*texts, str(caught.value)]

        assert in_async_client(calls) == ["mocked", "played", "real /x", NOT_MOCKED]


@MODES
def test_a_router_that_makes_answers_up_makes_none_for_a_stand_in(play, using):
    """With ``assert_all_mocked=False``: neither for a route nor for a path without one."""
    payments = play(optional=True)
    payments.get("/x").respond(418)
    with respx.mock(using=using, assert_all_mocked=False):
        assert httpx.get("http://elsewhere/").status_code == 200
        assert httpx.get("http://payments/x").status_code == 418
        with pytest.raises(UnroutedRequest):
            httpx.get("http://payments/y")
    payments._faults.clear()


@MODES
def test_the_routers_own_complaints_are_theirs(play, using):
    """A route of theirs for a stand-in's URL is never called, and they say so."""
    play().get("/x").respond(text="played")
    with pytest.raises(AssertionError, match="some routes were not called"):
        with respx.mock(using=using) as router:
            router.get("http://payments/x").respond(text="mocked")
            assert httpx.get("http://payments/x").text == "played"


def test_routers_of_both_kinds_at_once(play):
    """Each of them has its own URLs."""
    play().get("/x").respond(text="played")
    with respx.mock(using="httpx", assert_all_mocked=True) as above:
        with respx.mock(using="httpcore") as below:
            above.get("http://above/").respond(text="above")
            above.get("http://below/").pass_through()
            below.get("http://below/").respond(text="below")
            urls = ("http://above/", "http://below/", "http://payments/x")
            assert [httpx.get(url).text for url in urls] == ["above", "below", "played"]


def test_a_router_that_outlives_the_stand_in_stays(stand_in, real):
    """In both orders; what was patched stays patched as long as somebody needs it."""
    with respx.mock as router:
        router.get("http://mocked/").respond(text="mocked")
        with record() as act:
            stand_in(act).get("/x")
            httpx.get("http://payments/x")
        assert httpx.get("http://mocked/").text == "mocked"
        with pytest.raises(AssertionError, match="not mocked"):
            httpx.get("http://payments/x")
        assert HTTPCoreMocker.routers == [router]
        assert HTTPXMocker.routers == []
    with record() as act:
        stand_in(act).get("/x")
        httpx.get("http://payments/x")
        respx.start()
        assert len(HTTPCoreMocker.routers) == 2
    assert HTTPCoreMocker.routers == [respx.mock]
    respx.stop()
    assert httpx.get(f"{real}/x").text == "real /x"


@respx.mock
def test_the_decorator_of_respx(play):
    """It begins before the test's body."""
    respx.get("http://mocked/").respond(text="mocked")
    play().get("/x").respond(text="played")
    assert httpx.get("http://mocked/").text == "mocked"
    assert httpx.get("http://payments/x").text == "played"


@pytest.mark.respx(base_url="http://mocked", using="httpx")
def test_the_fixture_of_respx(play, respx_mock):
    """With the options of its marker."""
    respx_mock.get("/").respond(text="mocked")
    play().get("/x").respond(text="played")
    assert httpx.get("http://mocked/").text == "mocked"
    assert httpx.get("http://payments/x").text == "played"


def test_a_handler_whose_own_request_is_not_mocked_fails_as_without_a_stand_in(play, act):
    """The next router is asked, and then the error is respx's own."""

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.get("http://elsewhere/")

    play().get("/x").mock(side_effect=handler)
    with respx.mock, pytest.raises(AssertionError, match="not mocked"):
        httpx.get("http://payments/x")
    assert act.get("GET /x").status == "error"


def test_pytest_httpx_keeps_all_other_urls(play, request):
    """What it is told to leave alone reaches the stand-in."""
    pytest.importorskip("pytest_httpx", minversion="0.33")
    others = pytest.mark.httpx_mock(should_mock=lambda request: request.url.host != "payments")
    request.node.add_marker(others)
    httpx_mock = request.getfixturevalue("httpx_mock")
    httpx_mock.add_response(url="http://mocked/", text="mocked")
    play().get("/x").respond(text="played")
    assert httpx.get("http://mocked/").text == "mocked"
    assert httpx.get("http://payments/x").text == "played"


def test_pytest_httpx_that_takes_a_request_is_named(stand_in, request):
    """Else nobody would know why the route was never called."""
    pytest.importorskip("pytest_httpx")
    httpx_mock = request.getfixturevalue("httpx_mock")
    httpx_mock.add_response(url="http://payments/x", text="mocked")
    with pytest.raises(AssertionError) as caught, record() as act:
        stand_in(act).get("/x")
        assert httpx.get("http://payments/x").text == "mocked"
    assert str(caught.value).splitlines()[0] == (
        "stand-in http://payments: GET http://payments/x, sent by httpx, never arrived: "
        "pytest-httpx came first"
    )


def test_a_client_with_a_transport_of_its_own_is_left_alone(play, act):
    """It never asks for the network."""
    play(optional=True)
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text="transport"))
    with httpx.Client(transport=transport) as client:
        assert client.get("http://elsewhere/x").text == "transport"
    assert not act.spans


def test_stand_ins_of_a_nested_recording_end_with_it(act, play, stand_in, real):
    """Those of the test stay."""
    play("http://outer").get("/x").respond(text="outer")
    with record() as inner:
        stand_in(inner, real).get("/x").respond(text="inner")
        assert httpx.get(f"{real}/x").text == "inner"
        assert httpx.get("http://outer/x").text == "outer"
    assert httpx.get(f"{real}/x").text == "real /x"
    assert httpx.get("http://outer/x").text == "outer"
    act.assert_count("GET /x", 3)
    inner.assert_count("GET /x", 2)


def test_nothing_is_left_after_an_error(stand_in, real):
    """The recording ends, whatever ended it; so does a stand-in that could not begin."""
    with pytest.raises(ZeroDivisionError), record() as act:
        payments = stand_in(act)
        assert httpx.get(f"{payments.url}/x").status_code == 501
        1 / 0  # noqa: B018
    assert HTTPCoreMocker.routers == []
    assert httpx.get(f"{real}/x").text == "real /x"


def test_a_start_that_fails_is_undone(play, stand_in, monkeypatch):
    """respx could not patch: then there is no stand-in."""

    def fail():
        raise RuntimeError("no")

    with pytest.raises(AssertionError) as caught, record() as act:
        with monkeypatch.context() as patch:
            patch.setattr(HTTPCoreMocker, "start", fail)
            with pytest.raises(RuntimeError, match="no"):
                stand_in(act)
        assert HTTPCoreMocker.routers == []
        stand_in(act).get("/x")
    assert "GET /x was never called" in str(caught.value)
