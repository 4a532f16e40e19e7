"""Baggage: what the application sends along with the trace (W3C Baggage)."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pytest_traces.propagation.carriers import Carrier, Headers
from pytest_traces.propagation.context import Problem
from pytest_traces.propagation.members import (
    BaggageMember,
    check_member,
    members_of,
    write_members,
)
from pytest_traces.propagation.prefixed import JAEGER, OTTRACE, Prefixed
from pytest_traces.settings import BadValue

_PREFIXED: dict[str, Prefixed] = {"jaeger": JAEGER, "ottrace": OTTRACE}

#: W3C's header, and the headers that Jaeger and the OpenTracing tracers have in its stead.
BAGGAGE_FORMATS: tuple[str, ...] = ("baggage", *_PREFIXED)


class Baggage(Mapping[str, str]):
    """The keys and values of a baggage; of a key that is there twice, the last value.

    Attributes:
        members: all members in their order, with their properties, duplicates kept.
        problems: what was dropped, and why.

    Example:
        >>> extract_baggage({"baggage": "tenant=acme"}) == {"tenant": "acme"}
        True
    """

    def __init__(self, members: Sequence[BaggageMember], problems: Sequence[Problem] = ()) -> None:
        self.members = tuple(members)
        self.problems = tuple(problems)
        self._values = {member.key: member.value for member in members}

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<Baggage {self._values!r}>"


def extract_baggage(carrier: Carrier, format: str = "baggage") -> Baggage:  # noqa: A002
    """Read the baggage of a request or a message; several headers are one list.

    A member that breaks a rule is dropped, as W3C Baggage allows, and the others are kept.

    Args:
        carrier: as for :func:`extract`.
        format: a name of :data:`BAGGAGE_FORMATS`.

    Returns:
        The baggage; an empty one if there is no header.

    Raises:
        BadValue: there is no such format.
        TypeError: what was given carries no headers.

    Example:
        >>> extract_baggage({"baggage": "tenant=acme;tier=gold, user=Am%C3%A9lie"})["user"]
        'Amélie'
    """
    _check_format(format)
    headers = Headers(carrier)
    if format in _PREFIXED:
        return Baggage(*_PREFIXED[format].read(headers))
    return Baggage(*members_of(headers.all("baggage")))


def inject_baggage(
    baggage: Mapping[str, str] | Iterable[BaggageMember],
    format: str = "baggage",  # noqa: A002
) -> dict[str, str]:
    """Write a baggage into headers, as a caller does.

    Whole members are left out, from the end, where there are more than 180 or more than 8192
    bytes (W3C Baggage, 3.3.2).

    Args:
        baggage: keys and values, or members where there are properties.
        format: a name of :data:`BAGGAGE_FORMATS`.

    Returns:
        The headers; none if there is no member.

    Raises:
        BadValue: there is no such format; a key that is no token, or something that is no text.

    Example:
        >>> inject_baggage({"tenant": "acme & sons"})
        {'baggage': 'tenant=acme%20%26%20sons'}
    """
    _check_format(format)
    checked = [check_member(member) for member in _members(baggage)]
    if format in _PREFIXED:
        return _PREFIXED[format].write(checked)
    return {"baggage": written} if (written := write_members(checked)) else {}


def _members(given: object) -> Iterable[object]:
    if isinstance(given, Baggage):
        return given.members
    if isinstance(given, Mapping):
        return [BaggageMember(key, value) for key, value in given.items()]
    if isinstance(given, Iterable):
        return given
    raise BadValue("baggage", given, "it is a mapping of texts, or BaggageMembers")


def _check_format(name: str) -> None:
    if name not in BAGGAGE_FORMATS:
        near = difflib.get_close_matches(str(name).lower(), BAGGAGE_FORMATS, 1, 0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        formats = ", ".join(BAGGAGE_FORMATS)
        raise BadValue("format", name, f"{hint}the formats of baggage are {formats}")
