"""Outlines: a tree of names as text, one a line, to read and to paste back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, NoReturn

from pytest_traces.shape.entry import LEAD, Entry, Misread, read
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.pattern import Pattern
from pytest_traces.shape.rendering import render

__all__ = ["OutlineError", "parse", "render"]

_DEEPER_THAN_ANY = sys.maxsize


class OutlineError(ValueError):
    """An outline that cannot be read: the line, the column, and the nearest valid form."""

    def __init__(self, text: str, line: int, column: int, reason: str, nearest: str) -> None:
        super().__init__(text, line, column, reason, nearest)
        self.text = text
        self.line = line
        self.column = column
        self.reason = reason
        #: The whole line as it could be, with its indentation.
        self.nearest = nearest

    def __str__(self) -> str:
        shown = self.text.splitlines()[self.line - 1].rstrip()
        before = shown[: self.column - 1].expandtabs(4)
        shown, nearest = shown.expandtabs(4), self.nearest.expandtabs(4)
        margin = min(len(line) - len(line.lstrip(" ")) for line in (shown, nearest))
        return (
            f"line {self.line}, column {self.column} of the outline: {self.reason}\n"
            f"      {shown[margin:]}\n      {' ' * (len(before) - margin)}^\n"
            f"  nearest valid form:\n      {nearest[margin:]}"
        )


class _Line(NamedTuple):
    number: int
    lead: str
    text: str

    @property
    def column(self) -> int:
        """Where the text begins, from 1."""
        return len(self.lead) + 1


class _Node:
    """A line on its way to become a pattern."""

    def __init__(self, entry: Entry, lead: str, column: int) -> None:
        self.entry = entry
        self.lead = lead
        self.column = column
        self.open = False
        self.children: list[_Node] = []
        #: What stands before its children; None if it has none, or if they state their level.
        self.children_lead: str | None = None


def parse(text: str) -> tuple[tuple[Pattern, ...], bool]:
    """Read an outline.

    Returns:
        The wanted roots, and whether a line ``...`` at the top level allows others.

    Raises:
        OutlineError: a line that fits nowhere or that cannot be read.
    """
    top = _Node(Entry(""), "", 0)
    path = [top]  # from the top to the line before
    for line in _lines(text):
        try:
            entry = read(line.text)
        except Misread as error:
            column = line.column + error.offset
            nearest = line.lead + error.nearest
            raise OutlineError(text, line.number, column, error.reason, nearest) from None
        if entry.level is None:
            _go_by_column(path, line, text)
            node = _Node(entry, line.lead, line.column)
        else:
            _go_by_level(path, entry.level, line, text)
            node = _Node(entry, line.lead, _DEEPER_THAN_ANY)
        if entry.name is None:
            path[-1].open = True
        else:
            path[-1].children.append(node)
        path.append(node)
    return _to_patterns(top)


def _lines(text: str) -> Iterator[_Line]:
    lines = []
    for number, raw in enumerate(text.splitlines(), 1):
        entry = raw.lstrip(LEAD)
        if entry:
            lines.append(_Line(number, raw[: len(raw) - len(entry)], entry.rstrip()))
    if "\t" in text:
        _refuse_mixed_tabs(lines, text)
    return iter(lines)


def _refuse_mixed_tabs(lines: list[_Line], text: str) -> None:
    """Tabs may stand before all lines alike, or be all the indentation there is."""
    common = len(os.path.commonprefix([line.lead for line in lines]))  # noqa: RUF071
    if all(set(line.lead[common:]) <= {"\t"} for line in lines):
        return
    for line in lines:
        if "\t" in line.lead[common:]:
            column = line.lead.index("\t", common) + 1
            lead = line.lead[:common] + line.lead[common:].expandtabs(4)
            reason = "a tab among other indentation"
            raise OutlineError(text, line.number, column, reason, lead + line.text)


def _go_by_column(path: list[_Node], line: _Line, text: str) -> None:
    """Go up to the parent; siblings stand in one column, and nothing stands below ``...``."""
    while path[-1].column >= line.column:
        path.pop()
    parent = path[-1]

    def refuse(reason: str, nearest: str) -> NoReturn:
        raise OutlineError(text, line.number, line.column, reason, nearest)

    if parent.entry.name is None:
        refuse("nothing can stand below '...'", _blank(parent.lead) + line.text)
    if parent.children_lead is None:
        if parent.children:
            level = len(path) - 1
            refuse("the lines above it state their level", f"{line.lead}@{level} {line.text}")
        parent.children_lead = line.lead
    elif len(parent.children_lead) != len(line.lead):
        nearest = _blank(parent.children_lead) + line.text
        refuse("this line is indented like none above it", nearest)


def _blank(lead: str) -> str:
    return "".join("\t" if piece == "\t" else " " for piece in lead)


def _go_by_level(path: list[_Node], level: int, line: _Line, text: str) -> None:
    """Go up to the parent, which is one level above."""
    if level < len(path) and path[level].entry.name is not None:
        del path[level + 1 :]
        return
    deepest = len(path) - 1 if path[-1].entry.name is not None else len(path) - 2
    reason = f"level {level} has no line of level {level - 1} above it"
    nearest = f"{line.lead}@{deepest} {line.text.split(maxsplit=1)[1]}"
    raise OutlineError(text, line.number, line.column, reason, nearest)


def _to_patterns(top: _Node) -> tuple[tuple[Pattern, ...], bool]:
    """Children before parents, without recursion."""
    order, stack = [], [top]
    while stack:
        node = stack.pop()
        order.append(node)
        stack.extend(node.children)
    made: dict[int, Pattern] = {}
    for node in reversed(order):
        children = tuple(made.pop(id(child)) for child in node.children)
        times = node.entry.times
        fields = _plain_fields(node.entry.name, node.entry.unfinished)
        made[id(node)] = Pattern(fields, children, open=node.open, low=times, high=times)
    root = made[id(top)]
    return root.children, root.open


@lru_cache(1024)
def _plain_fields(name: str | None, unfinished: bool) -> Fields:
    return Fields(name=name, unfinished=unfinished)
