"""The lines of a tree: a mark, the branch and the name, then kind, duration and remarks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span
from pytest_traces.report.raised import NO_MORE, More, is_told, raised_by, raised_lines
from pytest_traces.report.words import duration, listed, plural, shown

_NAME_COLUMN = 56
_KIND_COLUMN = 9
_DURATION_COLUMN = 8
_DEEPEST = 24
#: How far the names of trees are indented.
_PLAIN, _MARKED = 2, 4
#: What OpenTelemetry calls a service that has no name, "unknown_service:python" for example.
_UNNAMED = "unknown_service"
#: How long what is said of a span may be in its line.
_REMARKS = 110


class Row(NamedTuple):
    """One line of a tree before it is laid out."""

    lead: str  # the branch that leads to the name
    name: str
    kind: str = ""
    took: str = ""
    note: str = ""
    mark: str = " "
    service: str | None = None


def layout(rows: Sequence[Row], *, marked: bool) -> list[str]:
    """Lay the rows out in columns."""
    widths = [len(row.lead) + len(row.name) for row in rows if row.kind or row.took]
    wide = min(max(widths, default=0), _NAME_COLUMN)
    lines = []
    for row in rows:
        name = f"{row.lead}{row.name}"
        text = f"  {row.mark} {name}" if marked else f"  {name}"
        if row.kind or row.took or row.note:
            text += " " * max(0, wide - len(name))
            text += f"  {row.kind:<{_KIND_COLUMN}}{row.took:>{_DURATION_COLUMN}}"
        if row.note:
            text += f"   {row.note}"
        lines.append(text.rstrip())
    return lines


def span_row(span: Span, lead: str, note: str = "", mark: str = " ") -> Row:
    """The row of a recorded span."""
    took = "open" if span.duration_ns is None else duration(span.duration_ns)
    return Row(lead, shown(span.name), span.kind, took, note, mark, span.service)


def with_services(rows: Sequence[Row]) -> list[Row]:
    """The rows with the service of each span in its note, where they are of several."""
    named = {row.service for row in rows if row.service and not row.service.startswith(_UNNAMED)}
    if len(named) < 2:
        return list(rows)
    return [
        row._replace(note=f"[{row.service}] {row.note}".rstrip()) if row.service in named else row
        for row in rows
    ]


def remarks(span: Span) -> str:
    """What is remarkable about a recorded span by itself."""
    found = []
    if span.end_ns is None:
        found.append("still open")
    if span.status == "error":
        description = span.status_description
        is_new = description and not is_told(span, description)
        found.append(f"error: {description}" if is_new else "error")
    if span.orphan:
        found.append("its parent was not recorded")
    elif span.outside_parent is not None:
        found.append(f"below {span.outside_parent!r} of the set-up")
    elif span.parent is None and span.remote_parent:
        found.append("its parent is remote")
    if not span.sampled:
        found.append("not sampled")
    text = " ".join(", ".join(found).split())
    return text if len(text) <= _REMARKS else f"{text[:_REMARKS].rpartition(' ')[0]} …"


def raised_rows(texts: Sequence[str], lead: str, *, marked: bool) -> Iterator[Row]:
    """The rows below a span that tell its exceptions."""
    return (Row("", line) for line in raised_lines(texts, lead, _MARKED if marked else _PLAIN))


def tree_lines(
    forest: Forest, limit: int = 60, services: bool = True, more: More = NO_MORE
) -> list[str]:
    """The recorded forest as text, in order of start; siblings alike in name are folded.

    Args:
        forest: what was recorded.
        limit: how many lines at most.
        services: whether to show services where there is more than one.
        more: what else to tell below spans.
    """
    several = services and len({span.service for span in forest.spans}) > 1
    rows: list[Row] = []
    seen, last = 0, 0
    for row, spans in _rows(forest.roots, more, show_service=several):
        if len(rows) == limit:
            rest = len(forest.spans) - seen + last
            rows[-1] = Row("", f"… and {plural(rest, 'more span')}" if rest else "…")
            break
        rows.append(row)
        seen, last = seen + spans, spans
    return layout(rows, marked=False)


def _rows(roots: Iterable[Span], more: More, *, show_service: bool) -> Iterator[tuple[Row, int]]:
    """Each row, and how many spans it shows."""
    stack = [("", "", group) for group in reversed(_folded(roots, more))]
    while stack:
        lead, below, spans = stack.pop()
        first = spans[0]
        note = remarks(first)
        if show_service and first.service:
            note = f"[{first.service}] {note}".strip()
        row = span_row(first, lead, note)
        if len(spans) > 1:
            took = sum(span.duration_ns or 0 for span in spans)
            row = row._replace(name=f"{len(spans)} × {row.name}", took=duration(took))
        yield row, len(spans)
        for line in raised_rows(raised_by(first, more), below, marked=False):
            yield line, 0
        groups = _folded(first.children, more)
        if len(below) > 3 * _DEEPEST:
            continue_at, mark = "", f"… {len(below) // 3} levels "
        else:
            continue_at, mark = below, ""
        for place in range(len(groups) - 1, -1, -1):
            last = place == len(groups) - 1
            stack.append(
                (
                    continue_at + mark + ("└─ " if last else "├─ "),
                    continue_at + ("   " if last else "│  "),
                    groups[place],
                )
            )


def _folded(spans: Iterable[Span], more: More) -> list[list[Span]]:
    """Siblings in order of start; neighbours without children that look the same as one."""
    groups: list[list[Span]] = []
    for span in spans:
        previous = groups[-1][0] if groups else None
        if (
            previous is not None
            and not span.children
            and not previous.children
            and _look(span, more) == _look(previous, more)
        ):
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _look(span: Span, more: More) -> tuple[object, ...]:
    return span.name, span.kind, span.service, remarks(span), *raised_by(span, more)


def summary(spans: Sequence[Span]) -> str:
    """``3 spans: SELECT users, SELECT roles, COMMIT``."""
    names = listed(dict.fromkeys(shown(span.name) for span in spans))
    return f"{plural(len(spans), 'span')}: {names}" if spans else "no span"
