"""Which requests and messages an assertion is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Protocol

from pytest_traces.propagation.checking.clients import place_of_url
from pytest_traces.shape.values import Glob, value_matches


class HasBaseUrl(Protocol):
    """A stand-in, or whatever else knows its URL."""

    @property
    def base_url(self) -> str:
        """The URL that it stands for."""
        ...


To = str | re.Pattern[str] | Glob | HasBaseUrl | None


class Target:
    """A host, the beginning of a URL, a destination of messages, or a pattern of one of these.

    Args:
        to: ``"payments"``, ``"payments:8080"``, ``"http://payments/v1"``, ``"orders"``,
            ``re.compile(...)``, ``glob(...)``.

    Raises:
        TypeError: anything else.
        ValueError: an empty text.
    """

    def __init__(self, to: object) -> None:
        to = getattr(to, "base_url", to)  # a stand-in is meant by its URL
        is_bytes = isinstance(to, re.Pattern) and isinstance(to.pattern, bytes)
        if not isinstance(to, str | Glob | re.Pattern) or is_bytes:
            raise TypeError(
                f"to={to!r} ({type(to).__name__}): it is a host, a URL prefix, the destination "
                "of messages, re.compile(...), glob(...) or a stand-in"
            )
        if to == "":
            raise ValueError("to='': name a host, a URL prefix or the destination of messages")
        self.to = to

    def takes_url(self, url: str) -> bool:
        """Whether a request to this URL is meant."""
        if isinstance(self.to, str):
            if "://" in self.to:
                return _is_below(url, self.to)
            return self.to.lower() in hosts_of(url)
        return any(value_matches(self.to, text) for text in (url, *hosts_of(url)))

    def takes_destination(self, destination: str | None) -> bool:
        """Whether a message to this destination is meant."""
        return destination is not None and value_matches(self.to, destination)

    @property
    def hint(self) -> str | None:
        """What it perhaps should have been, where it selects nothing."""
        if not isinstance(self.to, str):
            return None
        if set(self.to) & set("*?"):
            return f"a pattern is written glob({self.to!r})"
        if "/" in self.to and "://" not in self.to:
            return f'the beginning of a URL has its scheme: "http://{self.to.lstrip("/")}"'
        return None

    def __str__(self) -> str:
        return repr(self.to)


def any_takes_url(targets: Sequence[Target], url: str) -> bool:
    """Whether one of them means this URL."""
    return any(target.takes_url(url) for target in targets)


def external(names: Sequence[str]) -> list[Target]:
    """The targets of a setting, where names with ``*`` or ``?`` are globs."""
    return [Target(Glob(name) if set(name) & set(name) & set("*?") else name) for name in names]


@lru_cache(maxsize=4096)
def hosts_of(url: str) -> tuple[str, ...]:
    """The host as it can be written: with its port and without, encoded (RFC 5891) and not."""
    _, host, port, _ = place_of_url(url)
    if not host:
        return ()
    names = [host, f"[{host}]"] if ":" in host else [host]
    if host.startswith("xn--") or ".xn--" in host:
        with suppress(UnicodeError):
            names.append(host.encode("ascii").decode("idna"))
    return (*names, *(f"{name}:{port}" for name in names if port is not None))


def _is_below(url: str, prefix: str) -> bool:
    """Whether the URL begins with the prefix, and ends a part of its path there."""
    scheme, host, port, path = place_of_url(prefix)
    if host is not None and not host.isascii():
        with suppress(UnicodeError):
            host = host.encode("idna").decode("ascii")
    there = place_of_url(url)
    if there[:3] != (scheme, host, port):
        return False
    wanted = path.rstrip("/")
    return there[3].startswith(wanted) and there[3][len(wanted) : len(wanted) + 1] in ("", "/")
