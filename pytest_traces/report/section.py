"""The "traces" section of a test's report."""

from __future__ import annotations

from pytest_traces.forest import Forest
from pytest_traces.report.rows import tree_lines

_RED, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[33m", "\x1b[0m"


def recorded_section(forest: Forest, *, markup: bool) -> str:
    """The recorded tree, or nothing if no span was recorded.

    Args:
        forest: the spans of the test.
        markup: whether the terminal shows colours.
    """
    lines = tree_lines(forest)
    return "\n".join(_painted(line) for line in lines) if markup else "\n".join(lines)


def _painted(line: str) -> str:
    if "   error" in line or line.lstrip(" │").startswith("! "):
        return f"{_RED}{line}{_PLAIN}"
    if "still open" in line or "its parent was not recorded" in line:
        return f"{_YELLOW}{line}{_PLAIN}"
    return line
