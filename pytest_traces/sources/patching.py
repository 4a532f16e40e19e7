"""Replacing attributes of classes and modules, and putting them back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Patches:
    """Replacements that :meth:`undo` takes back, the last one first."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, str, Any, Any]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put ``make(original)`` in the place of ``owner.name``; a second time does nothing.

        Raises:
            AttributeError: the owner itself does not define that name.
        """
        try:
            original = vars(owner)[name]
        except KeyError:
            raise AttributeError(f"{owner.__name__} does not define {name}") from None
        if any(made is original for *_, made in self._made):
            return
        replacement = make(original)
        setattr(owner, name, replacement)
        self._made.append((owner, name, original, replacement))

    def undo(self) -> None:
        """Restore every original, unless somebody else has wrapped it since.

        What was wrapped by another library stays below its wrapper, where it only passes on.
        """
        while self._made:
            owner, name, original, replacement = self._made.pop()
            if vars(owner).get(name) is replacement:
                setattr(owner, name, original)
