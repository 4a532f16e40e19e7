"""Orders and their items, in SQLite."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, ForeignKey, create_engine, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The tables of the shop."""


class Order(Base):
    """What one customer wants to buy."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="open")


class Item(Base):
    """One line of an order; the price is in cents."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    article: Mapped[str]
    price: Mapped[int]


@contextmanager
def database(path: Path) -> Iterator[Engine]:
    """The database in this file, with its tables.

    OpenTelemetry names a span ``<verb> <database>``, and a SQLite database has no name but its
    path, which is another one on every machine. So the URL says ``orders``, as it would for
    PostgreSQL, and only `connect` knows the file.
    """

    def connect() -> sqlite3.Connection:
        # The pool lends a connection to one thread at a time, but not always to the same one.
        return sqlite3.connect(path, check_same_thread=False)

    engine = create_engine("sqlite:///orders", creator=connect)
    try:
        Base.metadata.create_all(engine)
        yield engine
    finally:
        engine.dispose()


def load_order(session: Session, order_id: int) -> Order | None:
    """The order with this number, if there is one."""
    return session.get(Order, order_id)


def load_items(session: Session, order_id: int) -> Sequence[Item]:
    """All items of an order, in one statement."""
    return session.scalars(select(Item).where(Item.order_id == order_id)).all()


def mark_packed(session: Session, order_id: int) -> None:
    """The warehouse is done with the order."""
    session.execute(update(Order).where(Order.id == order_id).values(status="packed"))
