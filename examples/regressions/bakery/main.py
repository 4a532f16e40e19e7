"""Puts the bakery together, as a deployment does."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine

from . import telemetry
from .app import create_app
from .oven import Oven
from .suppliers import Suppliers


@contextmanager
def open_bakery(engine: Engine, supplier_urls: Mapping[str, str]) -> Iterator[FastAPI]:
    """The bakery, instrumented; what was opened is closed at the end."""
    provider = telemetry.tracer_provider()
    # The suppliers are neighbours: a proxy in the environment is not meant for them.
    client = httpx.AsyncClient(trust_env=False)
    telemetry.instrument_client(client, provider)
    app = create_app(
        engine=engine,
        suppliers=Suppliers(client, supplier_urls),
        oven=Oven(provider.get_tracer("bakery.oven")),
    )
    with telemetry.instrumented(app, engine, provider):
        yield app
    asyncio.run(client.aclose())
