"""The bakery's side of the services that it buys from."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Suppliers:
    """Who sells what, and for how much."""

    client: httpx.AsyncClient
    urls: Mapping[str, str]

    async def price(self, article: str) -> int:
        """What its supplier asks for this article, in cents."""
        response = await self.client.get(f"{self.urls[article]}/price")
        response.raise_for_status()
        cents: int = response.json()["cents"]
        return cents

    async def prices(self) -> list[int]:
        """All prices; the suppliers are asked at the same time."""
        return await asyncio.gather(*(self.price(article) for article in self.urls))
