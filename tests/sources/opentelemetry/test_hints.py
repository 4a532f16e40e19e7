"""The hint that names what is not instrumented."""

from __future__ import annotations

import pytest

BEGIN = """
    from pytest_traces import record

    def hint(name="x"):
        with record(timeout="1ms") as act:
            try:
                act.get(name)
            except AssertionError as error:
                lines = str(error).splitlines()
                found = [number for number, line in enumerate(lines) if "hint:" in line]
                return " ".join(line.strip() for line in lines[found[0]:]) if found else None
"""


def test_flask(script):
    """A Flask application is named by the variable that holds it, until it is instrumented."""
    pytest.importorskip("flask")
    out = script(
        BEGIN,
        """
        import flask
        print(hint())
        shop = flask.Flask("x")
        print(hint())
        try:
            from opentelemetry.instrumentation.flask import FlaskInstrumentor
        except ImportError:
            raise SystemExit
        FlaskInstrumentor().instrument_app(shop)
        print(hint())
        """,
        strict=False,
    )
    call = "FlaskInstrumentor().instrument_app(shop)"
    first, second, *rest = out.splitlines()
    assert first == "None"
    assert second.startswith(f"hint:  the Flask application 'shop' is not instrumented: {call}")
    assert rest in ([], ["None"])


def test_the_whole_message(script):
    """The hint stands last, below what was captured."""
    pytest.importorskip("flask")
    pytest.importorskip("opentelemetry.sdk.trace")
    out = script(
        """
        import flask
        import opentelemetry.sdk.trace
        from pytest_traces import record

        shop = flask.Flask("x")
        shop.add_url_rule("/", view_func=lambda: "hello")
        with record(timeout="1ms") as act:
            assert shop.test_client().get("/").status_code == 200
            try:
                act.assert_tree("GET /")
            except AssertionError as error:
                print(error)
        """,
        strict=False,
    )
    out = out.replace(",\n         of opentelemetry-instrumentation-flask", "")
    assert out == (
        "no span was recorded\n"
        "\n"
        "  what was captured:\n"
        "    OpenTelemetry   0 spans; none was started during the recording\n"
        "                    no provider is set (none is needed)\n"
        "    hand-written    nothing added\n"
        "\n"
        "  hint:  the Flask application 'shop' is not instrumented:"
        " FlaskInstrumentor().instrument_app(shop)\n"
    )


def test_package_that_is_not_installed(script):
    """Where the instrumentation is missing, the hint says what it is in."""
    pytest.importorskip("flask")
    out = script(
        """
        import sys

        class Blocker:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name == "opentelemetry.instrumentation.flask":
                    raise ModuleNotFoundError(name)

        sys.meta_path.insert(0, Blocker)
        """,
        BEGIN,
        """
        import flask
        app = flask.Flask("x")
        print(hint())
        """,
    )
    assert out == (
        "hint:  the Flask application 'app' is not instrumented: "
        "FlaskInstrumentor().instrument_app(app), of opentelemetry-instrumentation-flask\n"
    )


def test_fastapi(script):
    """FastAPI is silent where its own telemetry is off; however it is instrumented, it is not."""
    pytest.importorskip("fastapi.telemetry")
    pytest.importorskip("opentelemetry.instrumentation.asgi")
    out = script(
        BEGIN,
        """
        import fastapi
        from opentelemetry import trace

        native = fastapi.FastAPI()
        print(hint())
        silent = fastapi.FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
        print(hint())
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
        silent.add_middleware(OpenTelemetryMiddleware)
        print(hint())
        """,
    )
    assert out == (
        "None\n"
        "hint:  the FastAPI application 'silent' is not instrumented:"
        " FastAPIInstrumentor.instrument_app(silent)\n"
        "None\n"
    )


def test_starlette(script):
    """A Starlette application, too."""
    pytest.importorskip("starlette")
    pytest.importorskip("opentelemetry.instrumentation.starlette")
    out = script(
        BEGIN,
        """
        from starlette.applications import Starlette
        app = Starlette()
        print(hint())
        from opentelemetry.instrumentation.starlette import StarletteInstrumentor
        StarletteInstrumentor.instrument_app(app)
        print(hint())
        """,
    )
    assert out == (
        "hint:  the Starlette application 'app' is not instrumented:"
        " StarletteInstrumentor.instrument_app(app)\n"
        "None\n"
    )


def test_client_library(script):
    """A client that has sent a request is named, where no span was recorded."""
    pytest.importorskip("opentelemetry.instrumentation.httpx")
    out = script(
        BEGIN,
        """
        import httpx

        def sends():
            client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
            with record(timeout="1ms") as act:
                client.get("http://payments/")
                try:
                    act.get("GET")
                except AssertionError as error:
                    found = str(error).partition("  hint:")[2]
                    return "hint:" + " ".join(found.split("\\n")) if found else None

        print(hint())
        print(sends())
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        HTTPXClientInstrumentor().instrument()
        print(hint())
        """,
    )
    text = (
        "hint:  httpx is imported but not instrumented:"
        " HTTPXClientInstrumentor.instrument_client(client)\n"
    )
    assert out == f"None\n{text}None\n"


def test_hand_written_tracing(script):
    """Who records spans by hand is not told to instrument anything."""
    pytest.importorskip("flask")
    out = script(
        BEGIN,
        """
        import flask
        app = flask.Flask("x")
        spans = []

        def record_span(name):
            spans.append(name)

        with record(timeout="1ms") as act:
            act.watch(spans)
            print(act._captures()[0].hint)
            with act.start_span("by hand"):
                pass
            print(act._captures()[0].hint)
        with record(timeout="1ms") as act:
            with act.start_span("by hand"):
                pass
            print(act._captures()[0].hint)
        """,
    )
    assert out == "None\nNone\nNone\n"


def test_modules_that_are_better_not_touched(script):
    """Lazy modules stay unloaded, and objects that object to being looked at are let be."""
    pytest.importorskip("flask")
    out = script(
        BEGIN,
        """
        import importlib.util, sys, types

        open("lazy_one.py", "w").close()
        spec = importlib.util.find_spec("lazy_one")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        lazy = sys.modules["lazy_one"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(lazy)

        class Touchy:
            def __getattribute__(self, name):
                raise RuntimeError("outside of a request")

            def __call__(self):
                pass

        touchy, unnamed = Touchy(), types.ModuleType("unnamed")
        sys.modules["unnamed"], sys.modules["nothing"] = unnamed, None
        import httpx, flask
        print(hint())
        print(type(lazy).__name__)
        """,
    )
    assert out.splitlines()[-1] == "_LazyModule"
