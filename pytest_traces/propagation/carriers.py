"""What carries headers: mappings, lists of pairs, environments; messages of queues.

Names are compared without regard to the case of ASCII letters (RFC 9110, 5.1). Of a value, white
space around it is none of it (RFC 9110, 5.5); bytes that are no ASCII are read as latin-1, as
WSGI and the HTTP clients do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from pytest_traces.propagation.context import InvalidContext, Problem

_OWS = " \t"
_ENVIRONMENT_NAME = re.compile("[A-Z0-9_]+")
#: A text by itself is no carrier, although it can be iterated.
_ALLOWED = (
    "a carrier is a mapping of headers, a list of (name, value) pairs, an environment, "
    "or an object with such items()"
)


class HasItems(Protocol):
    """Any object with ``items()``: the headers of a library that are no Mapping."""

    def items(self) -> Iterable[tuple[Any, Any]]:
        """The pairs of name and value."""
        ...


Carrier = Mapping[Any, Any] | Iterable[Any] | HasItems | None


class Header(NamedTuple):
    """One header as it was in the carrier: its name and its value as text."""

    name: str
    value: str

    @property
    def text(self) -> str:
        """The value without the white space around it."""
        return self.value.strip(_OWS)

    def where(self, start: int, end: int) -> tuple[int, int]:
        """Positions in the text as positions in the value."""
        offset = len(self.value) - len(self.value.lstrip(_OWS))
        return start + offset, end + offset

    def invalid(
        self,
        format: str,  # noqa: A002
        rule: str,
        part: tuple[int, int] | None = None,
    ) -> InvalidContext:
        """The error that says which rule the part, from and to in the text, breaks."""
        span = None if part is None else self.where(*part)
        return InvalidContext(format, self.name, self.value, rule, span)

    def problem(self, rule: str, part: tuple[int, int] | None = None) -> Problem:
        """The same, where the trace is continued all the same."""
        return Problem(self.name, self.value, rule, None if part is None else self.where(*part))


class Headers:
    """The headers of a carrier, by lower-case name, in their order, duplicates kept.

    Args:
        carrier: see :data:`Carrier`; None, as queues give for a message without headers, is an
            empty one.

    Raises:
        TypeError: the carrier is nothing that has headers.
    """

    def __init__(self, carrier: Carrier) -> None:
        self._by_name: dict[str, list[Header]] = {}
        pairs = list(_pairs(carrier))
        is_wsgi = any(name == "REQUEST_METHOD" for name, _ in pairs)
        for given, value in pairs:
            name = _text(given)
            if name is None or not name.isascii():
                continue
            key = _header_name(name, is_wsgi=is_wsgi)
            if key is None:
                continue
            many = value if isinstance(value, list | tuple) else (value,)
            found = [Header(name, text) for one in many if (text := _text(one)) is not None]
            if found:
                self._by_name.setdefault(key, []).extend(found)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def all(self, *names: str) -> list[Header]:
        """Every header of one of these names, in lower case."""
        return [header for name in names for header in self._by_name.get(name, ())]

    def starting(self, prefix: str) -> list[tuple[str, Header]]:
        """Every header whose name starts so, with the rest of its name."""
        return [
            (key.removeprefix(prefix), header)
            for key, many in self._by_name.items()
            for header in many
            if key.startswith(prefix) and key != prefix
        ]

    def only(self, format: str, *names: str, limit: int) -> Header | None:  # noqa: A002
        """The one header of these names, or None.

        Args:
            format: the format it belongs to, for the error.
            names: its name in lower case, and other names that carriers give it.
            limit: how many characters it may have; it is looked at before the value is read.

        Raises:
            InvalidContext: it is there more than once, or too long.
        """
        found = self.all(*names)
        if not found:
            return None
        header = found[0]
        if len(found) > 1:
            raise found[1].invalid(
                format,
                f"the header must be there once, not {len(found)} times (RFC 9110, 5.3)",
            )
        if len(header.value) > limit:
            raise header.invalid(
                format,
                f"the header has {len(header.value)} characters, more than the {limit} that are "
                "read of this format",
            )
        return header


def _pairs(carrier: Carrier) -> Iterable[tuple[object, object]]:
    if carrier is None:
        return
    if isinstance(carrier, str | bytes | bytearray):
        raise TypeError(f"{type(carrier).__name__} given; {_ALLOWED}")
    # httpx joins the values of a name in items(), and keeps them apart in multi_items().
    items = getattr(carrier, "multi_items", None) or getattr(carrier, "items", None)
    try:
        entries: Iterable[Any] = items() if callable(items) else iter(carrier)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{type(carrier).__name__} given; {_ALLOWED}") from None
    for entry in entries:
        if not isinstance(entry, tuple | list) or len(entry) != 2:
            raise TypeError(f"{type(entry).__name__} among the headers; {_ALLOWED}")
        yield entry[0], entry[1]


def _text(given: object) -> str | None:
    """A name or a value as text; None for what is no header: numbers, tables, nothing."""
    if isinstance(given, str):
        return given
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given).decode("latin-1")
    return None


def _header_name(name: str, *, is_wsgi: bool) -> str | None:
    """The lower-case name of the header that this entry is; None for what is no header.

    WSGI and CGI write ``HTTP_X_B3_TRACEID`` (RFC 3875, 4.1.18), environment variables are
    ``X_B3_TRACEID`` (OpenTelemetry, Environment Variables as Context Propagation Carriers). The
    environment of a WSGI server may hold the process's variables as well: they are not the
    request's.
    """
    if _ENVIRONMENT_NAME.fullmatch(name):
        if name.startswith("HTTP_"):
            name = name.removeprefix("HTTP_")
        elif is_wsgi:
            return None
        # Lambda has the header of X-Ray as _X_AMZN_TRACE_ID.
        name = name.lstrip("_").replace("_", "-")
    return name.lower()


def pairs_of(carrier: Carrier) -> tuple[tuple[str, str], ...]:
    """Names and values of a carrier as texts, in their order, repeated ones repeated.

    Raises:
        TypeError: the carrier is nothing that has headers.
    """
    pairs = []
    for given, value in _pairs(carrier):
        for one in value if isinstance(value, list | tuple) else (value,):
            name, text = _text(given), _text(one)
            if name is not None and text is not None:
                pairs.append((name, text))
    return tuple(pairs)
