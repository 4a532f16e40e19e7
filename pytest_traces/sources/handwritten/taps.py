"""Listening in on an application's own tracer: a function it calls, a list it appends to."""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, ModuleType
from typing import Any

from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.reading import UnreadableSpan, looks_like_span, read_span
from pytest_traces.sources.handwritten.times import check_unit


class Tap:
    """Reads the spans that an application passes to one of its functions."""

    def __init__(
        self, journal: Journal, recording: Recording, owner: object, name: str, unit: str
    ) -> None:
        self._journal = journal
        self._recording = recording
        self._unit = check_unit(unit)
        self._owner: Any = importlib.import_module(owner) if isinstance(owner, str) else owner
        self._name = name
        self._original = self._callable()
        self._raw = inspect.getattr_static(self._owner, name)
        self._own = name in vars(self._owner)  # else inherited: by an object from its class
        self._rebound: list[ModuleType] = []
        self._listening: object = None
        self.calls = 0

    @property
    def title(self) -> str:
        """How the tap was asked for."""
        owner = getattr(self._owner, "__name__", type(self._owner).__name__)
        return f"tap({owner}, {self._name!r})"

    def install(self) -> None:
        """Put the listener in place, also where ``from x import name`` bound it before."""
        listener = self._listener()
        setattr(self._owner, self._name, listener)
        for module, name in _bindings(self._original):
            setattr(module, name, listener)
            self._rebound.append(module)
        self._listening = listener
        self._recording.endings.append(self._end)

    def _callable(self) -> Callable[..., Any]:
        found = getattr(self._owner, self._name, None)
        if not callable(found):
            raise BadValue("tap", self._name, f"{self._owner!r} has no function of that name")
        return found

    def _listener(self) -> Any:
        raw, hear = self._raw if self._own else self._original, self._hear
        inner = raw.__func__ if isinstance(raw, staticmethod | classmethod) else raw

        # A method is called with its object first, which is no span of this call.
        skip = int(isinstance(self._owner, type) and not isinstance(raw, staticmethod))

        @functools.wraps(inner)
        def listener(*args: Any, **kwargs: Any) -> Any:
            hear(inner, args, kwargs, skip)
            return inner(*args, **kwargs)

        if isinstance(raw, staticmethod):
            return staticmethod(listener)
        return classmethod(listener) if isinstance(raw, classmethod) else listener

    def _hear(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        skip: int,
    ) -> None:
        self.calls += 1
        found = False
        for given in _spans_among(function, args, kwargs, skip):
            found = True
            try:
                self._journal.put(read_span(given, self._unit))
            except UnreadableSpan as error:
                self._recording.problems.append(f"{self.title}: {error}")
        if not found:
            shown = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items())])
            self._recording.problems.append(
                f"{self.title}: a call passed nothing with a name and an id: {shown[:200]}"
            )

    def _end(self) -> str | None:
        if self._own:
            setattr(self._owner, self._name, self._raw)
        else:
            delattr(self._owner, self._name)
        for module, name in _bindings(self._listening):
            if module in self._rebound:
                setattr(module, name, self._original)
        if self.calls:
            return None
        return f"{self.title} was never called{_other_holders(self._original)}"


class Watch:
    """Reads the spans that an application appends to a list."""

    def __init__(self, journal: Journal, recording: Recording, items: list[Any], unit: str) -> None:
        if not isinstance(items, list):
            raise BadValue("watch", items, "what can be watched is a list")
        self._journal = journal
        self._recording = recording
        self._items = items
        self._unit = check_unit(unit)
        self._next = len(items)
        self._open: dict[int, Any] = {}

    def pull(self) -> None:
        """Take what came since the last time, and the ends of spans that were open then."""
        if len(self._items) < self._next:
            lost = self._next - len(self._items)
            self._next = len(self._items)
            self._recording.problems.append(
                f"watch: {lost} items have left the list since it was last looked at, and others "
                "may have come and gone unseen; tap the function that records a span instead"
            )
        for number, given in list(self._open.items()):
            self._take(given, number)
        while self._next < len(self._items):
            given = self._items[self._next]
            self._next += 1
            self._take(given, None)

    def _take(self, given: Any, number: int | None) -> None:
        try:
            span = read_span(given, self._unit)
        except UnreadableSpan as error:
            self._recording.problems.append(f"watch: {error}")
            return
        if number is None:
            number = self._journal.put(span)
        elif span.end_ns is not None:
            self._journal.replace(number, span)
        if span.end_ns is None:
            self._open[number] = given
        else:
            self._open.pop(number, None)


def _spans_among(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], skip: int
) -> Iterator[object]:
    """The spans among the arguments: one of them, a list of them, or all of them together."""
    found = False
    for given in (*args[skip:], *kwargs.values()):
        group = given if isinstance(given, list | tuple) else (given,)
        for one in group:
            if looks_like_span(one):
                found = True
                yield one
    if found:
        return
    try:
        bound = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        bound = dict(kwargs)
    together: dict[str, Any] = {}
    for name, value in bound.items():
        together.update(value if name == "kwargs" and isinstance(value, dict) else {name: value})
    if looks_like_span(together):
        yield together


def _bindings(function: object) -> list[tuple[ModuleType, str]]:
    """Every module global that is this very function."""
    return [
        (module, name)
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType)
        for name, value in list(vars(module).items())
        if value is function
    ]


def _other_holders(function: object) -> str:
    """Who else holds the function: a binding made before the tap, which it cannot replace."""
    kinds = sorted(
        {
            type(holder).__name__
            for holder in gc.get_referrers(function)
            if isinstance(holder, list | tuple | functools.partial)
            or type(holder).__name__ in {"cell", "method"}
            if not isinstance(holder, FrameType)
        }
    )
    return f"; it is also held by a {', a '.join(kinds)}, which a tap cannot reach" if kinds else ""
