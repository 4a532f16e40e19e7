"""The headers of a carrier, whatever it is, as pairs of text.

A carrier is a dict for most, a list of pairs with values in bytes for Kafka, a table of
properties for AMQP, and whatever an application's own getter and setter understand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opentelemetry.propagators.textmap import DefaultGetter, DefaultSetter, Setter

Pairs = Iterator[tuple[str, str]]


class NotingSetter(Setter[Any]):
    """Passes on to another setter, and keeps what that one was told to set."""

    def __init__(self, setter: Any) -> None:
        self._setter = setter
        self.told: list[tuple[str, str]] = []

    def set(self, carrier: Any, key: str, value: str) -> None:
        """Set it as the other does."""
        self._setter.set(carrier, key, value)
        self.told += _pairs(key, value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._setter, name)


def noting(setter: Any) -> NotingSetter | None:
    """One that notes what it is told; None for the default, whose carriers can be read."""
    return None if setter is None or type(setter) is DefaultSetter else NotingSetter(setter)


def written(carrier: Any, setter: NotingSetter | None) -> Pairs:
    """What is in a carrier that a propagator has written to.

    The names and values that a setter of the application's own was told come first: how it
    puts them into the carrier is its own affair.
    """
    told = [] if setter is None else setter.told
    names = {name.lower() for name, _ in told}
    yield from told
    yield from (pair for pair in pairs_of(carrier) if pair[0].lower() not in names)


def read(carrier: Any, getter: Any, fields: Iterable[str]) -> Pairs:
    """What is in a carrier that a propagator has read, as the getter gives it.

    Args:
        carrier: what was read.
        getter: the application's, or None for the default.
        fields: the names that the propagator asks for: some getters know no others.

    Raises:
        Exception: whatever the getter raises for one of the fields.
    """
    if getter is None or type(getter) is DefaultGetter:
        yield from pairs_of(carrier)
        return
    seen: set[str] = set()
    for name in _names(carrier, getter):
        if name.lower() not in seen:
            seen.add(name.lower())
            try:
                values = getter.get(carrier, name)
            except Exception:  # noqa: BLE001  # nobody has asked it for that one
                continue
            yield from _pairs(name, values)
    for name in sorted(fields):
        if name.lower() not in seen:
            yield from _pairs(name, getter.get(carrier, name))


def pairs_of(carrier: Any) -> Pairs:
    """The headers of a mapping, a list of pairs, or what else has ``items()``."""
    items: Any = ()
    if isinstance(carrier, list | tuple):
        items = carrier
    else:
        for method in ("multi_items", "items"):  # httpx joins repeated headers in items()
            if callable(getattr(carrier, method, None)):
                items = getattr(carrier, method)()
                break
    for item in list(items):
        if isinstance(item, list | tuple) and len(item) == 2:
            yield from _pairs(*item)


def _names(carrier: Any, getter: Any) -> list[str]:
    """The names of all headers, from a getter that knows them."""
    try:
        return [name for name in getter.keys(carrier) or () if isinstance(name, str)]
    except Exception:  # noqa: BLE001  # many are written without it, since few propagators ask
        return []


def _pairs(name: Any, values: Any) -> Pairs:
    for key in _texts(name):
        for value in _texts(values):
            yield key, value


def _texts(value: Any) -> Iterator[str]:
    """The text of what is text, bytes or a number, or a list of such; anything else is left out.

    An AMQP table has values of all sorts; ``str()`` of them is of no use, and may be long.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value).decode("utf-8", "replace")
    elif isinstance(value, bool | int | float):
        yield str(value)
    elif isinstance(value, Iterable) and not isinstance(value, Mapping | Iterator):
        for one in value:
            if not isinstance(one, Iterable) or isinstance(one, str | bytes):
                yield from _texts(one)
