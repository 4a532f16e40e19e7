"""The members of a ``baggage`` header, read and written (W3C Baggage, 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

from pytest_traces.propagation.carriers import Header
from pytest_traces.propagation.context import Problem
from pytest_traces.propagation.formats.format import parts_of
from pytest_traces.settings import BadValue

#: A list has at most 180 members (3.3.1), and what is longer than 8192 bytes may be cut (3.3.2).
MOST_MEMBERS = 180
MOST_BYTES = 8192
TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")

_SOURCE = "W3C Baggage"
_OCTETS = re.compile(r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRAY = re.compile("%(?![0-9A-Fa-f]{2})")
_SPACES = " \t"
_EMPTY = f"a list must have no empty member ({_SOURCE}, 3.3.1)"
_NO_MEMBER = f"a member must be a key, '=' and a value ({_SOURCE}, 3.3.1)"
_BAD_KEY = f"a key must be a token of RFC 7230 ({_SOURCE}, 3.3.1.2)"
_BAD_VALUE = (
    "a value must be ASCII without spaces, '\"', ',', ';' and '\\', which are percent-encoded "
    f"({_SOURCE}, 3.3.1.3)"
)
_BAD_PERCENT = f"a percent sign must be percent-encoded itself ({_SOURCE}, 3.3.1.3)"
_BAD_PROPERTY = f"a property must be a key, or a key, '=' and a value ({_SOURCE}, 3.3.1.4)"
_TOO_LONG = (
    f"what is beyond {MOST_BYTES} bytes or {MOST_MEMBERS} members may be dropped ({_SOURCE}, 3.3.2)"
)
_NO_TOKEN = "a key is a token: letters, digits and !#$%&'*+-.^_`|~"


class BaggageMember(NamedTuple):
    """One member of a baggage.

    Attributes:
        key: a token; it is never percent-encoded.
        value: any text, decoded.
        properties: keys with values, or None for a property that is a key alone.
    """

    key: str
    value: str
    properties: tuple[tuple[str, str | None], ...] = ()


def members_of(
    headers: Sequence[Header],
) -> tuple[tuple[BaggageMember, ...], tuple[Problem, ...]]:
    """The members of all these headers, which are one list, and what was dropped of them."""
    members: list[BaggageMember] = []
    problems: list[Problem] = []
    room = MOST_BYTES
    for header in headers:
        text = header.value
        if len(text) > room:
            # Only whole members count, and the rest, which may be huge, is not even split.
            problems.append(header.problem(_TOO_LONG))
            text = text[: max(text.rfind(",", 0, room + 1), 0)]
        room = max(room - len(header.value) - 1, 0)
        for part, span in parts_of(text, ",") if text.strip(_SPACES) else ():
            if len(members) == MOST_MEMBERS:
                problems.append(header.problem(_TOO_LONG))
                break
            member, rules = _member(part)
            problems += [Problem(header.name, header.value, rule, span) for rule in rules]
            if member is not None:
                members.append(member)
    return tuple(members), tuple(problems)


def _member(part: str) -> tuple[BaggageMember | None, list[str]]:
    if not part.strip(_SPACES):
        return None, [_EMPTY]
    first, *rest = part.split(";")
    key, sign, value = (text.strip(_SPACES) for text in first.partition("="))
    rule = _broken(key, sign, value)
    if rule is not None:
        return None, [rule]
    rules = [_BAD_PERCENT] if _STRAY.search(value) else []
    properties: list[tuple[str, str | None]] = []
    for one in rest:
        name, sign, text = (piece.strip(_SPACES) for piece in one.partition("="))
        if not TOKEN.fullmatch(name) or not _OCTETS.fullmatch(text):
            rules.append(_BAD_PROPERTY)
            continue
        properties.append((name, unquote(text) if sign else None))
    return BaggageMember(key, unquote(value), tuple(properties)), rules


def _broken(key: str, sign: str, value: str) -> str | None:
    if not sign:
        return _NO_MEMBER
    if not TOKEN.fullmatch(key):
        return _BAD_KEY
    return None if _OCTETS.fullmatch(value) else _BAD_VALUE


def write_members(members: Iterable[BaggageMember]) -> str:
    """The header's value; whole members are left out, from the end, where there is no room."""
    written: list[str] = []
    room = MOST_BYTES
    for member in members:
        parts = [f"{member.key}={quote(member.value)}"]
        for key, value in member.properties:
            parts.append(key if value is None else f"{key}={quote(value)}")
        text = ";".join(parts)
        room -= len(text) + bool(written)
        if room < 0 or len(written) == MOST_MEMBERS:
            break
        written.append(text)
    return ",".join(written)


def check_member(member: object) -> BaggageMember:
    """The member, if a header can hold it.

    Raises:
        BadValue: it is none; a key that is no token, or a value that is no text.
    """
    if not isinstance(member, BaggageMember):
        raise BadValue("baggage", member, "it is a mapping of texts, or BaggageMembers")
    for key in (member.key, *(key for key, _ in member.properties)):
        if not isinstance(key, str) or not TOKEN.fullmatch(key):
            raise BadValue("baggage", key, _NO_TOKEN)
    values = [member.value, *(value for _, value in member.properties if value is not None)]
    for value in values:
        if not isinstance(value, str) or _SURROGATE.search(value):
            raise BadValue("baggage", value, "a value is a text that UTF-8 can encode")
    return member
