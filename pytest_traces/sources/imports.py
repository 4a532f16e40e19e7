"""Act on a library when it is imported, or at once if it was already; never import it.

A finder at the head of ``sys.meta_path`` finds the module as the others would, and wraps
``exec_module`` on that one loader instance.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

OnImport = Callable[[ModuleType], None]


class ImportWatch(MetaPathFinder):
    """Calls a function with each module of a table, as soon as that module is imported."""

    def __init__(self, table: dict[str, OnImport]) -> None:
        self._table = table
        self._busy = threading.local()

    def start(self) -> None:
        """Act on what is imported already, and from now on on what will be."""
        sys.meta_path.insert(0, self)
        for name in self._table:
            module = sys.modules.get(name)
            if module is not None and not _is_initializing(module):
                self._act(name, module)

    def stop(self) -> None:
        """Watch no longer."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as the other finders do, with its loader wrapped."""
        if fullname not in self._table or getattr(self._busy, "name", None) == fullname:
            return None
        self._busy.name = fullname
        try:
            for finder in sys.meta_path:
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        self._wrap(spec.loader, fullname)
                    return spec
            return None
        finally:
            self._busy.name = None

    def _wrap(self, loader: Loader, fullname: str) -> None:
        exec_module = loader.exec_module

        def exec_and_act(module: ModuleType) -> None:
            exec_module(module)
            if module.__name__ == fullname:  # a zip archive shares its loader among modules
                del loader.exec_module
                if self in sys.meta_path:
                    self._act(fullname, module)

        try:
            loader.exec_module = exec_and_act  # type: ignore[method-assign]
        except AttributeError:
            warnings.warn(
                f"pytest-traces cannot watch the import of {fullname}: its loader is fixed",
                stacklevel=2,
            )

    def _act(self, name: str, module: ModuleType) -> None:
        try:
            self._table[name](module)
        except Exception as error:
            warnings.warn(
                f"pytest-traces could not hook {name}: {type(error).__name__}: {error}",
                stacklevel=2,
            )


def _is_initializing(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
