"""Web frameworks: situation (i), in whole suites."""

from __future__ import annotations

import pytest

PROVIDER = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    tracer = trace.get_tracer("app")
"""

TESTS = """
    import pytest
    from app import app
    from starlette.testclient import TestClient

    @pytest.mark.parametrize("number", [1, 2])
    def test_request(traces, number):
        assert TestClient(app).get(f"/orders/{number}").status_code == 200
        seen = traces.ignoring(
            "GET /orders/{number} http send", "GET /orders/{number} http receive",
            "endpoint", "serialize_response", "solve_dependencies",
        )
        seen.assert_tree("GET /orders/{number}\\n  SELECT orders")
        assert seen.get("GET /orders/{number}").kind == "server"

    def test_without_a_recording():
        assert TestClient(app).get("/orders/3").status_code == 200

    def test_nothing(traces):
        traces.assert_none()
"""


def test_fastapi_instrumentor(suite, order):
    """(i) FastAPI's instrumentor with a provider that is nobody's global."""
    pytest.importorskip("opentelemetry.instrumentation.fastapi")
    suite.write(
        "app.py",
        PROVIDER,
        """
        from fastapi import FastAPI
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        app = FastAPI()

        @app.get("/orders/{number}")
        def order(number: int):
            provider.get_tracer("db").start_span("SELECT orders").end()
            return number

        FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
        """,
    )
    suite.write("test_app.py", TESTS)
    suite.run(order).passed(4)


def test_fastapi_on_its_own(suite, order):
    """(i) FastAPI's native telemetry, which emits nothing without a provider, is recorded."""
    pytest.importorskip("fastapi.telemetry")
    suite.write(
        "app.py",
        PROVIDER,
        """
        from fastapi import FastAPI

        app = FastAPI()

        @app.get("/orders/{number}")
        def order(number: int):
            tracer.start_span("SELECT orders").end()
            return number
        """,
    )
    suite.write("test_app.py", TESTS)
    suite.run(order).passed(4)


def test_starlette_middleware(suite, order):
    """(i) The ASGI middleware in a Starlette application."""
    pytest.importorskip("opentelemetry.instrumentation.asgi")
    suite.write(
        "app.py",
        PROVIDER,
        """
        from opentelemetry.instrumentation.starlette import StarletteInstrumentor
        from starlette.applications import Starlette
        from starlette.responses import JSONResponse
        from starlette.routing import Route

        async def order(request):
            tracer.start_span("SELECT orders").end()
            return JSONResponse({})

        app = Starlette(routes=[Route("/orders/{number}", order)])
        StarletteInstrumentor.instrument_app(app)
        """,
    )
    suite.write("test_app.py", TESTS)
    suite.run(order).passed(4)


def test_flask_instrumentor(suite, order):
    """(i) Flask's instrumentor, with no provider at all."""
    pytest.importorskip("opentelemetry.instrumentation.flask")
    suite.write(
        "app.py",
        PROVIDER,
        """
        from flask import Flask
        from opentelemetry.instrumentation.flask import FlaskInstrumentor

        app = Flask("app")

        @app.get("/orders/<int:number>")
        def order(number):
            tracer.start_span("SELECT orders").end()
            return {}

        FlaskInstrumentor().instrument_app(app)
        """,
    )
    suite.write(
        "test_app.py",
        """
        import pytest
        from app import app

        @pytest.mark.parametrize("number", [1, 2])
        def test_request(traces, number):
            assert app.test_client().get(f"/orders/{number}").status_code == 200
            traces.assert_tree("GET /orders/<int:number>\\n  SELECT orders")

        def test_nothing(traces):
            traces.assert_none()
        """,
    )
    suite.run(order).passed(3)
