"""What a respx route is called: its method and its path, as they were declared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import respx
from respx.patterns import Lookup, Pattern

from pytest_traces.wire.stand_in.address import Address

_PLAIN = r"[^()\[\\]|\\.|\[(?:[^\]\\]|\\.)*\]"
#: ``(?P<id>[^/]+)``, also with one pair of parentheses inside of it.
_NAMED_GROUP = re.compile(rf"\(\?P<(\w+)>(?:{_PLAIN}|\((?:{_PLAIN})*\))*\)")
_ESCAPED = re.compile(r"\\([^\w\s])")
_SPECIAL = re.compile(r"[.*+?|()\[\]\\^$]")
#: What only says where the service is, which the base URL said already.
_PLACE = ("method", "path", "url", "scheme", "host", "port")


class Label(NamedTuple):
    """A route in words.

    Attributes:
        methods: those that the route takes; none for any.
        path: as it was declared, below the base URL; None for any.
        others: what else a request needs: ``json``, ``headers``, ...
    """

    methods: tuple[str, ...]
    path: str | None
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        method = "|".join(self.methods) or "ANY"
        words = f"{method} {'(any path)' if self.path is None else self.path}"
        return f"{words} with {' and '.join(self.others)}" if self.others else words


def label_of(route: respx.Route, address: Address) -> Label:
    """The label of a route, for a message."""
    methods: list[str] = []
    paths: list[str] = []
    others: list[str] = []
    for leaf in leaves(route):
        if leaf.key == "method":
            methods += [leaf.value] if isinstance(leaf.value, str) else leaf.value
        elif leaf.key in ("path", "url"):
            paths += _declared(leaf, address)
        elif leaf.key not in (*_PLACE, *others):
            others.append(leaf.key)
    return Label(tuple(dict.fromkeys(methods)), "|".join(paths) or None, tuple(others))


def path_of(route: respx.Route, request: httpx.Request, address: Address) -> str | None:
    """The path of the route that a request took, as it was declared; None where it named none.

    It has few values however many requests there are, as the name of a span must.
    """
    for leaf in leaves(route):
        if leaf.key in ("path", "url") and leaf.match(request):
            if leaf.lookup is Lookup.IN:
                return address.below(request.url.path)
            return next(iter(_declared(leaf, address)), None)
    return None


def lacking(route: respx.Route, request: httpx.Request) -> list[str]:
    """What of a route a request does not fit: ``["method", "json"]``."""
    return [leaf.key for leaf in leaves(route) if not leaf.match(request)]


def leaves(route: respx.Route) -> Iterator[Pattern]:
    """The single conditions of a route."""
    return (leaf for leaf in route.pattern if hasattr(leaf, "key"))


def _declared(leaf: Pattern, address: Address) -> list[str]:
    value: Any = leaf.value
    if leaf.key == "path" and address.path and leaf.base is None and isinstance(value, str):
        return _whole(leaf, address)
    if leaf.lookup is Lookup.REGEX:
        return [_readable(_below(value.pattern, address))]
    if leaf.lookup is Lookup.STARTS_WITH:
        return [f"{_below(value, address)}*"]
    if leaf.lookup is Lookup.IN:
        return [str(one) for one in value]
    return [_below(value, address)]


def _whole(leaf: Pattern, address: Address) -> list[str]:
    """The path of a route that was declared with its whole URL."""
    if leaf.lookup is Lookup.STARTS_WITH and leaf.value == address.path:
        return []  # it is the base URL's own
    return [address.below(leaf.value) or leaf.value]


def _below(text: str, address: Address) -> str:
    """A URL, or a pattern of URLs, as what comes after the base URL."""
    text = text.removeprefix("^")
    for base in (str(address), re.escape(str(address))):
        text = text.removeprefix(base)
    return text or "/"


def _readable(pattern: str) -> str:
    r"""``^/orders/(?P<id>\d+)$`` as ``/orders/{id}``."""
    pattern = _NAMED_GROUP.sub(r"{\1}", pattern.removeprefix("^").removesuffix("$"))
    if _SPECIAL.search(_ESCAPED.sub("", pattern)):
        return pattern  # it is no template, so it stays what it is
    return _ESCAPED.sub(r"\1", pattern)
