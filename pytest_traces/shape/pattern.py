"""Patterns: what is wanted of a span and of the spans below it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import EllipsisType
from typing import Any, Literal, NamedTuple

from pytest_traces.model import Kind, Status
from pytest_traces.settings import SPAN_SOURCES, BadValue, parse_duration
from pytest_traces.shape.fields import Fields, Glob
from pytest_traces.shape.names import check_exception, check_name
from pytest_traces.shape.usage import understood

Order = Literal["in_order", "sequential", "concurrent"]
#: A name: a string compared with ``==``, a compiled regular expression (fullmatch), a glob,
#: or any object with ``==``.
Name = Any


class PatternError(ValueError):
    """A pattern that cannot be used, or whose meaning is ambiguous for this trace."""


class Pattern:
    """What is wanted of a span, of how often it occurs, and of its children; made by :func:`span`.

    Patterns are values: ``*``, :meth:`times` and :attr:`optional` give new ones.
    """

    __slots__ = ("children", "fields", "groups", "high", "low", "open")

    def __init__(
        self,
        fields: Fields,
        children: tuple[Pattern, ...] = (),
        groups: tuple[Group, ...] = (),
        *,
        open: bool = False,  # noqa: A002  # the word for it throughout
        low: int = 1,
        high: int | None = 1,
    ) -> None:
        self.fields = fields
        self.children = children
        self.groups = groups
        self.open = open
        self.low = low
        self.high = high

    def __mul__(self, count: int) -> Pattern:
        """``span("SELECT items") * 3``: exactly three of these."""
        __tracebackhide__ = True
        return self.times(count)

    __rmul__ = __mul__

    def times(self, low: int, high: int | EllipsisType | None = ...) -> Pattern:
        """This span ``low`` to ``high`` times; with one number exactly that often.

        Args:
            low: the least number.
            high: the greatest number; None for any.

        Raises:
            PatternError: a negative number, ``high`` below ``low``, or never.
        """
        __tracebackhide__ = True
        top = low if isinstance(high, EllipsisType) else high
        for number in (low,) if high is None else (low, top):
            if not isinstance(number, int) or isinstance(number, bool):
                raise PatternError(f"{self.label}: a count is an integer, not {number!r}")
            if number < 0:
                raise PatternError(f"{self.label}: a count cannot be negative, as {number} is")
        if top == 0:
            raise PatternError(f"{self.label}: to expect none, use assert_none({self.label})")
        if top is not None and top < low:
            raise PatternError(f"{self.label}: no number lies between {low} and {top}")
        return self._with(low, top)

    @property
    def optional(self) -> Pattern:
        """This span, or none."""
        return self._with(0, self.high)

    def _with(self, low: int, high: int | None) -> Pattern:
        return Pattern(self.fields, self.children, self.groups, open=self.open, low=low, high=high)

    @property
    def label(self) -> str:
        """Its name as messages show it."""
        return label_of(self.fields.name)

    @property
    def members(self) -> tuple[Pattern, ...]:
        """All direct children, those in groups included."""
        if not self.groups:
            return self.children
        return (*self.children, *(member for group in self.groups for member in group.members))

    def __repr__(self) -> str:
        times = "" if (self.low, self.high) == (1, 1) else f".times({self.low}, {self.high})"
        inner = f", <{len(self.members)} children>" if self.members else ""
        return f"span({self.label}{inner}){times}"


def parents_first(root: Pattern) -> list[Pattern]:
    """The pattern and all below it, each once however often it is used, parents before children."""
    order: list[Pattern] = []
    seen: set[int] = set()
    stack = [(root, False)]
    while stack:
        pattern, is_done = stack.pop()
        if is_done:
            order.append(pattern)
        elif id(pattern) not in seen:
            seen.add(id(pattern))
            stack.append((pattern, True))
            stack.extend((member, False) for member in pattern.members)
    return order[::-1]


class _Forest:
    """The name of the pattern that stands above the wanted roots; no span has it."""

    def __repr__(self) -> str:
        return "the forest"


FOREST = _Forest()


def forest_of(
    children: tuple[Pattern, ...], groups: tuple[Group, ...] = (), *, is_open: bool = False
) -> Pattern:
    """The pattern of a whole forest with these roots."""
    return Pattern(Fields(name=FOREST), children, groups, open=is_open)


class Group(NamedTuple):
    """Sibling spans whose starts, ends or overlap are wanted in a certain way."""

    order: Order
    members: tuple[Pattern, ...]


Child = Pattern | Group | str | EllipsisType


def label_of(name: Name) -> str:
    """A name as messages show it: quoted; patterns in their own notation."""
    if name is None:
        return "any span"
    if isinstance(name, re.Pattern):
        return f"re.compile({name.pattern!r})"
    return repr(name)


def span(
    name: Name,
    *children: Child,
    kind: Kind | None = None,
    status: Status | None = None,
    status_description: Any = None,
    attributes: Mapping[str, Any] | None = None,
    events: Sequence[Any] | None = None,
    links: Sequence[Any] | None = None,
    exception: type[BaseException] | str | None = None,
    service: Any = None,
    scope: Any = None,
    source: str | None = None,
    under: str | timedelta | None = None,
    unfinished: bool = False,
) -> Pattern:
    """Describe a wanted span and its children.

    Args:
        name: compared with ``==``; or a compiled regular expression (fullmatch), a
            :func:`glob`, any object with ``==``.
        children: exactly these, in any order: patterns, names, groups (:func:`in_order`,
            :func:`sequential`, :func:`concurrent`). A bare ``...`` among them: others may be
            there too.
        kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
        status: ``unset``, ``ok`` or ``error``.
        status_description: the text that comes with an error status.
        attributes: these must be there with these values; others may be.
        events: likewise: names, or mappings with ``name`` and ``attributes``.
        links: likewise: spans, or mappings with ``trace_id``, ``span_id``, ``attributes``.
        exception: an exception event of this type (or of a subclass), or of this name; None,
            as everywhere here: does not matter.
        service: ``service.name`` of the resource.
        scope: the name of the instrumentation scope.
        source: ``opentelemetry``, ``sentry``, ``handwritten``, ``otlp`` (other processes),
            ``file``, or ``test`` for callers and stand-ins.
        under: the span must take less than this: ``"50ms"`` or a timedelta.
        unfinished: the span must still be open; an open span fails otherwise.

    Returns:
        A pattern; ``* 3``, ``.times(1, 4)`` and ``.optional`` say how often.

    Raises:
        TypeError: a child that is none of these; an exception that is no type and no name.
        BadValue: an unknown kind or status, a duration without a unit.

    Example:
        >>> span("POST /checkout", span("SELECT orders") * 2, ..., kind="server")
    """
    __tracebackhide__ = True
    return understood(
        _described,
        name,
        children,
        under,
        kind=kind,
        status=status,
        status_description=status_description,
        attributes=attributes,
        events=events,
        links=links,
        exception=exception,
        service=service,
        scope=scope,
        source=source,
        unfinished=unfinished,
    )


def _described(
    name: Name, children: tuple[Child, ...], under: str | timedelta | None, **wishes: Any
) -> Pattern:
    if isinstance(name, Pattern | Group | EllipsisType):
        raise TypeError(f"span({name!r}): the first argument is a name, then come the children")
    check_name(name, "span: ")
    if wishes["exception"] is not None:
        check_exception(wishes["exception"], "exception: ")
    source = wishes["source"]
    if isinstance(source, str) and source not in SPAN_SOURCES:
        raise BadValue("source", source, f"the sources are {', '.join(SPAN_SOURCES)}")
    under_ns = None if under is None else parse_duration(under, "under")
    patterns, groups, is_open = sort_children(f"span({label_of(name)})", children)
    fields = Fields(name=name, under_ns=under_ns, **wishes)
    return Pattern(fields, patterns, groups, open=is_open)


def in_order(*members: Pattern | str) -> Group:
    """Siblings that start in this order.

    Example:
        >>> span("POST /checkout", in_order(span("reserve"), span("charge")))
    """
    __tracebackhide__ = True
    return understood(_group, "in_order", members)


def sequential(*members: Pattern | str) -> Group:
    """Siblings no two of which overlap (half-open intervals)."""
    __tracebackhide__ = True
    return understood(_group, "sequential", members)


def concurrent(*members: Pattern | str) -> Group:
    """Siblings that are all open at one instant."""
    __tracebackhide__ = True
    return understood(_group, "concurrent", members)


def _group(order: Order, members: tuple[Pattern | str, ...]) -> Group:
    patterns, groups, is_open = sort_children(order, members)
    if groups or is_open:
        raise TypeError(f"{order}(...): a group holds spans, not groups and not '...'")
    if not patterns:
        raise PatternError(f"{order}() is empty; a group holds at least one span")
    return Group(order, patterns)


def sort_children(
    owner: str, children: Sequence[object]
) -> tuple[tuple[Pattern, ...], tuple[Group, ...], bool]:
    """Sort what was given as children into patterns, groups and the bare ``...``.

    Raises:
        TypeError: something else; it names the owner, the place and what is allowed.
    """
    patterns: list[Pattern] = []
    groups: list[Group] = []
    is_open = False
    for place, child in enumerate(children, 1):
        if child is ...:
            is_open = True
        elif isinstance(child, Group):
            groups.append(child)
        elif isinstance(child, Pattern):
            patterns.append(child)
        elif isinstance(child, str | re.Pattern | Glob):
            patterns.append(Pattern(Fields(name=child)))
        else:
            unpack = "; unpack it with *" if isinstance(child, list | tuple) else ""
            raise TypeError(
                f"{owner}: child {place} is {child!r} ({type(child).__name__}); a child is a "
                f"span(...), a name, a group such as in_order(...), or ...{unpack}"
            )
    return tuple(patterns), tuple(groups), is_open
