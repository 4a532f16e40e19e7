"""Notices when the application tells its instrumentation to keep silent.

Instrumentation asks the current context for a key before it makes a span. So contexts
that carry the key are noticed where they become current, except those that the SDK's own
exporters set around their network traffic.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.patching import Patches

_PLAIN_KEY = "suppress_instrumentation"
_EXPORTING = ("opentelemetry.sdk.", "opentelemetry.exporter.")
_FRAMES = 12


class SuppressionHook:
    """Wraps ``ContextVarsRuntimeContext.attach``."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Patches()
        self._keys: tuple[str, ...] = (_PLAIN_KEY,)

    def install(self, module: ModuleType) -> None:
        """Hook the class of the module; twice is once."""
        context = sys.modules["opentelemetry.context"]
        private = (
            getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", _PLAIN_KEY),
            getattr(context, "_SUPPRESS_HTTP_INSTRUMENTATION_KEY", _PLAIN_KEY),
        )
        self._keys = tuple(dict.fromkeys((_PLAIN_KEY, *private)))
        self._patches.replace(module.ContextVarsRuntimeContext, "attach", self._wrap)

    def uninstall(self) -> None:
        """Restore the method."""
        self._patches.undo()

    def is_active(self) -> bool:
        """Whether the calling context carries one of the keys."""
        context = sys.modules.get("opentelemetry.context")
        return context is not None and any(context.get_value(key) for key in self._keys)

    def _wrap(self, attach: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def attach_and_notice(runtime: Any, context: Any) -> Any:
            if windows and any(context.get(key) for key in self._keys):
                self._notice(sys._getframe(1))
            return attach(runtime, context)

        return attach_and_notice

    def _notice(self, frame: FrameType | None) -> None:
        for _ in range(_FRAMES):
            if frame is None:
                break
            if frame.f_globals.get("__name__", "").startswith(_EXPORTING):
                return
            frame = frame.f_back
        for window in self._journal.windows:
            window.remark("suppressed", _PLAIN_KEY)
