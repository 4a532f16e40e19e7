"""The shop's side of the services that it calls: two of its own, and one of a third party."""

from collections.abc import Sequence
from dataclasses import dataclass

import httpx


class PaymentDeclinedError(Exception):
    """The bank says no; nothing is wrong with the shop."""


@dataclass(frozen=True)
class Inventory:
    """Knows what is on the shelves."""

    client: httpx.Client

    def reserve(self, order_id: int, articles: Sequence[str]) -> None:
        """Lays these articles aside."""
        response = self.client.post("/reserve", json={"order": order_id, "articles": articles})
        response.raise_for_status()


@dataclass(frozen=True)
class Payments:
    """Takes the customer's money."""

    client: httpx.Client

    def charge(self, order_id: int, cents: int) -> None:
        """Charges this amount, or raises `PaymentDeclinedError`."""
        response = self.client.post("/charge", json={"order": order_id, "cents": cents})
        if response.status_code == httpx.codes.PAYMENT_REQUIRED:
            raise PaymentDeclinedError
        response.raise_for_status()


@dataclass(frozen=True)
class Mailer:
    """Sends mail for many customers, of whom the shop is one."""

    client: httpx.Client

    def send_receipt(self, order_id: int, cents: int) -> None:
        """Mails a receipt to the customer."""
        response = self.client.post("/send", json={"order": order_id, "cents": cents})
        response.raise_for_status()
