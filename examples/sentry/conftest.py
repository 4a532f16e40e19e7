"""The office, its printer played by the test, and a Sentry that exists for one test only."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import sentry_sdk
from flask.testing import FlaskClient
from sqlalchemy import create_engine

from pytest_traces import StandIn, Traces

from .office import monitoring
from .office.app import create_app

# As in production, where there is a DSN. Nothing is sent: pytest-traces holds everything back.
DSN = "https://key@sentry.invalid/1"


@pytest.fixture
def sentry() -> Iterator[None]:
    """Sentry, set up as the application does; what was there before is there again afterwards."""
    scope = sentry_sdk.get_global_scope()
    before = scope.client
    monitoring.set_up(DSN)
    yield
    sentry_sdk.get_client().close(timeout=0)
    scope.set_client(before)


@pytest.fixture
def printer(traces: Traces) -> StandIn:
    """The printer; not everybody gets as far as that."""
    printer = traces.stand_in("http://printer", optional=True)
    printer.post("/print").respond(202)
    return printer


@pytest.fixture
def client(sentry: None, printer: StandIn, tmp_path: Path) -> Iterator[FlaskClient]:
    """A customer of the office; seat 7 is for sale."""
    file = tmp_path / "seats.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("create table seats (number int, price int, sold int default 0)")
        connection.execute("insert into seats (number, price) values (7, 4200)")
    engine = create_engine(f"sqlite:///{file}")
    with httpx.Client(base_url=printer.base_url) as to_printer:
        yield create_app(engine, to_printer).test_client()
    engine.dispose()
