"""The base URL of a stand-in, and which requests are below it."""

from __future__ import annotations

from typing import NamedTuple

import httpx

from pytest_traces.settings import BadValue

PORTS = {"http": 80, "https": 443}
_ALLOWED = 'a base URL is written like "http://payments" or "https://gateway:8443/payments"'


class Address(NamedTuple):
    """A base URL: what is below it belongs to one stand-in.

    ``path`` has no slash at its end; at the top of a host it is empty.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"

    def __str__(self) -> str:
        return self.origin + self.path

    def holds(self, url: httpx.URL) -> bool:
        """Whether a URL is the base URL or below it."""
        if (url.scheme, url.host, port_of(url)) != (self.scheme, self.host, self.port):
            return False
        return self.below(url.path) is not None

    def below(self, path: str) -> str | None:
        """What of a path comes after the base URL's own; None where it is elsewhere."""
        if not path.startswith(self.path):
            return None
        rest = path[len(self.path) :]
        return rest or "/" if rest.startswith("/") or not rest else None


def port_of(url: httpx.URL) -> int | None:
    """The port of a URL, its scheme's own where it names none."""
    return url.port or PORTS.get(url.scheme)


def read_address(base_url: str | httpx.URL) -> Address:
    """Read the base URL of a stand-in.

    Raises:
        BadValue: it is no URL of one host, or says more than where the service is.
    """
    where = "base_url"
    if not isinstance(base_url, str | httpx.URL):
        raise BadValue(where, base_url, _ALLOWED)
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL as error:
        raise BadValue(where, base_url, f"{_ALLOWED}: {error}") from None
    given = str(base_url)
    if url.scheme not in PORTS or not url.host:
        raise BadValue(where, given, _ALLOWED)
    if "*" in url.host:
        raise BadValue(where, given, "a stand-in is one host: name it without a star")
    if url.query or url.fragment or "?" in given or "#" in given or url.userinfo:
        raise BadValue(where, given, f"{_ALLOWED}, without user, query and fragment")
    port = url.port or PORTS[url.scheme]
    return Address(url.scheme, url.host, port, url.path.rstrip("/"))
