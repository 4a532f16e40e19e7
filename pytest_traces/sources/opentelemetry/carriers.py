"""Notes what propagators write into carriers and read from them, while a recording is open.

``inject`` and ``extract`` are often imported by name, so they are hooked where every call ends
up: on the classes of propagators. Only the outermost call is noted, so that a composite
propagator leaves one record and not one for each of its parts.

The W3C baggage propagator is left alone: by itself it carries no trace context, and within a
composite its part is in the record of that.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any, Literal

from opentelemetry.propagators.textmap import TextMapPropagator

from pytest_traces.recording import Journal
from pytest_traces.recording.traffic import note_carrier
from pytest_traces.sources.opentelemetry.headers import NotingSetter, noting, read, written
from pytest_traces.sources.opentelemetry.records import SOURCE
from pytest_traces.sources.patching import Patches

Action = Literal["inject", "extract"]
_ACTIONS: tuple[Action, ...] = ("inject", "extract")
_BAGGAGE = "opentelemetry.baggage.propagation"
_MARK = "_notes_carriers"


class _Inside(threading.local):
    """Whether this thread is inside a propagator already."""

    propagator = False


class CarrierHooks:
    """Hooks the propagators of libraries for good, those of the application while recording."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lasting = Patches()
        self._passing = Patches()
        self._inside = _Inside()
        self._known: set[type] = set()

    def install(self) -> None:
        """Hook every propagator that is imported by now; again is only what is new."""
        self._hook_subclasses(self._lasting)
        module = sys.modules.get("opentelemetry.propagate")
        if module is not None and hasattr(module, "get_global_textmap"):
            self._lasting.replace(module, "get_global_textmap", self._wrap_global)

    def uninstall(self) -> None:
        """Restore every class."""
        self.close()
        self._lasting.undo()

    def open(self) -> None:
        """Hook the propagators that were defined since, the application's own for instance."""
        self._hook_subclasses(self._passing)

    def close(self) -> None:
        """Restore what was hooked for this recording."""
        self._passing.undo()
        self._known.clear()

    def _hook_subclasses(self, patches: Patches) -> None:
        base: type = TextMapPropagator
        left: list[type] = type.__subclasses__(base)
        seen = {base}
        while left:
            propagator = left.pop()
            if propagator not in seen:
                seen.add(propagator)
                left += type.__subclasses__(propagator)
                self._hook(propagator, patches)

    def _hook(self, propagator: type, patches: Patches) -> None:
        if propagator.__module__ == _BAGGAGE:
            return
        for action in _ACTIONS:
            method = vars(propagator).get(action)
            # Ours, perhaps below a wrapper of others that has taken over our mark; a static
            # method, or what stands in for one in a test, is called in ways of its own.
            if hasattr(method, _MARK) or not hasattr(method, "__get__"):
                continue
            if not isinstance(method, staticmethod | classmethod):
                with suppress(AttributeError, TypeError):  # a class that nobody can change
                    patches.replace(propagator, action, getattr(self, f"_wrap_{action}"))

    def _wrap_global(self, original: Callable[[], Any]) -> Callable[[], Any]:
        windows, known = self._journal.windows, self._known

        @wraps(original)
        def get_global_textmap() -> Any:
            propagator = original()
            if windows and type(propagator) not in known:
                known.add(type(propagator))
                for one in type(propagator).__mro__:  # defined since, or of no known base
                    if one not in (object, TextMapPropagator):
                        self._hook(one, self._passing)
            return propagator

        return get_global_textmap

    def _wrap_inject(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows, inside = self._journal.windows, self._inside

        @wraps(original)
        def inject(*args: Any, **kwargs: Any) -> Any:
            if not windows or inside.propagator:
                return original(*args, **kwargs)
            inside.propagator = True
            try:
                setter, args, kwargs = _with_noting_setter(args, kwargs)
                result = original(*args, **kwargs)
                self._note("inject", lambda: written(_argument(args, kwargs, 1, "carrier"), setter))
            finally:
                inside.propagator = False
            return result

        setattr(inject, _MARK, True)
        return inject

    def _wrap_extract(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows, inside = self._journal.windows, self._inside

        @wraps(original)
        def extract(*args: Any, **kwargs: Any) -> Any:
            if not windows or inside.propagator:
                return original(*args, **kwargs)
            inside.propagator = True
            try:
                result = original(*args, **kwargs)
                self._note("extract", lambda: _read(args, kwargs))
            finally:
                inside.propagator = False
            return result

        setattr(extract, _MARK, True)
        return extract

    def _note(self, action: Action, headers: Callable[[], Iterator[tuple[str, str]]]) -> None:
        # Carriers, getters and setters are the application's: they may fail at anything.
        try:
            note_carrier(self._journal, SOURCE, action, headers())
        except Exception as error:  # noqa: BLE001
            problem = f"a carrier of {SOURCE} cannot be read: {type(error).__name__}: {error}"
            for window in self._journal.windows:
                if SOURCE in window.settings.sources and problem not in window.problems:
                    window.problems.append(problem)


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    """An argument of ``inject`` or ``extract``, whose first is the propagator itself."""
    return args[place] if len(args) > place else kwargs.get(name)


def _with_noting_setter(
    args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[NotingSetter | None, tuple[Any, ...], dict[str, Any]]:
    """The same arguments, with a setter that notes what it is told, if a special one is given."""
    setter = noting(_argument(args, kwargs, 3, "setter"))
    if setter is None:
        return None, args, kwargs
    if len(args) > 3:
        return setter, (*args[:3], setter, *args[4:]), kwargs
    return setter, args, {**kwargs, "setter": setter}


def _read(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    carrier = _argument(args, kwargs, 1, "carrier")
    getter = _argument(args, kwargs, 3, "getter")
    return read(carrier, getter, args[0].fields)
