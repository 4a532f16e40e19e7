"""Puts the shop together, as a deployment does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from . import db, telemetry
from .app import create_app
from .clients import Inventory, Mailer, Payments
from .orders_queue import OrdersQueue


@dataclass(frozen=True)
class Shop:
    """A shop that is open."""

    app: FastAPI
    orders: OrdersQueue


@contextmanager
def open_shop(
    engine: Engine, *, inventory_url: str, payments_url: str, mailer_url: str | None = None
) -> Iterator[Shop]:
    """The shop, instrumented, its worker running; what was opened is closed at the end.

    Without a mailer nobody gets a receipt.
    """
    provider = telemetry.tracer_provider("shop")

    def pack(order_id: int) -> None:
        with Session(engine) as session, session.begin():
            db.mark_packed(session, order_id)

    with ExitStack() as stack:

        def open_client(url: str, *, is_ours: bool = True) -> httpx.Client:
            # The services are neighbours: a proxy in the environment is not meant for them.
            client = stack.enter_context(httpx.Client(base_url=url, trust_env=not is_ours))
            if is_ours:  # our traces, and what they carry, are no business of a third party
                telemetry.instrument_client(client, provider)
            return client

        stack.enter_context(telemetry.instrumented(engine, provider))
        orders = OrdersQueue(pack, provider.get_tracer("shop.orders"))
        app = create_app(
            engine=engine,
            inventory=Inventory(open_client(inventory_url)),
            payments=Payments(open_client(payments_url)),
            orders=stack.enter_context(orders.running()),
            mailer=Mailer(open_client(mailer_url, is_ours=False)) if mailer_url else None,
        )
        telemetry.instrument_app(app, provider)
        yield Shop(app, orders)
