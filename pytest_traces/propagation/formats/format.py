"""What each format gives: its name, its headers, how they are read and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from pytest_traces.propagation.carriers import Headers
from pytest_traces.propagation.context import SpanContext

_LOWER_HEX = re.compile("[0-9a-f]*")
_HEX = re.compile("[0-9A-Fa-f]*")


class Format(NamedTuple):
    """A way to carry a context in headers.

    Attributes:
        name: what callers name it by.
        headers: the headers that say which span the caller's is.
        companions: those that only add to it.
        read: a carrier's headers to a context, None where there are none of this format.
        write: a context to headers.
        partial: whether it can name a trace without a span.
    """

    name: str
    headers: tuple[str, ...]
    companions: tuple[str, ...]
    read: Callable[[Headers], SpanContext | None]
    write: Callable[[SpanContext], dict[str, str]]
    partial: bool = False


def fault_of(text: str, lengths: Iterable[int], *, any_case: bool = False) -> str | None:
    """What keeps a text from being an id, to go on after "the trace id"; None if nothing does.

    Args:
        text: what stands in the place of the id.
        lengths: how many digits it may have.
        any_case: whether the format asks for hex and not for lower-case hex.
    """
    allowed = tuple(lengths)
    if len(text) not in allowed:
        digits = " or ".join(str(one) for one in allowed)
        return f"must have {digits} hex digits, not {len(text)} characters"
    if not (_HEX if any_case else _LOWER_HEX).fullmatch(text):
        return "must be hex" if any_case else "must be lower-case hex"
    if not text.strip("0"):
        return "must not be all zeros"
    return None


def parts_of(text: str, separator: str) -> list[tuple[str, tuple[int, int]]]:
    """The parts between the separators, each with where it is, from and to."""
    found: list[tuple[str, tuple[int, int]]] = []
    start = 0
    for part in text.split(separator):
        found.append((part, (start, start + len(part))))
        start += len(part) + len(separator)
    return found
