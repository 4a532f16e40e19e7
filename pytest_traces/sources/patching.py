"""Replacing attributes of classes and modules, and putting them back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_DEEPEST = 10


class _Patch(NamedTuple):
    owner: Any
    name: str
    original: Any
    replacement: Any

    def is_below(self, current: Any) -> bool:
        """Whether what stands in its place now calls it."""
        layer = [current]
        for _ in range(_DEEPEST):
            if any(one is self.replacement for one in layer):
                return True
            layer = [below for one in layer for below in _called_by(one)]
        return False


class Patches:
    """Replacements that :meth:`undo` takes back, the last one first."""

    def __init__(self) -> None:
        self._made: list[_Patch] = []
        self._buried: list[_Patch] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put ``make(original)`` in the place of ``owner.name``; a second time does nothing.

        Raises:
            AttributeError: the owner itself does not define that name.
        """
        try:
            current = vars(owner)[name]
        except KeyError:
            raise AttributeError(f"{owner.__name__} does not define {name}") from None
        for patch in (*self._made, *self._buried):
            if patch.owner is owner and patch.name == name and patch.is_below(current):
                if patch in self._buried:
                    self._buried.remove(patch)
                    self._made.append(patch)
                return
        replacement = make(current)
        setattr(owner, name, replacement)
        self._made.append(_Patch(owner, name, current, replacement))

    def undo(self) -> None:
        """Restore every original, unless somebody else has wrapped it since.

        What was wrapped by another library stays below its wrapper, where it only passes on,
        and is used again by the next :meth:`replace`.
        """
        while self._made:
            patch = self._made.pop()
            if vars(patch.owner).get(patch.name) is patch.replacement:
                setattr(patch.owner, patch.name, patch.original)
            else:
                self._buried.append(patch)


def _called_by(wrapper: Any) -> Iterator[Any]:
    """What a wrapper keeps in the usual places, and so presumably calls."""
    for name in ("__wrapped__", "__func__", "func", "fget"):
        below = getattr(wrapper, name, None)
        if below is not None:
            yield below
    for cell in getattr(wrapper, "__closure__", None) or ():
        try:
            below = cell.cell_contents
        except ValueError:  # empty
            continue
        if callable(below) or isinstance(below, property):
            yield below
