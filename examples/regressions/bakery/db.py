"""Orders and what is in them, in SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, ForeignKey, create_engine, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    relationship,
    selectinload,
)


class Base(DeclarativeBase):
    """The tables of the bakery."""


class Order(Base):
    """What one customer wants to have baked."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]
    items: Mapped[list["Item"]] = relationship(order_by="Item.id")


class Item(Base):
    """One cake of an order."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    cake: Mapped[str]


@contextmanager
def database(path: Path) -> Iterator[Engine]:
    """The database in this file, with its tables.

    The URL says ``bakery``, for spans are named by it, and the path is another one in every test.
    """

    def connect() -> sqlite3.Connection:
        # The pool lends a connection to one thread at a time, but not always to the same one.
        return sqlite3.connect(path, check_same_thread=False)

    engine = create_engine("sqlite:///bakery", creator=connect)
    try:
        Base.metadata.create_all(engine)
        yield engine
    finally:
        engine.dispose()


def load_orders(session: Session) -> Sequence[Order]:
    """All orders, and all of their items: two statements, however many there are."""
    return session.scalars(select(Order).options(selectinload(Order.items))).all()
