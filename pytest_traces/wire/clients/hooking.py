"""Hooks that come and go with every test: the same one in the same place, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_traces.sources.patching import Patches


class Hooks(Patches):
    """Patches that put the same replacement back where they find the same original."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple[Any, str], tuple[Any, Any]] = {}

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """As for every patch; the owner is kept, so it has to be a class of a library."""
        super().replace(owner, name, partial(self._keep, (owner, name), make))

    def replace_once(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """For a class that may go away; it is not kept."""
        super().replace(owner, name, make)

    def _keep(self, place: tuple[Any, str], make: Callable[[Any], Any], original: Any) -> Any:
        kept = self._kept.get(place)
        if kept is None or kept[0] is not original:
            kept = self._kept[place] = (original, make(original))
        return kept[1]
