"""Outlines: a tree of names as text, one a line, to read and to paste back."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.pattern import Pattern

_BOX = "│├└─┬ \t"
_DEEPEST = 40
_UNFINISHED = " (unfinished)"
_COUNT = re.compile(r"(\d+) × (.+)")
_LEVEL = re.compile(r"@(\d+) (.+)")
_ANNOTATED = re.compile(
    r"(?P<name>.+?)\s{2,}(?:internal|server|client|producer|consumer)(?:\s{2,}.*|\s*)"
)
_MARKED = re.compile(r"[-+~] +([│├└].*)")


class OutlineError(ValueError):
    """An outline that cannot be read: the line, the column, and the nearest valid form."""

    def __init__(self, text: str, line: int, column: int, reason: str, nearest: str) -> None:
        super().__init__(text, line, column, reason, nearest)
        self.text = text
        self.line = line
        self.column = column
        self.reason = reason
        self.nearest = nearest

    def __str__(self) -> str:
        shown = self.text.splitlines()[self.line - 1]
        return (
            f"line {self.line}, column {self.column} of the outline: {self.reason}\n"
            f"    {shown}\n    {' ' * (self.column - 1)}^\n"
            f"  nearest valid form: {self.nearest}"
        )


class _Line(NamedTuple):
    number: int
    column: int  # where the entry begins, from 1
    entry: str


class _Node:
    """A line on its way to become a pattern."""

    def __init__(self, fields: Fields | None, count: int, column: int) -> None:
        self.fields = fields  # None for the line "..."
        self.count = count
        self.column = column
        self.open = False
        self.children: list[_Node] = []
        self.children_column: int | None = None


def parse(text: str) -> tuple[tuple[Pattern, ...], bool]:
    """Read an outline.

    Returns:
        The wanted roots, and whether a line ``...`` at the top level allows others.

    Raises:
        OutlineError: a line that fits nowhere or that cannot be read.
    """
    top = _Node(Fields(), 1, 0)
    path = [top]  # from the top to the line before
    for line in _lines(text):
        found = _LEVEL.fullmatch(line.entry)
        if found is not None:
            del path[_checked_level(path, found, line, text) + 1 :]
            entry = found[2]
        else:
            while path[-1].column >= line.column:
                path.pop()
            _check_place(path[-1], line, text)
            entry = line.entry
        parent = path[-1]
        if entry == "...":
            parent.open = True
            path.append(_Node(None, 1, line.column))
        else:
            node = _read_entry(entry, line, text)
            parent.children.append(node)
            path.append(node)
    return _to_patterns(top)


def _lines(text: str) -> Iterator[_Line]:
    for number, raw in enumerate(text.splitlines(), 1):
        entry = raw.lstrip(_BOX)
        if not entry:
            continue
        lead = raw[: len(raw) - len(entry)]
        if "\t" in lead:
            nearest = f"{lead.expandtabs(4)}{entry}"
            raise OutlineError(text, number, lead.index("\t") + 1, "a tab as indentation", nearest)
        yield _Line(number, len(lead) + 1, entry.rstrip())


def _checked_level(path: list[_Node], found: re.Match[str], line: _Line, text: str) -> int:
    level = int(found[1])
    if level < len(path) and path[level].fields is not None:
        return level
    deepest = len(path) - 1 if path[-1].fields is not None else len(path) - 2
    reason = f"level {level} has no line of level {level - 1} above it"
    nearest = f"@{deepest} {found[2]}"
    raise OutlineError(text, line.number, line.column, reason, nearest)


def _check_place(parent: _Node, line: _Line, text: str) -> None:
    """Siblings stand in one column, and nothing stands below ``...``."""
    if parent.fields is None:
        nearest = " " * (parent.column - 1) + line.entry
        reason = "nothing can stand below '...'"
        raise OutlineError(text, line.number, line.column, reason, nearest)
    if parent.children_column is None:
        parent.children_column = line.column
    elif parent.children_column != line.column:
        nearest = " " * (parent.children_column - 1) + line.entry
        reason = "this line is indented like none above it"
        raise OutlineError(text, line.number, line.column, reason, nearest)


def _read_entry(entry: str, line: _Line, text: str) -> _Node:
    count = 1
    found = _COUNT.fullmatch(entry)
    if found is not None:
        count, entry = int(found[1]), found[2]
        if count < 1:
            reason = "to expect none of a span, leave its line out"
            raise OutlineError(text, line.number, line.column, reason, f"1 × {entry}")
    unfinished = entry.endswith(_UNFINISHED)
    if unfinished:
        entry = entry.removesuffix(_UNFINISHED)
    name = _unquote(entry, line, text)
    return _Node(_plain_fields(name, unfinished), count, line.column)


@lru_cache(1024)
def _plain_fields(name: str, unfinished: bool) -> Fields:
    return Fields(name=name, unfinished=unfinished)


def _unquote(entry: str, line: _Line, text: str) -> str:
    if entry[0] in "'\"":
        try:
            name = ast.literal_eval(entry)
        except (SyntaxError, ValueError):
            name = None
        if not isinstance(name, str):
            reason = "a name that begins with a quote is written as a Python string"
            raise OutlineError(text, line.number, line.column, reason, repr(entry))
        return name
    if entry.startswith("…"):
        reason = "a line that leaves spans out stands for nothing; '...' allows others"
        raise OutlineError(text, line.number, line.column, reason, "...")
    marked = _MARKED.fullmatch(entry)
    if marked is not None:
        reason = "an outline has no marks at its side"
        raise OutlineError(text, line.number, line.column, reason, marked[1])
    annotated = _ANNOTATED.fullmatch(entry)
    if annotated is not None:
        column = line.column + len(annotated["name"])
        reason = "an outline has the names alone, without kind and duration"
        raise OutlineError(text, line.number, column, reason, annotated["name"])
    return entry


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
        made[id(node)] = Pattern(
            node.fields or Fields(), children, open=node.open, low=node.count, high=node.count
        )
    root = made[id(top)]
    return root.children, root.open


def render(forest: Forest) -> str:
    """The canonical outline of a forest: siblings by name, then by what is below; folded.

    Equal for forests that differ only in ids, times and the order of siblings.
    """
    ranks = _ranks(forest)
    lines: list[str] = []
    stack = [(0, "", "", entry) for entry in reversed(_folded(forest.roots, ranks))]
    while stack:
        level, lead, below, (span, count) = stack.pop()
        text = f"{count} × {_quoted(span.name)}" if count > 1 else _quoted(span.name)
        if span.end_ns is None:
            text += _UNFINISHED
        lines.append(f"@{level} {text}" if level > _DEEPEST else lead + text)
        children = _folded(span.children, ranks)
        for place in range(len(children) - 1, -1, -1):
            last = place == len(children) - 1
            stack.append(
                (
                    level + 1,
                    below + ("└─ " if last else "├─ ") if level < _DEEPEST else "",
                    below + ("   " if last else "│  ") if level < _DEEPEST else "",
                    children[place],
                )
            )
    return "\n".join(lines)


def _folded(spans: tuple[Span, ...] | list[Span], ranks: dict[int, int]) -> list[tuple[Span, int]]:
    """Siblings in canonical order, identical subtrees once, each with how often it occurs."""
    counts: dict[int, list[Span]] = {}
    for span in spans:
        counts.setdefault(ranks[id(span)], []).append(span)
    return [(same[0], len(same)) for _, same in sorted(counts.items())]


def _ranks(forest: Forest) -> dict[int, int]:
    """A number for each span: equal for equal subtrees, ordered by name, then by what is below.

    Works up from the leaves, one height at a time, so that a comparison never recurses.
    """
    order: list[Span] = []
    stack = list(forest.roots)
    while stack:
        span = stack.pop()
        order.append(span)
        stack.extend(span.children)
    heights: dict[int, int] = {}
    by_height: dict[int, list[Span]] = {}
    for span in reversed(order):
        height = 1 + max((heights[id(child)] for child in span.children), default=-1)
        heights[id(span)] = height
        by_height.setdefault(height, []).append(span)
    classes: dict[int, int] = {}
    known: dict[tuple[object, ...], int] = {}
    for height in range(len(by_height)):
        keyed = []
        for span in by_height[height]:
            below = tuple(sorted(classes[id(child)] for child in span.children))
            keyed.append(((span.name, span.end_ns is None, below), span))
        for key in sorted({key for key, _ in keyed}):
            known[key] = len(known)
        for key, span in keyed:
            classes[id(span)] = known[key]
    by_name = sorted(known.items(), key=lambda item: (item[0][0], item[1]))
    rank_of = {number: rank for rank, (_, number) in enumerate(by_name)}
    return {span: rank_of[number] for span, number in classes.items()}


def _quoted(name: str) -> str:
    """The name, as a Python string where it would be misread."""
    misread = (
        not name
        or name != name.strip()
        or not name.isprintable()
        or name[0] in _BOX + "'\"…"
        or name == "..."
        or name.endswith(_UNFINISHED)
        or _COUNT.fullmatch(name)
        or _LEVEL.fullmatch(name)
        or _ANNOTATED.fullmatch(name)
        or _MARKED.fullmatch(name)
    )
    return repr(name) if misread else name
