"""The shop, with both services on loopback ports and a database of its own for each test."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

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
def shop(services: Services, tmp_path: Path) -> Iterator[Shop]:
    """A shop with two orders: 7 has five items, 8 costs more than the bank will pay."""
    with db.database(tmp_path / "orders.db") as engine:
        with Session(engine) as session, session.begin():
            session.add_all([db.Order(id=7), db.Order(id=8)])
            session.add_all(
                db.Item(order_id=7, article=article, price=1_000)
                for article in ("tea", "cups", "sugar", "spoons", "cake")
            )
            session.add(db.Item(order_id=8, article="yacht", price=CREDIT + 1))
        with open_shop(
            engine, inventory_url=services.inventory_url, payments_url=services.payments_url
        ) as shop:
            yield shop


@pytest.fixture
def client(shop: Shop) -> TestClient:
    """A customer of the shop."""
    return TestClient(shop.app)
