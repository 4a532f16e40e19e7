"""The two services, each an application of its own, with a provider of its own."""

from collections.abc import Sequence

from fastapi import FastAPI, HTTPException, status
from pydantic import BaseModel

from . import telemetry

CREDIT = 100_000


class Reservation(BaseModel):
    """Articles to be laid aside for an order."""

    order: int
    articles: Sequence[str]


class Charge(BaseModel):
    """An amount to be paid for an order."""

    order: int
    cents: int


def create_inventory() -> FastAPI:
    """The service that knows what is on the shelves."""
    app = FastAPI(title="inventory")

    @app.post("/reserve")
    def reserve(reservation: Reservation) -> dict[str, int]:
        return {"reserved": len(reservation.articles)}

    telemetry.instrument_app(app, telemetry.tracer_provider("inventory"))
    return app


def create_payments() -> FastAPI:
    """The service that takes the money."""
    app = FastAPI(title="payments")

    @app.post("/charge")
    def charge(charge: Charge) -> dict[str, int]:
        if not bank_accepts(charge.cents):
            raise HTTPException(status.HTTP_402_PAYMENT_REQUIRED, "declined")
        return {"charged": charge.cents}

    telemetry.instrument_app(app, telemetry.tracer_provider("payments"))
    return app


def bank_accepts(cents: int) -> bool:
    """Whether the customer's bank pays this amount."""
    return cents <= CREDIT
