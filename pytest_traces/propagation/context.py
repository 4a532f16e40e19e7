"""What a header says about the caller, and what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_traces.settings import BadValue

Pairs = tuple[tuple[str, str], ...]

_TRACE_ID = re.compile("[0-9a-f]{32}")
_SPAN_ID = re.compile("[0-9a-f]{16}")
#: What of a header an error shows; a header may have any length.
_SHOWN = 100


class Problem(NamedTuple):
    """A part of a header that is against its rules, though the trace is continued.

    Attributes:
        header: the name of the header as it was in the carrier.
        value: the value as it was sent.
        rule: what the part should be, and who says so.
        span: where the part is in ``value``, from and to; None for the whole of it.
    """

    header: str
    value: str
    rule: str
    span: tuple[int, int] | None = None


class InvalidContext(ValueError):
    """A header from which a receiver must not continue the trace.

    Attributes:
        format: the name of the format that was asked for.
        header: the name of the header as it was in the carrier.
        value: the value as it was sent.
        rule: the rule that is broken, and who says so, in one sentence.
        span: where the offending part is in ``value``, from and to; None for the whole of it.
    """

    def __init__(
        self,
        format: str,  # noqa: A002  the word of the project for it
        header: str,
        value: str,
        rule: str,
        span: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(format, header, value, rule, span)
        self.format = format
        self.header = header
        self.value = value
        self.rule = rule
        self.span = span

    def __str__(self) -> str:
        shown = self.value if len(self.value) <= _SHOWN else f"{self.value[:_SHOWN]}…"
        return f"{self.header}: {shown}: {self.rule}"

    def as_problem(self) -> Problem:
        """The same, where a receiver reads the context from elsewhere and goes on."""
        return Problem(self.header, self.value, self.rule, self.span)


@dataclass(frozen=True)
class SpanContext:
    """The caller's span as a header names it.

    Two contexts are equal when they name the same span of the same trace with the same
    decisions; where they were read, and what was wrong there, does not count.

    Attributes:
        trace_id: 32 lower-case hex digits. A shorter id of a format is filled with zeros.
        span_id: 16 lower-case hex digits; None where the header names a trace and no span of it.
        sampled: whether the caller recorded the trace; None leaves that to the receiver.
        flags: the flags byte of ``traceparent``, a field of bits; None for other formats.
        tracestate: keys and values of ``tracestate``, the newest first.
        debug: the receiver is asked to record in any case (B3, Jaeger).
        parent_id: the parent of ``span_id``, where the format has it (B3, Jaeger).
        extra: what else the format carries, by the format's own names: ``origin``,
            ``sampling_priority`` and ``_dd.p.*`` of Datadog, ``Self`` or ``Lineage`` of X-Ray,
            ``sentry-*`` of Sentry. It belongs to ``format``; no other format writes it.
        format: the name of the format that it was read from.
        problems: what a receiver drops or has to forgive.

    Raises:
        BadValue: an id that is none, flags that contradict ``sampled``, pairs that are none.

    Example:
        >>> SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True).debug
        False
    """

    trace_id: str
    span_id: str | None
    sampled: bool | None = None
    flags: int | None = field(default=None, compare=False)
    tracestate: Pairs = ()
    debug: bool = False
    parent_id: str | None = None
    extra: Pairs = ()
    format: str = field(default="tracecontext", compare=False)
    problems: tuple[Problem, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if not _is_id(self.trace_id, _TRACE_ID):
            raise BadValue("trace_id", self.trace_id, "it is 32 lower-case hex digits")
        if self.span_id is not None and not _is_id(self.span_id, _SPAN_ID):
            raise BadValue("span_id", self.span_id, "it is 16 lower-case hex digits, or None")
        if self.parent_id is not None and not _is_id(self.parent_id, _SPAN_ID):
            raise BadValue("parent_id", self.parent_id, "it is 16 lower-case hex digits, or None")
        self._check_decisions()
        for where in ("tracestate", "extra"):
            object.__setattr__(self, where, _pairs(where, getattr(self, where)))

    def _check_decisions(self) -> None:
        """Let ``sampled``, ``flags`` and ``debug`` agree; what one implies need not be given."""
        if not isinstance(self.sampled, bool | None):
            raise BadValue("sampled", self.sampled, "it is True, False or None for undecided")
        if not isinstance(self.debug, bool):
            raise BadValue("debug", self.debug, "it is True or False")
        implied = True if self.debug else None
        if self.flags is not None:
            if not isinstance(self.flags, int) or not 0 <= self.flags <= 0xFF:
                raise BadValue("flags", self.flags, "it is one byte, 0 to 255")
            implied = implied or bool(self.flags & 1)
        if implied is None:
            return
        if self.sampled not in (implied, None):
            raise BadValue("sampled", self.sampled, f"flags and debug say {implied}")
        object.__setattr__(self, "sampled", implied)


def _is_id(text: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _pairs(where: str, given: object) -> Pairs:
    """A tuple of pairs of texts, so that the context can be hashed and compared."""
    allowed = "it is a tuple of pairs of texts: (('key', 'value'),)"
    if not isinstance(given, tuple | list):
        raise BadValue(where, given, allowed)
    pairs: list[tuple[str, str]] = []
    for pair in given:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise BadValue(where, pair, allowed)
        key, value = pair
        if not isinstance(key, str) or not isinstance(value, str):
            raise BadValue(where, pair, allowed)
        pairs.append((key, value))
    return tuple(pairs)
