"""Notices when the application tells its instrumentation to keep silent.

Instrumentation asks the current context for a key before it makes a span. So contexts
that carry the key are noticed where they become current, except those that exporters and
instrumentations set around what they do themselves.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import FrameType, ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.patching import Patches

_PLAIN_KEY = "suppress_instrumentation"
_PRIVATE_KEYS = ("_SUPPRESS_INSTRUMENTATION_KEY", "_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
#: Modules that suppress on behalf of whoever calls them.
_MEANS = (
    "contextlib",
    "opentelemetry.context",
    "opentelemetry.instrumentation.utils",
    "logfire._internal.utils",
)
_TELEMETRY = ("opentelemetry.", "logfire.")
_EXPORTING = ("opentelemetry.sdk.", "opentelemetry.exporter.")
_FRAMES = 20


class SuppressionHook:
    """Wraps ``ContextVarsRuntimeContext.attach``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._keys: frozenset[str] = frozenset()

    def install(self, module: ModuleType) -> None:
        """Hook the class of the module; twice is once."""
        self._patches.replace(module.ContextVarsRuntimeContext, "attach", self._wrap)

    def uninstall(self) -> None:
        """Restore the method."""
        self._patches.undo()

    def is_active(self) -> bool:
        """Whether the calling context carries one of the keys."""
        context = sys.modules.get("opentelemetry.context")
        return context is not None and self._carries(context.get_current())

    def _carries(self, context: Mapping[str, object]) -> bool:
        keys = self._keys or self._find_keys()
        # Nearly always there is none of them, and this is asked wherever a span is current.
        return not keys.isdisjoint(context) and any(context.get(key) for key in keys)

    def _find_keys(self) -> frozenset[str]:
        context = sys.modules.get("opentelemetry.context")
        found = [getattr(context, name, _PLAIN_KEY) for name in _PRIVATE_KEYS]
        keys = frozenset((_PLAIN_KEY, *found))
        if len(keys) > 1:  # else that module is still being imported, or knows none
            self._keys = keys
        return keys

    def _wrap(self, attach: Callable[..., Any]) -> Callable[..., Any]:
        windows, carries = self._journal.windows, self._carries

        def attach_and_notice(runtime: Any, context: Any) -> Any:
            if (
                windows
                and isinstance(context, dict)
                and carries(context)
                and not carries(runtime.get_current())
            ):
                self._notice(sys._getframe(1))
            return attach(runtime, context)

        return attach_and_notice

    def _notice(self, frame: FrameType | None) -> None:
        names = _modules(frame)
        if not names or names[0].startswith(_TELEMETRY):
            return
        if any(name.startswith(_EXPORTING) for name in names):
            return
        for window in self._journal.windows:
            window.remark("suppressed", _PLAIN_KEY)


def _modules(frame: FrameType | None) -> list[str]:
    """The modules on the stack, the innermost first, from where somebody decided to suppress."""
    names: list[str] = []
    while frame is not None and len(names) < _FRAMES:
        name = frame.f_globals.get("__name__") or ""
        if names or name not in _MEANS:
            names.append(name)
        frame = frame.f_back
    return names
