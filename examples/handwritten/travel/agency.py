"""The agency itself: books a trip at today's price."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from .tracing import operation
from .wsgi import caller, json_body, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True)
class Agency:
    """A WSGI application: ``POST /book``."""

    database: Path
    prices_host: str

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Books the first trip that goes where the customer wants to."""
        with operation("POST /book", kind="server", parent=caller(environ)):
            wanted = json_body(environ)["to"]
            trips = self.load_trips(wanted)
            if not trips:
                return respond(start_response, {"error": "no such trip"}, status="404 Not Found")
            price = self.ask_price(wanted)
            return respond(start_response, {"trip": trips[0], "price": price})

    def load_trips(self, to: str) -> list[str]:
        """The trips that go there."""
        statement = "select name from trips where destination = ?"
        with operation("load trips"), closing(sqlite3.connect(self.database)) as connection:
            with operation("select", kind="client", attributes={"db.query.text": statement}):
                rows = connection.execute(statement, (to,)).fetchall()
            return [name for (name,) in rows]

    def ask_price(self, to: str) -> int:
        """Today's price, as the prices service says."""
        with (
            operation("GET", kind="client") as context,
            closing(HTTPConnection(self.prices_host)) as connection,
        ):
            headers = {"traceparent": context.traceparent}
            connection.request("GET", f"/price?to={to}", headers=headers)
            price: int = json.load(connection.getresponse())["price"]
        return price
