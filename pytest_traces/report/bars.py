"""A tree of spans with a bar for each, placed by when it ran."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.report.words import duration, plural, shown
from pytest_traces.timing.critical_path import Segment, on_path, shares
from pytest_traces.timing.self_time import self_time_ns
from pytest_traces.timing.timeline import Interval, Timeline

_WIDTH = 100
_INDENT = 4
_NAME_COLUMN = 44
_SHORTEST_NAME = 28
_DURATION_COLUMN = 8
_LONGEST_BAR = 30
_SHORTEST_BAR = 14
#: How many levels are shown, where not all of them can be.
_DEEPEST = 8
#: The least share of the path that is told by its number, in percent.
_WORTH_TELLING = 5
_PATH = "on the critical path"


class Row(NamedTuple):
    """One line before it is laid out."""

    name: str
    took: str
    intervals: Sequence[Interval]
    note: str
    mark: str


@dataclass(eq=False)
class _Node:
    """One span, or neighbours that look the same, and what is shown below."""

    spans: list[Span]
    above: _Node | None
    below: list[_Node] = field(default_factory=list)
    #: How many spans below it have no line.
    hidden: int = 0
    skips: bool = False
    depth: int = 0


class _Facts(NamedTuple):
    """What is known of the spans beside their tree."""

    timeline: Timeline
    on_path: Collection[Span]
    shares: Mapping[Span, int]
    whole_ns: int
    marked: frozenset[Span]


def bar_lines(
    roots: Sequence[Span] | Span,
    timeline: Timeline,
    path: Sequence[Segment] = (),
    *,
    marked: Collection[Span] = (),
    limit: int = 20,
) -> list[str]:
    """The tree below the spans as text: name, duration, bar, and what is to be said of each.

    Siblings that are alike and have no children share a line; marked ones only where there are too
    many. Spans that do not matter enough for a line are counted. What matters: the marked spans,
    then what has the most of the critical path, then what took longest.

    Args:
        roots: what is shown, with all that is below.
        timeline: when everything ran.
        path: the critical path, where it is to be shown.
        marked: spans to be pointed at with ``~``.
        limit: how many lines at most, beside those that count what was left out.
    """
    tops = [roots] if isinstance(roots, Span) else list(roots)
    whole = sum(segment.end_ns - segment.start_ns for segment in path)
    facts = _Facts(timeline, on_path(path), shares(path), whole, frozenset(marked))
    nodes = _fold(tops, facts, apart=facts.marked)
    if facts.marked and len(nodes) > limit:
        nodes = _fold(tops, facts)
    rows = list(_rows(_shown(nodes, facts, limit), facts))
    return layout(rows)


def layout(rows: Sequence[Row]) -> list[str]:
    """The rows in columns, their bars over the time that all of them take together."""
    every = [interval for row in rows for interval in row.intervals]
    first = min((start for start, _ in every), default=0)
    last = max((end for _, end in every), default=0)
    wide = min(max((len(row.name) for row in rows), default=0), _NAME_COLUMN)
    notes = max((len(row.note) for row in rows), default=0)
    room = _WIDTH - _INDENT - 2 - _DURATION_COLUMN - 4 - 2 - notes
    cells = max(_SHORTEST_BAR, min(_LONGEST_BAR, room - wide))
    wide = min(wide, max(_SHORTEST_NAME, room - cells))
    lines = []
    for row in rows:
        name = row.name if len(row.name) <= wide else row.name[: wide - 1] + "…"
        text = f"  {row.mark} {name:<{wide}}  {row.took:>{_DURATION_COLUMN}}"
        if row.took:
            text += f"  ▕{_bar(row.intervals, first, last, cells)}▏  {row.note}"
        lines.append(text.rstrip())
    return lines


def _bar(intervals: Sequence[Interval], first: int, last: int, cells: int) -> str:
    """What took less than half a cell is a thin line."""
    bar, whole = [" "] * cells, max(1, last - first)
    for start, end in intervals:
        begin = min((start - first) * cells // whole, cells - 1)
        until = max(begin + 1, ((end - first) * cells * 2 + whole) // (2 * whole))
        if (end - start) * cells * 2 < whole:
            bar[begin] = "▏" if bar[begin] == " " else bar[begin]
        else:
            bar[begin:until] = "█" * (until - begin)
    return "".join(bar)


def _fold(
    tops: Sequence[Span], facts: _Facts, apart: Collection[Span] = frozenset()
) -> list[_Node]:
    """All nodes, parents first; neighbours without children that look the same are one.

    Those that are to stay apart have each a node of its own.
    """
    nodes: list[_Node] = []
    stack: list[tuple[_Node | None, Sequence[Span]]] = [(None, tops)]
    while stack:
        above, spans = stack.pop()
        groups: list[_Node] = []
        for span in sorted(spans, key=lambda one: _start(one, facts.timeline)):
            alike = groups and span not in apart and _are_alike(groups[-1].spans[0], span, facts)
            if alike:
                groups[-1].spans.append(span)
            else:
                groups.append(_Node([span], above))
        nodes += groups
        stack += [(group, group.spans[0].children) for group in groups if group.spans[0].children]
    return nodes


def _are_alike(one: Span, other: Span, facts: _Facts) -> bool:
    def look(span: Span) -> tuple[object, ...]:
        is_open = facts.timeline.interval(span) is None
        return span.name, is_open, span in facts.marked, span in facts.on_path

    return not one.children and not other.children and look(one) == look(other)


def _shown(nodes: Sequence[_Node], facts: _Facts, limit: int) -> list[_Node]:
    """The tops of a tree of those that matter most; each counts what it hides."""
    chosen = {id(node) for node in nodes}
    is_whole = len(nodes) <= limit
    if not is_whole:
        best = heapq.nsmallest(limit, enumerate(nodes), key=lambda item: _rank(item, facts))
        chosen = {id(node) for _, node in best}
    nearest: dict[int, _Node | None] = {}  # the one itself, if it is shown
    tops: list[_Node] = []
    lost = _Node([], None)
    for node in nodes:  # parents first
        above = None if node.above is None else nearest[id(node.above)]
        node.depth = 0 if above is None else above.depth + 1
        node.skips = above is not node.above
        if id(node) in chosen and (is_whole or node.depth <= _DEEPEST):
            nearest[id(node)] = node
            (tops if above is None else above.below).append(node)
        else:
            nearest[id(node)] = above
            (above or lost).hidden += len(node.spans)
    return [*tops, lost] if lost.hidden else tops


def _rank(item: tuple[int, _Node], facts: _Facts) -> tuple[bool, bool, int, int, int]:
    place, node = item
    share = sum(facts.shares.get(span, 0) for span in node.spans)
    longest = max(facts.timeline.duration_ns(span) or 0 for span in node.spans)
    is_marked = not facts.marked.isdisjoint(node.spans)
    return node.above is not None, not is_marked, -share, -longest, place


def _rows(tops: Sequence[_Node], facts: _Facts) -> Iterator[Row]:
    stack = [("", "", node) for node in reversed(tops)]
    while stack:
        lead, below, node = stack.pop()
        yield _row(node, lead, facts)
        hidden = [_Node([], node, hidden=node.hidden)] if node.hidden and node.spans else []
        inside = sorted(node.below, key=lambda one: _start(one.spans[0], facts.timeline)) + hidden
        for place in range(len(inside) - 1, -1, -1):
            is_last = place == len(inside) - 1
            branch = below + ("└─ " if is_last else "├─ ")
            stack.append((branch, below + ("   " if is_last else "│  "), inside[place]))


def _start(span: Span, timeline: Timeline) -> int:
    """Where it stands among its siblings; one that is open has no times on the timeline."""
    found = timeline.interval(span)
    return span.start_ns if found is None else found[0]


def _row(node: _Node, lead: str, facts: _Facts) -> Row:
    if not node.spans:
        return Row(f"{lead}… {plural(node.hidden, 'more span')}", "", (), "", " ")
    first, number = node.spans[0], len(node.spans)
    name = f"{number} × {shown(first.name)}" if number > 1 else shown(first.name)
    name = lead + ("… > " if node.skips else "") + name
    mark = "~" if first in facts.marked else " "
    intervals = [found for one in node.spans if (found := facts.timeline.interval(one)) is not None]
    took = duration(sum(end - start for start, end in intervals)) if intervals else "open"
    return Row(name, took, intervals, _note(node, facts), mark)


def _note(node: _Node, facts: _Facts) -> str:
    """Its own time, where that is not all of it, and its part of the critical path."""
    first, notes = node.spans[0], []
    own = self_time_ns(first, facts.timeline)
    if own is not None and first.children:
        notes.append(f"self {duration(own)}")
    # The root is on the path by its nature.
    if first in facts.on_path and node.above is not None:
        share = sum(facts.shares.get(span, 0) for span in node.spans)
        percent = round(100 * share / max(1, facts.whole_ns))
        told = f"{_PATH}: {percent} % of the whole" if percent >= _WORTH_TELLING else _PATH
        notes = notes if percent < _WORTH_TELLING else []
        notes.append(told)
    return ", ".join(notes)
