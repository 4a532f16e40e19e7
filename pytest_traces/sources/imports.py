"""Act on a library when it is imported, or at once if it was already; never import it.

A finder at the head of ``sys.meta_path`` finds the module as the others would, and wraps
``exec_module`` on that one loader instance.
"""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

OnImport = Callable[[ModuleType], None]


class ImportWatch(MetaPathFinder):
    """Calls a function with each module of a table, as soon as that module is imported."""

    def __init__(self, table: dict[str, OnImport]) -> None:
        self._table = table
        self._busy = threading.local()
        #: What could not be hooked, and why, by the name of the module.
        self.faults: dict[str, str] = {}

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
        around: frozenset[str] = getattr(self._busy, "names", frozenset())
        if fullname not in self._table or fullname in around:
            return None
        self._busy.names = around | {fullname}
        try:
            for finder in list(sys.meta_path):
                if finder is self or not hasattr(finder, "find_spec"):
                    continue
                spec = finder.find_spec(fullname, path, target)
                if spec is not None:
                    if spec.loader is not None:
                        self._wrap(spec.loader, fullname)
                    return spec
            return None
        finally:
            self._busy.names = around

    def _wrap(self, loader: Loader, fullname: str) -> None:
        exec_module = getattr(loader, "exec_module", None)
        if exec_module is None:
            self._fail(fullname, "its loader is of a kind that Python itself has given up")
            return

        def exec_and_act(module: ModuleType) -> None:
            exec_module(module)
            if module.__name__ == fullname:  # a zip archive shares its loader among modules
                if vars(loader).get("exec_module") is exec_and_act:
                    del loader.exec_module
                if self in sys.meta_path:
                    self._act(fullname, module)

        try:
            loader.exec_module = exec_and_act  # type: ignore[method-assign]
        except (AttributeError, TypeError):
            self._fail(fullname, "its loader is fixed")

    def _act(self, name: str, module: ModuleType) -> None:
        try:
            self._table[name](module)
        except Exception as error:  # noqa: BLE001  # other versions may differ in anything
            self._fail(name, f"{type(error).__name__}: {error}")
        else:
            self.faults.pop(name, None)

    def _fail(self, name: str, why: str) -> None:
        self.faults[name] = f"pytest-traces could not hook {name}: {why}"
        # Where warnings are errors, the import of the application must not fail for it.
        with suppress(Warning):
            warnings.warn(self.faults[name], stacklevel=3)


def _is_initializing(module: ModuleType) -> bool:
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))
