"""What makes software slow, one thing at a time: each is a change that passes every other test.

A fault is a context manager that replaces one function while its block runs::

    with faults.one_after_another():
        client.get("/offers/plum")
        traces.assert_concurrent("GET", at_least=3)  # fails: one at a time

or, for the suite as it stands: ``BAKERY_FAULT=one_after_another pytest test_bakery.py``.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from .bakery import db, oven
from .bakery.suppliers import Suppliers

VARIABLE = "BAKERY_FAULT"
"""The environment variable with the names of faults, separated by commas."""


def n_plus_one() -> AbstractContextManager[None]:
    """The items of each order are loaded when they are asked for."""

    def load_orders(session: Session) -> Sequence[db.Order]:
        return session.scalars(select(db.Order)).all()

    return replaced(db, "load_orders", load_orders)


def extra_call() -> AbstractContextManager[None]:
    """One supplier is asked a second time, for a price that is known."""
    ask_once = Suppliers.prices

    async def prices(suppliers: Suppliers) -> list[int]:
        known = await ask_once(suppliers)
        known[0] = await suppliers.price("flour")
        return known

    return replaced(Suppliers, "prices", prices)


def one_after_another() -> AbstractContextManager[None]:
    """Each supplier is asked when the one before has answered."""

    async def prices(suppliers: Suppliers) -> list[int]:
        return [await suppliers.price(article) for article in suppliers.urls]

    return replaced(Suppliers, "prices", prices)


def slow() -> AbstractContextManager[None]:
    """The oven takes its time."""
    cheapest_now = oven.cheapest

    def cheapest(trays: Sequence[int]) -> int:
        time.sleep(0.6)
        return cheapest_now(trays)

    return replaced(oven, "cheapest", cheapest)


def more_work() -> AbstractContextManager[None]:
    """One more tray, which means seven times as many orders to try: a few milliseconds."""
    cheapest_now = oven.cheapest

    def cheapest(trays: Sequence[int]) -> int:
        return cheapest_now([*trays, 190])

    return replaced(oven, "cheapest", cheapest)


@contextmanager
def from_environment() -> Iterator[None]:
    """The faults that the environment asks for, if it does."""
    known = (n_plus_one, one_after_another, extra_call, slow, more_work)
    wanted = os.environ.get(VARIABLE, "").split(",")
    with ExitStack() as stack:
        for fault in known:
            if fault.__name__ in wanted:
                stack.enter_context(fault())
        yield


@contextmanager
def replaced(owner: object, name: str, replacement: object) -> Iterator[None]:
    """One attribute is another while the block runs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, replacement)
        yield
