"""What the checks say of everything that an assertion selected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.propagation.checking.check import Carried
from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.incoming import Incoming
from pytest_traces.propagation.checking.requests import Request

#: Faults by which a receiver does not become the child of the sender.
UNLINKING = ("missing", "repeated", "invalid", "trace", "parent")


class Checked(NamedTuple):
    """One thing that carries a context, and what is wrong with it.

    Attributes:
        title: what it is: ``POST http://payments/charge``, ``the message to 'orders'``.
        carried: its headers, and whose context they should be.
        faults: what is wrong; empty if nothing is.
        request: where it is one.
        copied: the context that came in with the very header that went out.
        unused: whether the span that sent it injected its context into something unknown.
        stray: a span that should have continued this context, and begins a trace of its own.
    """

    title: str
    carried: Carried
    faults: Sequence[Fault] = ()
    request: Request | None = None
    copied: Incoming | None = None
    stray: Span | None = None
    unused: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults and self.stray is None
