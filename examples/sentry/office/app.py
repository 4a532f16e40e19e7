"""The office itself, in a factory that is handed what it needs."""

import httpx
import sentry_sdk
from flask import Flask, abort, request
from sqlalchemy import Engine, text

PRICE = text("SELECT price FROM seats WHERE number = :number")
SELL = text("UPDATE seats SET sold = 1 WHERE number = :number")


class OutOfPaper(Exception):
    """A ticket was not printed."""


def create_app(engine: Engine, printer: httpx.Client) -> Flask:
    """The application; it neither opens nor closes what it is handed."""
    app = Flask("office")

    @app.post("/tickets")
    def sell() -> dict[str, int]:
        seat: int = request.get_json()["seat"]
        with engine.begin() as connection:
            price = connection.scalar(PRICE, {"number": seat})
            if price is None:
                abort(404)
            connection.execute(SELL, {"number": seat})
        print_ticket(seat)
        return {"seat": seat, "price": price}

    @app.get("/health")
    def health() -> str:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return "ok"

    def print_ticket(seat: int) -> None:
        with sentry_sdk.start_span(op="office.print", name="print ticket"):
            answer = printer.post("/print", json={"seat": seat})
            if answer.is_server_error:
                # The seat is sold all the same; but somebody has to look.
                sentry_sdk.capture_exception(OutOfPaper(f"no ticket for seat {seat}"))

    return app
