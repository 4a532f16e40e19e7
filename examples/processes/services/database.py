"""Orders, in a database that the shop and the warehouse share."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, create_engine, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Base(DeclarativeBase):
    """The tables."""


class Item(Base):
    """One line of an order; the price is in cents."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True)
    order: Mapped[int]
    article: Mapped[str]
    price: Mapped[int]
    packed: Mapped[bool] = mapped_column(default=False)


def open_database(path: Path | None = None) -> Engine:
    """The database in this file, or in that which the environment names.

    The URL says ``orders``, not where the file is: the spans are named after it.
    """
    file = path or Path(os.environ["DATABASE"])
    # The pool lends a connection to one thread at a time, but not always to the same one.
    return create_engine(
        "sqlite:///orders", creator=lambda: sqlite3.connect(file, check_same_thread=False)
    )


def items_of(engine: Engine, order: int) -> Sequence[Item]:
    """What is in this order; nothing if there is no such order."""
    with Session(engine, expire_on_commit=False) as session:
        return session.scalars(select(Item).where(Item.order == order)).all()


def mark_packed(engine: Engine, order: int) -> None:
    """The warehouse is done with the order."""
    with Session(engine) as session, session.begin():
        session.execute(update(Item).where(Item.order == order).values(packed=True))
