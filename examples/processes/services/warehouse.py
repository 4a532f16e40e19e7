"""The worker at the end of the queue. ``opentelemetry-instrument python -m services.warehouse``."""

from . import database, orders_queue


def main() -> None:
    """Packs orders until it is told to stop."""
    engine = database.open_database()
    for order in orders_queue.orders():
        database.mark_packed(engine, order)


if __name__ == "__main__":
    main()
