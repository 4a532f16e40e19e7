"""Times as JSON has them, to integer nanoseconds."""

from __future__ import annotations

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed

_MICROSECOND = 1_000
#: What of 64 bits of nanoseconds is left for microseconds.
_MICROSECOND_BITS = 54


def start_us(node: Node, name: str) -> int:
    """A time in microseconds that has to be there.

    Raises:
        Malformed: it is not, or it is no time.
    """
    start_ns = time_us(node, name)
    if start_ns is None:
        raise Malformed(node.where, f"it has no {name}")
    return start_ns


def time_us(node: Node, name: str) -> int | None:
    """A time in microseconds; None where it is absent.

    Raises:
        Malformed: it is no time.
    """
    field = node.field(name)
    return None if field is None else field.as_whole(_MICROSECOND_BITS) * _MICROSECOND


def length_us(node: Node, name: str) -> int | None:
    """A duration in microseconds, below zero where clocks disagree; None where it is absent.

    Raises:
        Malformed: it is no duration.
    """
    field = node.field(name)
    if field is None:
        return None
    return field.as_whole(_MICROSECOND_BITS, is_signed=True) * _MICROSECOND
