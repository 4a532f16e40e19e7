"""Which requests and messages an assertion is about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from pytest_traces.shape.values import Glob, value_matches

To = str | re.Pattern[str] | Glob | None


class Target:
    """A host, the beginning of a URL, a destination of messages, or a pattern of one of these.

    Args:
        to: ``"payments"``, ``"payments:8080"``, ``"http://payments/v1"``, ``"orders"``,
            ``re.compile(...)``, ``glob(...)``.

    Raises:
        TypeError: anything else.
        ValueError: an empty text.
    """

    def __init__(self, to: To) -> None:
        if not isinstance(to, str | Glob | re.Pattern) or (
            isinstance(to, re.Pattern) and (isinstance(to.pattern, bytes))
        ):
            raise TypeError(
                f"to={to!r} ({type(to).__name__}): it is a host, a URL prefix, the destination "
                "of messages, re.compile(...) or glob(...)"
            )
        if to == "":
            raise ValueError("to='': name a host, a URL prefix or the destination of messages")
        self.to = to

    def takes_url(self, url: str) -> bool:
        """Whether a request to this URL is meant."""
        if isinstance(self.to, str):
            if "://" in self.to:
                return _is_below(url, self.to)
            return self.to.lower() in _hosts(url)
        return any(value_matches(self.to, text) for text in (url, *_hosts(url)))

    def takes_destination(self, destination: str | None) -> bool:
        """Whether a message to this destination is meant."""
        return destination is not None and value_matches(self.to, destination)

    def __str__(self) -> str:
        return repr(self.to)


def any_takes_url(targets: Sequence[Target], url: str) -> bool:
    """Whether one of them means this URL."""
    return any(target.takes_url(url) for target in targets)


def external(names: Sequence[str]) -> list[Target]:
    """The targets of a setting, where names with ``*`` or ``?`` are globs."""
    return [Target(Glob(name) if set(name) & set("*?[") else name) for name in names]


def _hosts(url: str) -> tuple[str, ...]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ()
    return (host,) if port is None else (host, f"{host}:{port}")


def _is_below(url: str, prefix: str) -> bool:
    """Whether the URL begins with the prefix, and ends a part of its path there."""
    begin = prefix.lower().partition("://")
    scheme, _, rest = begin
    host, slash, _ = rest.partition("/")
    path = prefix[len(scheme) + 3 + len(host) :] if slash else ""
    there_scheme, _, there = url.partition("://")
    there_host, _, there_path = there.partition("/")
    if (there_scheme.lower(), there_host.lower().rpartition("@")[2]) != (scheme, host):
        return False
    wanted, actual = path.rstrip("/"), "/" + there_path
    return actual.startswith(wanted) and actual[len(wanted) : len(wanted) + 1] in (
        "",
        "/",
        "?",
        "#",
    )
