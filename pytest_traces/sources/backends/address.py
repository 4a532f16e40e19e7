"""The URL of one trace at a backend's API."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from pytest_traces.model import Headers
from pytest_traces.settings import BadValue

_PORTS = {"http": 80, "https": 443}
_NEEDED = 'the URL of one trace is needed: "http://jaeger:16686/api/traces/<trace id>"'
_TRACE_ID = re.compile("[0-9a-fA-F]{1,32}")
_HALF = 16
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Address(NamedTuple):
    """Where to ask, and with which headers. ``url`` is what messages show: without a password."""

    url: str
    scheme: str
    host: str
    port: int
    target: str
    headers: Headers = ()

    def is_of(self, trace_id: str) -> bool:
        """Whether this is the URL of that trace.

        Half of an id is enough, as for services that know of 64 bits only; it may be decimal.
        """
        written = _last_part(self.target)
        numbers = {int(written, 16), int(written) if written.isdecimal() else None}
        return int(trace_id[_HALF:], 16) in {one and one % (1 << 64) for one in numbers}

    @property
    def host_header(self) -> str:
        """The value of the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


def read_address(url: object, headers: Mapping[str, str] | None = None) -> Address:
    """The address of one trace.

    Raises:
        BadValue: no URL of a trace, or headers that are none.
    """
    if not isinstance(url, str):
        raise BadValue("url", url, _NEEDED)
    address = parse(url)
    if not _TRACE_ID.fullmatch(_last_part(address.target)):
        raise BadValue("url", address.url, _NEEDED)
    return address._replace(headers=(*address.headers, *_read_headers(headers or {})))


def _last_part(target: str) -> str:
    return target.partition("?")[0].rstrip("/").rpartition("/")[2]


def parse(url: str) -> Address:
    """The parts of any URL of HTTP; what it says of a user becomes a header.

    Raises:
        BadValue: something else.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if host is None or parts.scheme not in _PORTS:
        raise BadValue("url", url, _NEEDED)
    given: Headers = ()
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        given = (("Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = f"?{quote(parts.query, safe='/%:@!$&()*+,;=?~')}" if parts.query else ""
    shown = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
    return Address(shown, parts.scheme, host, port or _PORTS[parts.scheme], path + query, given)


def _read_headers(headers: object) -> Headers:
    if not isinstance(headers, Mapping):
        raise BadValue("headers", headers, "it is a mapping of names to values")
    for name, value in headers.items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise BadValue("headers", name, "it is the name of a header")
        # The value may be a secret, so that it is not shown.
        if not isinstance(value, str) or not value.isprintable():
            raise BadValue(f"headers[{name!r}]", type(value), "it is a text without line breaks")
    return tuple(headers.items())
