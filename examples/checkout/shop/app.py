"""The shop itself: one endpoint, in a factory that is handed everything it needs."""

import httpx
from fastapi import FastAPI, HTTPException, status
from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from . import db
from .clients import Inventory, Mailer, PaymentDeclinedError, Payments
from .orders_queue import OrdersQueue


class Checkout(BaseModel):
    """What the customer's click sends."""

    order: int


class Receipt(BaseModel):
    """What the customer gets."""

    order: int
    cents: int


def create_app(
    *,
    engine: Engine,
    inventory: Inventory,
    payments: Payments,
    orders: OrdersQueue,
    mailer: Mailer | None,
) -> FastAPI:
    """The application; it neither opens nor closes what it is handed."""
    app = FastAPI(title="shop")

    @app.post("/checkout")
    def checkout(wanted: Checkout) -> Receipt:
        # The connection is back in the pool before other services are waited for.
        with Session(engine) as session:
            if db.load_order(session, wanted.order) is None:
                raise HTTPException(status.HTTP_404_NOT_FOUND, "no such order")
            items = db.load_items(session, wanted.order)
            articles = [item.article for item in items]
            cents = sum(item.price for item in items)
        try:
            # In this order: nobody pays for what is not there.
            inventory.reserve(wanted.order, articles)
            payments.charge(wanted.order, cents)
        except PaymentDeclinedError:
            raise HTTPException(status.HTTP_402_PAYMENT_REQUIRED, "declined") from None
        except httpx.HTTPError as error:
            raise HTTPException(status.HTTP_502_BAD_GATEWAY, str(error)) from error
        orders.publish(wanted.order)
        if mailer is not None:
            mailer.send_receipt(wanted.order, cents)
        return Receipt(order=wanted.order, cents=cents)

    return app
