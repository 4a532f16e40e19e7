"""What was captured: each source, active or why not, and what was kept back by which setting."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.recording import Capture

_TITLE_COLUMN = 15


def captured_lines(captures: Sequence[Capture]) -> list[str]:
    """One line for each source or setting, its notes below it."""
    lines = []
    for capture in captures:
        lines.append(f"  {capture.title:<{_TITLE_COLUMN}} {capture.state}")
        lines += [f"  {'':<{_TITLE_COLUMN}} {note}" for note in capture.notes]
    return lines


def first_hint(captures: Sequence[Capture]) -> str | None:
    """The first hint that a source gives."""
    return next((capture.hint for capture in captures if capture.hint), None)
