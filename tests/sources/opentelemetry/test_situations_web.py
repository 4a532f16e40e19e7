"""Web frameworks: situation (i), in whole suites."""

from __future__ import annotations

import pytest

PROVIDER = """
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    tracer = trace.get_tracer("app")
"""

FASTAPI = """
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    app = FastAPI()
    client = TestClient(app)

    @app.get("/orders/{number}")
    def order(number: int):
        provider.get_tracer("db").start_span("SELECT orders").end()
        return number
"""

INSTRUMENTED = """
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
"""

STARLETTE = """
    from opentelemetry.instrumentation.starlette import StarletteInstrumentor
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route
    from starlette.testclient import TestClient

    async def order(request):
        tracer.start_span("SELECT orders").end()
        return JSONResponse({})

    app = Starlette(routes=[Route("/orders/{number}", order)])
    client = TestClient(app)
    StarletteInstrumentor.instrument_app(app)
"""

FLASK = """
    from flask import Flask
    from opentelemetry.instrumentation.flask import FlaskInstrumentor

    app = Flask("app")
    client = app.test_client()

    @app.get("/orders/<int:number>")
    def order(number):
        tracer.start_span("SELECT orders").end()
        return {}

    FlaskInstrumentor().instrument_app(app)
"""

TESTS = """
    import pytest
    from pytest_traces import glob

    ROUTE = app.url_map._rules[-1].rule if hasattr(app, "url_map") else "/orders/{number}"

    @pytest.mark.parametrize("number", [1, 2])
    def test_request(traces, number):
        assert client.get(f"/orders/{number}").status_code == 200
        seen = traces.ignoring(glob("* http send"), glob("* http receive"), glob("fastapi.*"))
        (request,) = seen.roots
        assert request.kind == "server"
        assert request.name.endswith(ROUTE)  # with the method before it, in newer versions
        seen.assert_tree(f"{request.name}\\n  SELECT orders")

    def test_without_a_recording():
        assert client.get("/orders/3").status_code == 200

    def test_nothing(traces):
        traces.assert_none()
"""


def test_frameworks(suite, order):
    """(i) Each framework's spans are recorded, with a private provider and with none.

    FastAPI's native telemetry emits nothing by itself while no provider is set.
    """
    number = 0
    for name, module, *texts in (
        ("fastapi", "opentelemetry.instrumentation.fastapi", FASTAPI, INSTRUMENTED),
        ("native", "fastapi.telemetry", FASTAPI),
        ("starlette", "opentelemetry.instrumentation.starlette", STARLETTE),
        ("flask", "opentelemetry.instrumentation.flask", FLASK),
    ):
        try:
            pytest.importorskip(module)
        except pytest.skip.Exception:
            continue
        number += 4
        suite.write(f"test_{name}.py", PROVIDER, *texts, TESTS)
    if not number:
        pytest.skip("no instrumented web framework is installed")
    suite.run(order, strict=False).passed(number)
