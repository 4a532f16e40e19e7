"""The shop, with both services on loopback ports and a database of its own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from pytest_traces import Caller, StandIn, Traces

from .shop import db
from .shop.main import Shop, open_shop
from .shop.services import CREDIT, create_inventory, create_payments
from .shop.serving import serve


@dataclass(frozen=True)
class Services:
    """Where the two services are."""

    inventory_url: str
    payments_url: str


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    """Both services, started once: their spans are recorded in whichever test calls them."""
    with serve(create_inventory()) as inventory_url, serve(create_payments()) as payments_url:
        yield Services(inventory_url, payments_url)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with two orders: 7 has five items, 8 costs more than the bank will pay."""
    with db.database(tmp_path / "orders.db") as engine:
        with Session(engine) as session, session.begin():
            session.add_all([db.Order(id=7), db.Order(id=8)])
            session.add_all(
                db.Item(order_id=7, article=article, price=1_000)
                for article in ("tea", "cups", "sugar", "spoons", "cake")
            )
            session.add(db.Item(order_id=8, article="yacht", price=CREDIT + 1))
        yield engine


@pytest.fixture
def shop(services: Services, engine: Engine) -> Iterator[Shop]:
    """A shop that calls both services on their ports."""
    with open_shop(
        engine, inventory_url=services.inventory_url, payments_url=services.payments_url
    ) as shop:
        yield shop


@dataclass(frozen=True)
class Street:
    """A shop, and everybody whom it calls, played by the test."""

    shop: Shop
    inventory: StandIn
    payments: StandIn
    mailer: StandIn

    def buy(self, caller: Caller, order: int = 7) -> None:
        """The click of a customer whose browser sends its context along."""
        client = TestClient(self.shop.app)
        client.post("/checkout", json={"order": order}, headers=caller.headers)
        self.shop.orders.join()


@pytest.fixture
def street(traces: Traces, engine: Engine) -> Iterator[Street]:
    """Nothing listens on a port: one service has routes, the other is its own application."""
    inventory = traces.stand_in("http://inventory")
    inventory.post("/reserve").respond(json={"reserved": 5})
    # Not every customer gets as far as these; without `optional` that would fail the test.
    payments = traces.stand_in("http://payments", app=create_payments(), optional=True)
    mailer = traces.stand_in("https://mailer.example", optional=True)
    mailer.post("/send").respond(202)
    with open_shop(
        engine,
        inventory_url=inventory.base_url,
        payments_url=payments.base_url,
        mailer_url=mailer.base_url,
    ) as shop:
        yield Street(shop, inventory, payments, mailer)


@pytest.fixture
def client(shop: Shop) -> TestClient:
    """A customer of the shop."""
    return TestClient(shop.app)
