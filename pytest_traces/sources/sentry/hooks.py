"""Replacing methods of Sentry's classes; where one is not there, what is lost is said in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_traces.sources.patching import Patches


class Hooks:
    """Replacements that :meth:`undo` takes back; what a version does not have is noted."""

    def __init__(self) -> None:
        self._patches = Patches()
        #: What could not be hooked, and what is lost by that, by the name of the method.
        self.lost: dict[str, str] = {}

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any], lost: str) -> None:
        """Put ``make(original)`` in its place; twice is once.

        Args:
            owner: a class.
            name: its method.
            make: makes the replacement.
            lost: what is not seen where this version of Sentry has no such method.
        """
        method = f"{owner.__name__}.{name}"
        try:
            self._patches.replace(owner, name, make)
        except AttributeError:
            self.lost[method] = f"this sentry-sdk has no {method}: {lost}"
        else:
            self.lost.pop(method, None)

    def undo(self) -> None:
        """Restore every method."""
        self._patches.undo()


def named_like(wrapper: Callable[..., Any], original: Callable[..., Any]) -> Callable[..., Any]:
    """The wrapper under the name of what it wraps."""
    wrapper.__name__, wrapper.__qualname__ = original.__name__, original.__qualname__
    wrapper.__doc__ = original.__doc__
    return wrapper
