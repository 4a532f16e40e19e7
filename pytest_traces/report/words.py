"""The small change of messages: names, numbers, paths, lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_traces.forest import Span

_LONGEST_NAME = 60
_PATH_ENDS = 2


def quoted(name: object) -> str:
    """A name in quotes, cut where it is very long."""
    text = repr(name)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 2] + "…" + text[-1]


def shown(name: str) -> str:
    """A name as a line of a tree shows it: on one line, cut where it is very long."""
    text = name if name.isprintable() and name == name.strip() and name else repr(name)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def cut(text: str, width: int) -> str:
    """A text on one line, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def plural(count: int, word: str) -> str:
    """``1 span``, ``2 spans``, ``1,000 spans``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def duration(nanoseconds: int) -> str:
    """A duration with three digits: ``31.2 ms``."""
    for scale, unit in ((60_000_000_000, "min"), (1_000_000_000, "s"), (1_000_000, "ms")):
        if abs(nanoseconds) >= scale:
            return f"{_three_digits(nanoseconds / scale)} {unit}"
    if abs(nanoseconds) >= 1_000:
        return f"{_three_digits(nanoseconds / 1_000)} us"
    return f"{nanoseconds} ns"


def _three_digits(value: float) -> str:
    if abs(value) >= 99.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 9.995 else f"{value:.2f}"


def path_of(span: Span) -> str:
    """The names from the root to the span, quoted as one; long paths without their middle."""
    names = [shown(span.name)]
    names += [shown(ancestor.name) for ancestor in span.ancestors]
    names.reverse()
    if len(names) > 2 * _PATH_ENDS + 2:
        left_out = len(names) - 2 * _PATH_ENDS
        names[_PATH_ENDS:-_PATH_ENDS] = [f"… {left_out:,} levels …"]
    return "'" + " > ".join(names) + "'"


def listed(items: Iterable[str], limit: int = 3) -> str:
    """``'a', 'b', 'c' and 4 more``."""
    all_items = list(items)
    if len(all_items) > limit:
        return ", ".join(all_items[:limit]) + f" and {len(all_items) - limit:,} more"
    return ", ".join(all_items)


def joined(items: Sequence[str]) -> str:
    """``'a', 'b' and 'c'``."""
    if len(items) < 2:
        return "".join(items)
    return ", ".join(items[:-1]) + " and " + items[-1]


def often(low: int, high: int | None) -> str:
    """How many were wanted."""
    if high is None:
        return f"at least {low}"
    return str(low) if low == high else f"{low} to {high}"
