"""The ``tracestate`` header: a list of keys and values (W3C Trace Context Level 2, 3.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_traces.propagation.carriers import Header
from pytest_traces.propagation.context import Pairs, Problem
from pytest_traces.propagation.formats.format import parts_of
from pytest_traces.settings import BadValue

_KEY = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}")
_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_MOST = 32
#: Room for the longest list: 32 times a key, ``=`` and a value, with commas between.
LIMIT = _MOST * (256 + 1 + 256) + _MOST - 1

_SOURCE = "W3C Trace Context"
_TOO_LONG = f"a list of {_MOST} members has at most {LIMIT} characters ({_SOURCE}, 3.3.2)"
_TOO_MANY = f"the list must have at most {_MOST} members ({_SOURCE}, 3.3.2)"
_NO_MEMBER = f"a member must be a key, '=' and a value ({_SOURCE}, 3.3.2.2)"
_BAD_KEY = (
    "a key must begin with a lower-case letter or a digit and have at most 256 characters of "
    f"a-z, 0-9, _ - * / @ ({_SOURCE}, 3.3.2.2.1)"
)
_BAD_VALUE = (
    "a value must have 1 to 256 printable ASCII characters without ',' and '=' "
    f"({_SOURCE}, 3.3.2.2.2)"
)
_TWICE = f"a key must not be there twice ({_SOURCE}, 3.5)"
_SPACES = " \t"


def read_tracestate(headers: Sequence[Header]) -> tuple[Pairs, tuple[Problem, ...]]:
    """The members of all ``tracestate`` headers of a carrier, which are one list.

    One broken member makes a receiver discard all of them; of a key that is there twice the
    first, which is the newest, is kept.

    Args:
        headers: the ``tracestate`` headers in their order.

    Returns:
        The keys and values, and what is wrong with the headers.

    Example:
        >>> read_tracestate([Header("tracestate", "congo=t61rcWkgMzE")])
        ((('congo', 't61rcWkgMzE'),), ())
    """
    length = sum(len(header.value) for header in headers)
    if length > LIMIT:
        return (), (headers[0].problem(_TOO_LONG),)
    members: dict[str, str] = {}
    twice: list[Problem] = []
    count = 0
    for header in headers:
        for part, (start, _) in parts_of(header.value, ","):
            left = part.lstrip(_SPACES)
            text = left.rstrip(_SPACES)
            if not text:
                continue  # empty members are allowed, and mean nothing
            begin = start + len(part) - len(left)
            span = (begin, begin + len(text))
            key, sign, value = text.partition("=")
            rule = _broken(key, sign, value)
            count += 1
            if rule is None and count > _MOST:
                rule = _TOO_MANY
            if rule is not None:
                return (), (Problem(header.name, header.value, rule, span),)
            if key in members:
                twice.append(Problem(header.name, header.value, _TWICE, span))
            members.setdefault(key, value)
    return tuple(members.items()), tuple(twice)


def write_tracestate(members: Pairs) -> str:
    """The header's value.

    Raises:
        BadValue: a key or a value that the header cannot hold, a key twice, too many of them.
    """
    for key, value in members:
        rule = _broken(key, "=", value)
        if rule is not None:
            raise BadValue("tracestate", (key, value), rule)
    if len({key for key, _ in members}) < len(members):
        raise BadValue("tracestate", members, _TWICE)
    if len(members) > _MOST:
        raise BadValue("tracestate", members, _TOO_MANY)
    return ",".join(f"{key}={value}" for key, value in members)


def _broken(key: str, sign: str, value: str) -> str | None:
    if not sign:
        return _NO_MEMBER
    if not _KEY.fullmatch(key):
        return _BAD_KEY
    return None if _VALUE.fullmatch(value) else _BAD_VALUE
