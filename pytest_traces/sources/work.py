"""Counting what the interpreter does: the same number in every run, however busy the machine.

``sys.monitoring`` (PEP 669, Python 3.12) reports the start of each Python function, each call
and each jump. Their number in the thread of a span is a measure of its work that no scheduler
and no other process changes. What happens inside C is not seen.
"""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from threading import get_ident
from types import CodeType
from typing import Any

_OWN = str(Path(__file__).parents[1])
#: 0, 1, 2 and 5 are those of debuggers, coverage, profilers and optimizers.
_TOOLS = (4, 3)
_TOOL_NAME = "pytest-traces"


class CannotCount(RuntimeError):
    """Why the events of this interpreter cannot be counted."""


class Work:
    """Counts events of each thread while it is started; nested starts are counted."""

    def __init__(self) -> None:
        #: Not empty while events are counted; a list, so that hooks can keep hold of it.
        self.running: list[int] = []
        self._events: dict[int, int] = {}
        self._begun: dict[int, tuple[int, int]] = {}
        self._done: dict[int, int] = {}
        self._collects = False

    def start(self) -> None:
        """Begin to count.

        Raises:
            CannotCount: on a Python before 3.12, or where every tool of it is in use.
        """
        if self.running:
            self.running.append(self.running[0])
            return
        tool = self._take_tool()
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        events = _events()
        for event in events:
            monitoring.register_callback(tool, event, self._counter(monitoring.DISABLE))
        # Finalizers would run where the collector happens to come by.
        self._collects = gc.isenabled()
        gc.collect()
        gc.disable()
        monitoring.set_events(tool, sum(events))
        self.running.append(tool)

    def stop(self) -> None:
        """End it, and give the tool back."""
        tool = self.running.pop()
        if self.running:
            return
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        monitoring.set_events(tool, 0)
        for event in _events():  # they would be those of whoever takes the tool next
            monitoring.register_callback(tool, event, None)
        monitoring.free_tool_id(tool)
        if self._collects:
            gc.enable()
        for kept in (self._events, self._begun, self._done):
            kept.clear()

    def begin(self, span: object) -> None:
        """This span starts, in the calling thread."""
        thread = get_ident()
        self._begun[id(span)] = thread, self._events.get(thread, 0)

    def end(self, span: object) -> None:
        """This span ends, in the calling thread."""
        here = get_ident()
        seen = self._events.get(here, 0)
        thread, begun = self._begun.pop(id(span), (None, 0))
        if thread == here:
            self._done[id(span)] = seen - begun

    def of(self, span: object) -> int | None:
        """How many events there were; None where they were not counted. Asked once."""
        return self._done.pop(id(span), None) if self._done else None

    def check(self) -> None:
        """Whether events can be counted at all.

        Raises:
            CannotCount: on a Python before 3.12.
        """
        if sys.version_info < (3, 12):
            found = ".".join(map(str, sys.version_info[:2]))
            raise CannotCount(f"Python {found} does not report its events: 3.12 or later does")

    def _take_tool(self) -> int:
        self.check()
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        for tool in _TOOLS:
            if monitoring.get_tool(tool) is None:
                monitoring.use_tool_id(tool, _TOOL_NAME)
                return tool
        names = " and ".join(str(monitoring.get_tool(tool)) for tool in _TOOLS)
        raise CannotCount(f"events cannot be counted: {names} use every tool of sys.monitoring")

    def _counter(self, disable: object) -> Any:
        events = self._events

        def count(code: CodeType, *_: object) -> object:
            if code.co_filename.startswith(_OWN):
                return disable  # the hooks are no work of the application
            thread = get_ident()
            events[thread] = events.get(thread, 0) + 1
            return None

        return count


def _events() -> tuple[int, ...]:
    events: Any = sys.monitoring.events  # type: ignore[attr-defined,unused-ignore]
    return events.PY_START, events.CALL, events.JUMP


work = Work()
