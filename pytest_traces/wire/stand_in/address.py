"""The base URL of a stand-in, and which requests are below it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import NamedTuple

import httpx

from pytest_traces.settings import BadValue

PORTS = {"http": 80, "https": 443}
#: httpx quotes whatever else it finds in the place of a host.
_HOST = re.compile(r"[\w.:-]+")
_NUMBERS = re.compile(r"[\d.]+|[0-9a-f:]*:[0-9a-f:.]*")
#: How much two hosts must have in common to be mistaken for each other, of 1.
_NEAR = 0.8
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
        return _origin(self.scheme, self.host, self.port)

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


def longest(among: Sequence[Address], url: httpx.URL) -> Address | None:
    """Of several base URLs, the one that a URL is below: the longest."""
    holding = [one for one in among if one.holds(url)]
    return max(holding, key=lambda one: len(one.path), default=None)


def nearest(among: Sequence[Address], url: httpx.URL) -> Address | None:
    """Of several base URLs, the one that a URL outside of them looks meant for.

    The same host with another scheme or port, or a host that is spelled nearly alike. Addresses
    in numbers are no names, and other ports of this machine are other services.
    """
    near = [(_likeness(one, url), one) for one in among]
    likeness, found = max(near, key=lambda pair: pair[0], default=(0.0, None))
    return found if likeness >= _NEAR and longest(among, url) is None else None


def _likeness(address: Address, url: httpx.URL) -> float:
    if (address.scheme, address.host, address.port) == (url.scheme, url.host, port_of(url)):
        return 0  # the service is the right one, and has no such path
    if _NUMBERS.fullmatch(url.host) or url.host == "localhost":
        is_other_scheme = address.host == url.host and address.port == url.port
        return 1 if is_other_scheme else 0
    return difflib.SequenceMatcher(None, address.host, url.host).ratio()


def origin_of(url: httpx.URL) -> str:
    """Scheme, host and port of a URL, the port only where it is not the scheme's own."""
    return _origin(url.scheme, url.host, url.port)


def _origin(scheme: str, host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}" + (f":{port}" if port not in (None, PORTS.get(scheme)) else "")


def port_of(url: httpx.URL) -> int | None:
    """The port of a URL, its scheme's own where it names none."""
    return url.port or PORTS.get(url.scheme)


def read_address(base_url: str | httpx.URL) -> Address:
    """Read the base URL of a stand-in.

    Raises:
        BadValue: it is no URL of one host, or says more than where the service is.
    """
    __tracebackhide__ = True
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
    if not _HOST.fullmatch(url.host):
        raise BadValue(where, given, _ALLOWED)
    if url.query or url.fragment or "?" in given or "#" in given or url.userinfo:
        raise BadValue(where, given, f"{_ALLOWED}, without user, query and fragment")
    port = url.port or PORTS[url.scheme]
    return Address(url.scheme, url.host, port, url.path.rstrip("/"))
