"""The agency and the prices service, each on a loopback port, for each test."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from .travel.agency import Agency
from .travel.prices import Prices
from .travel.serving import serve


@dataclass(frozen=True)
class Browser:
    """Books trips as a customer's browser does."""

    host: str

    def book(self, to: str, headers: Mapping[str, str] | None = None) -> dict[str, str | int]:
        """The agency's answer."""
        with closing(HTTPConnection(self.host)) as connection:
            connection.request("POST", "/book", json.dumps({"to": to}), dict(headers or {}))
            answer: dict[str, str | int] = json.load(connection.getresponse())
        return answer


@pytest.fixture
def prices() -> Prices:
    """The prices service; its spans are in ``prices.spans``."""
    return Prices()


@pytest.fixture
def browser(prices: Prices, tmp_path: Path) -> Iterator[Browser]:
    """A browser, with both applications running."""
    database = tmp_path / "trips.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("create table trips (name text, destination text)")
        connection.execute("insert into trips values ('night train', 'Vienna')")
    with (
        serve(prices) as prices_host,
        serve(Agency(database, prices_host)) as agency_host,
    ):
        yield Browser(agency_host)
