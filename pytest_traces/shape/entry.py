"""One line of an outline, without its indentation: read, and written so that it reads the same."""

from __future__ import annotations

import ast
import re
import warnings
from functools import lru_cache
from typing import NamedTuple

#: What may lead to a line: blanks and the pieces of a drawn tree.
LEAD = "│├└─┬ \t"
UNFINISHED = " (unfinished)"
_LEVEL = re.compile(r"@(\d{1,9})\s+(\S.*)")
_COUNT = re.compile(r"(\d{1,9}) ×\s+(\S.*)")
# What is meant as a count or as a branch, and would be taken for a name.
_LIKE_A_COUNT = re.compile(r"(\d{1,9})(?:\s+x|\s*[*×])\s+(\S.*)")
_LIKE_A_BRANCH = re.compile(r"(?:[|+`\\]-{1,3}\s*|\|\s+[│├└|+`\\─-]*\s*)(\S.*)")
_KINDS = "internal|server|client|producer|consumer"
# The lines of a failure: a name, then its kind, its duration and remarks, a mark at the side.
_ANNOTATED = re.compile(rf"(?P<name>.*\S)(?P<rest>\s{{2,}}(?:{_KINDS})(?:\s.*)?)")
_MARKED = re.compile(r"(?P<mark>[-+~]\s+)(?P<entry>[│├└].*|\S.*\S\s{2,}(?:missing|unexpected)\b.*)")


class Entry(NamedTuple):
    """What a line says."""

    #: None for the line ``...``.
    name: str | None
    level: int | None = None
    times: int = 1
    unfinished: bool = False


class Misread(ValueError):
    """A line that cannot be read: from which character on, why, and the nearest that can be."""

    def __init__(self, offset: int, reason: str, nearest: str) -> None:
        super().__init__(offset, reason, nearest)
        self.offset = offset
        self.reason = reason
        self.nearest = nearest


def read(text: str) -> Entry:
    """Read a line that has no indentation and no blanks at its end.

    Raises:
        Misread: it is none of the lines that an outline can have.
    """
    leveled = _LEVEL.fullmatch(text)
    level, rest = (int(leveled[1]), leveled[2]) if leveled else (None, text)
    if rest == "...":
        return Entry(None, level)
    start = len(text) - len(rest)
    _refuse_report(text, start)
    counted = _COUNT.fullmatch(rest)
    if not counted:
        _refuse_lookalikes(text, start)
    times, rest = (int(counted[1]), counted[2]) if counted else (1, rest)
    if times < 1:
        raise Misread(
            start, "to expect none of a span, leave its line out", f"{text[:start]}1 × {rest}"
        )
    unfinished = rest.endswith(UNFINISHED)
    name = rest.removesuffix(UNFINISHED).rstrip()
    if name == "...":
        raise Misread(start, "'...' stands for any number of spans", f"{text[:start]}...")
    offset = len(text) - len(rest)
    return Entry(_unquote(text, name, offset), level, times, unfinished)


def _refuse_report(text: str, start: int) -> None:
    """Refuse what only the tree of a failure has: spans left out, marks at its side."""
    rest = text[start:]
    if rest.startswith("…"):
        reason = "a line that leaves spans out stands for nothing; '...' allows others"
        raise Misread(start, reason, f"{text[:start]}...")
    marked = _MARKED.fullmatch(rest)
    if marked:
        name = re.split(r"\s{2,}", marked["entry"].lstrip(LEAD))[0]
        lead = marked["entry"][: len(marked["entry"]) - len(marked["entry"].lstrip(LEAD))]
        nearest = f"{text[:start]}{' ' * len(marked['mark'])}{lead}{name}"
        raise Misread(start, "an outline has no marks at its side", nearest)


def _refuse_lookalikes(text: str, start: int) -> None:
    """Refuse what nobody means as a name; one that is really like that is put in quotes."""
    rest = text[start:]
    if rest == "..":
        raise Misread(
            start,
            "'...' allows others; a span of this name is '..' in quotes",
            f"{text[:start]}...",
        )
    count = _LIKE_A_COUNT.fullmatch(rest)
    if count:
        nearest = f"{text[:start]}{count[1]} × {count[2]}"
        raise Misread(start, "a count is a number, a blank, the sign × and a blank", nearest)
    branch = _LIKE_A_BRANCH.fullmatch(rest)
    if branch:
        reason = "branches are drawn with ├─ and └─, or by indentation alone"
        raise Misread(start, reason, f"{text[:start]}└─ {branch[1]}")


def _unquote(text: str, name: str, offset: int) -> str:
    unquoted = _string(name) if name[:1] in ("'", '"') else name
    annotated = _ANNOTATED.fullmatch(name)
    if annotated and (unquoted is None or unquoted == name):
        column = offset + len(annotated["name"])
        reason = "an outline has the names alone, without kind and duration"
        raise Misread(column, reason, text[:column])
    if unquoted is None:
        reason = "a name that begins with a quote is written as a Python string"
        raise Misread(offset, reason, text[:offset] + repr(name) + text[offset + len(name) :])
    return unquoted


def _string(text: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an unknown escape, which Python keeps as it is
            value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return None
    return value if isinstance(value, str) else None


@lru_cache(4096)
def written(name: str) -> str:
    """The name as a line has it: as it is, or as a Python string where it would be misread."""
    if not name or name != name.strip() or not name.isprintable() or name[0] in LEAD:
        return repr(name)
    try:
        is_bare = read(name) == Entry(name)
    except Misread:
        is_bare = False
    return name if is_bare else repr(name)
