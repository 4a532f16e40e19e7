"""The bakery with a database of its own for each test, and three suppliers that the test plays."""

from collections.abc import Callable, Iterator
from inspect import signature
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from pytest_traces import Traces

from . import faults
from .bakery import db
from .bakery.main import open_bakery

PRICES = {"flour": 120, "butter": 310, "eggs": 240}


@pytest.fixture(autouse=True)
def instrumentation() -> None:
    """Before 0.49b0 each ASGI message was a span: other numbers than the ones asserted here."""
    if "exclude_spans" not in signature(FastAPIInstrumentor.instrument_app).parameters:
        pytest.skip("opentelemetry-instrumentation-fastapi is older than 0.49b0")


@pytest.fixture(autouse=True)
def fault() -> Iterator[None]:
    """Breaks the bakery where the environment asks for it; see faults.py."""
    with faults.from_environment():
        yield


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database without orders."""
    with db.database(tmp_path / "bakery.db") as engine:
        yield engine


@pytest.fixture
def place(engine: Engine) -> Callable[[int], None]:
    """Lets so many customers order three cakes each, and nobody else anything."""

    def place(orders: int) -> None:
        with Session(engine) as session, session.begin():
            session.execute(delete(db.Item))
            session.execute(delete(db.Order))
            session.add_all(
                db.Order(
                    customer=f"customer {number}",
                    items=[db.Item(cake=cake) for cake in ("plum", "apple", "cheese")],
                )
                for number in range(orders)
            )

    return place


@pytest.fixture
def bakery(traces: Traces, engine: Engine) -> Iterator[FastAPI]:
    """The bakery; each supplier thinks for 20 ms before it names its price."""
    urls = {}
    for article, cents in PRICES.items():
        # Not every test asks for an offer; without `optional` that would fail it.
        supplier = traces.stand_in(f"http://{article}", delay="20ms", optional=True)
        supplier.get("/price").respond(json={"cents": cents})
        urls[article] = supplier.base_url
    with open_bakery(engine, urls) as app:
        yield app


@pytest.fixture
def client(bakery: FastAPI) -> Iterator[TestClient]:
    """A customer; one event loop for all of a test's requests, as behind a real server."""
    with TestClient(bakery) as client:
        yield client


@pytest.fixture
def busy_day(client: TestClient, place: Callable[[int], None]) -> TestClient:
    """A customer of a bakery that has four orders; spans of a fixture are not asserted on."""
    place(4)
    return client
