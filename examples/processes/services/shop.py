"""The shop: a page with a button, and what the button calls. ``uvicorn services.shop:app``."""

import os
from pathlib import Path

import httpx
from fastapi import FastAPI, HTTPException, status
from fastapi.responses import FileResponse, HTMLResponse
from pydantic import BaseModel

from . import database, orders_queue, telemetry

PAGE = """<!doctype html>
<title>Shop</title>
<meta name="traces" content="{traces}">
<link rel="icon" href="data:,">
<button value="7">Buy</button> <output></output>
<script src="/page.js"></script>
"""

PAGE_JS = Path(__file__).parent.parent / "node" / "dist" / "page.js"


class Checkout(BaseModel):
    """What the customer's click sends."""

    order: int


class Receipt(BaseModel):
    """What the customer gets."""

    order: int
    cents: int


app = FastAPI(title="shop")
engine = database.open_database()
telemetry.set_up(app, engine)
# Neighbours: a proxy in the environment is not meant for them.
inventory = httpx.Client(base_url=os.environ["INVENTORY_URL"], trust_env=False)
payments = httpx.Client(base_url=os.environ["PAYMENTS_URL"], trust_env=False)


@app.get("/", response_class=HTMLResponse)
def page() -> str:
    """The page, which is told where its spans go."""
    return PAGE.format(traces=f"{os.environ['OTEL_EXPORTER_OTLP_ENDPOINT']}/v1/traces")


@app.get("/page.js")
def page_js() -> FileResponse:
    """What the page does."""
    return FileResponse(PAGE_JS)


@app.post("/checkout")
def checkout(wanted: Checkout) -> Receipt:
    """Reserves, charges, and tells the warehouse."""
    items = database.items_of(engine, wanted.order)
    if not items:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "no such order")
    cents = sum(item.price for item in items)
    try:
        ask(inventory, "/reserve", order=wanted.order, articles=[item.article for item in items])
        ask(payments, "/charge", order=wanted.order, cents=cents)
    except httpx.HTTPStatusError as error:
        refused = error.request.url.path
        raise HTTPException(error.response.status_code, f"{refused} was refused") from error
    orders_queue.publish(wanted.order)
    return Receipt(order=wanted.order, cents=cents)


def ask(service: httpx.Client, path: str, **question: object) -> None:
    """What the service answers does not matter, but that it does."""
    service.post(path, json=question).raise_for_status()
