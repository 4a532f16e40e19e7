"""The bakery itself: two endpoints, in a factory that is handed everything it needs."""

from collections.abc import Sequence

from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from . import db
from .oven import Oven
from .suppliers import Suppliers


class Order(BaseModel):
    """What one customer wants."""

    customer: str
    cakes: Sequence[str]


class Offer(BaseModel):
    """What a cake would cost."""

    cake: str
    cents: int


def create_app(*, engine: Engine, suppliers: Suppliers, oven: Oven) -> FastAPI:
    """The application; it neither opens nor closes what it is handed."""
    app = FastAPI(title="bakery")

    @app.get("/orders")
    def orders() -> list[Order]:
        with Session(engine) as session:
            return [
                Order(customer=order.customer, cakes=[item.cake for item in order.items])
                for order in db.load_orders(session)
            ]

    @app.get("/offers/{cake}")
    async def offer(cake: str) -> Offer:
        prices = await suppliers.prices()
        return Offer(cake=cake, cents=sum(prices) + oven.plan())

    return app
