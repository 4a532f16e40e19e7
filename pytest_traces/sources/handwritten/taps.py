"""Listening in on a function of the application's own tracer."""

from __future__ import annotations

import functools
import importlib
import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.bindings import other_holders, own_value, rebind
from pytest_traces.sources.handwritten.calls import spans_among
from pytest_traces.sources.handwritten.fields import MISSING
from pytest_traces.sources.handwritten.intake import Intake
from pytest_traces.sources.handwritten.reading import shortened


class Tap:
    """Reads the spans that an application passes to one of its functions."""

    def __init__(
        self, journal: Journal, recording: Recording, owner: object, name: str, unit: str
    ) -> None:
        self._recording = recording
        self._owner: Any = importlib.import_module(owner) if isinstance(owner, str) else owner
        self._name = name
        self._intake = Intake(journal, self.title, unit)
        self._found = self._callable()
        self._raw = self._as_defined()
        self._inherited = own_value(self._owner, name) is MISSING
        self._listening = self._listener()
        self._put: object = None
        self._calls = 0
        _taps.add(self)

    @property
    def title(self) -> str:
        """How the tap was asked for."""
        owner = getattr(self._owner, "__name__", type(self._owner).__name__)
        return f"tap({owner}, {self._name!r})"

    def install(self) -> None:
        """Put the listener in place, also where ``from x import name`` bound it before.

        Raises:
            BadValue: the function cannot be replaced.
        """
        try:
            setattr(self._owner, self._name, self._listening)
        except (AttributeError, TypeError) as error:
            raise BadValue("tap", self._name, f"it cannot be replaced: {error}") from None
        self._put = getattr(self._owner, self._name)
        rebind(self._found, self._put)
        self._recording.remark("handwritten", self._silence)
        self._recording.endings.append(self._end)

    @property
    def _silence(self) -> str:
        return f"{self.title} has not been called"

    def holding(self) -> list[object]:
        """Everything of this tap that holds the function."""
        listener = getattr(self._listening, "__func__", self._listening)
        return [self, vars(self), self._raw, vars(listener), *(listener.__closure__ or ())]

    def _callable(self) -> Callable[..., Any]:
        found: object = getattr(self._owner, self._name, None)
        if callable(found):
            return found
        owner = getattr(self._owner, "__name__", shortened(self._owner))
        raise BadValue("tap", self._name, f"{owner} has no function of that name")

    def _as_defined(self) -> Any:
        """The function as it stands in its class, where it may be a static method, say."""
        if not isinstance(self._owner, type):
            return self._found
        raw = inspect.getattr_static(self._owner, self._name, self._found)
        if not callable(raw) and not isinstance(raw, classmethod):
            kind = type(raw).__name__
            raise BadValue("tap", self._name, f"a {kind} cannot be tapped, only a function")
        return raw

    def _listener(self) -> Any:
        raw, is_class = self._raw, isinstance(self._owner, type)
        inner = raw.__func__ if isinstance(raw, staticmethod | classmethod) else raw
        # What no descriptor is, a class does not bind to its objects.
        is_bound = is_class and not isinstance(raw, staticmethod) and hasattr(raw, "__get__")
        listener = self._wrapped(inner, skip=int(is_bound))
        if isinstance(raw, classmethod):
            return classmethod(listener)
        return staticmethod(listener) if is_class and not is_bound else listener

    def _wrapped(self, inner: Callable[..., Any], skip: int) -> Callable[..., Any]:
        """Listens, then does what the function does. A method's object is no span: skip it."""
        hear, settle = self._hear, self._settle

        @functools.wraps(inner)
        def listener(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            unread = hear(inner, args, kwargs, skip)
            try:
                return inner(*args, **kwargs)
            finally:
                settle(unread)

        @functools.wraps(inner)
        async def async_listener(*args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            unread = hear(inner, args, kwargs, skip)
            try:
                return await inner(*args, **kwargs)
            finally:
                settle(unread)

        return async_listener if inspect.iscoroutinefunction(inner) else listener

    def _hear(
        self, inner: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], skip: int
    ) -> list[object]:
        """Record what a call passes; returns what the function itself may complete yet."""
        if not self._recording.is_open:
            return []
        if not self._calls:
            self._recording.remarks.get("handwritten", {}).pop(self._silence, None)
        self._calls += 1
        given = spans_among(inner, args, kwargs, skip)
        if not given:
            passed = [*map(shortened, args[skip:])]
            passed += [f"{name}={shortened(value)}" for name, value in kwargs.items()]
            text = ", ".join(passed) or "no argument"
            self._intake.complain(f"a call passed nothing with a name and an id: {text[:200]}")
        return [one for one in given if self._intake.take(one) is not None]

    def _settle(self, unread: list[object]) -> None:
        """Look again after the call: the function may be the one that ends the span."""
        for one in unread:
            error = self._intake.take(one)
            if error is not None:
                self._intake.complain(error)
        if self._intake.follows:
            self._intake.look_again()
            if self._intake.follows and self._intake.look_again not in self._recording.pulls:
                self._recording.pulls.append(self._intake.look_again)

    def _end(self) -> str | None:
        # Whoever has wrapped it since restores it, or calls the listener, which only passes on.
        if own_value(self._owner, self._name) is self._listening:
            if self._inherited:
                delattr(self._owner, self._name)
            else:
                setattr(self._owner, self._name, self._raw)
        rebind(self._put, self._found)
        self._intake.look_again()
        if self._calls:
            return None
        holders = other_holders(self._found, [one for tap in _taps for one in tap.holding()])
        if not holders:
            return f"{self.title} was never called"
        return (
            f"{self.title} was never called; the function is also held by {', '.join(holders)}, "
            "which a tap cannot reach"
        )


#: Those of earlier tests, too, as long as they live.
_taps: weakref.WeakSet[Tap] = weakref.WeakSet()
