"""What one value of a span is compared with: equal, a pattern, or any object with ``==``."""

from __future__ import annotations

import fnmatch
import re
from typing import Any, NamedTuple


class Glob:
    """A name with ``*``, ``?`` and ``[...]``; made by :func:`glob`."""

    __slots__ = ("_match", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._match = re.compile(fnmatch.translate(pattern)).match

    def matches(self, text: str) -> bool:
        """Whether the whole text fits, in the case it is written."""
        return self._match(text) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Glob) and other.pattern == self.pattern

    def __hash__(self) -> int:
        return hash(self.pattern)

    def __repr__(self) -> str:
        return f"glob({self.pattern!r})"


def glob(pattern: str) -> Glob:
    """A name pattern in the way of file names: ``*`` any characters, ``?`` one, ``[ab]`` one of.

    Args:
        pattern: matched against the whole name, case-sensitively.

    Raises:
        TypeError: not a string.

    Example:
        >>> traces.assert_none(glob("* http send"))
    """
    if not isinstance(pattern, str):
        raise TypeError(f"glob({pattern!r}): a glob is a string, such as '* http send'")
    return Glob(pattern)


class Difference(NamedTuple):
    """One field of a span that is not as wanted. ``actual`` is MISSING where it has none."""

    field: str
    expected: object
    actual: object


class _Missing:
    def __repr__(self) -> str:
        return "missing"


MISSING = _Missing()


def value_matches(wanted: Any, actual: object) -> bool:
    """``==``, except that a compiled regular expression must match all of a string, a Glob too.

    True is not 1 in a trace, and a tuple is as good as a list: OpenTelemetry keeps the
    sequences it is given as tuples.
    """
    if isinstance(wanted, re.Pattern):
        return isinstance(actual, str) and wanted.fullmatch(actual) is not None
    if isinstance(wanted, Glob):
        return isinstance(actual, str) and wanted.matches(actual)
    if isinstance(wanted, list | tuple) and isinstance(actual, list | tuple):
        return len(wanted) == len(actual) and all(map(value_matches, wanted, actual))
    if isinstance(wanted, bool | int | float) and isinstance(wanted, bool) is not isinstance(
        actual, bool
    ):
        return False
    return bool(wanted == actual)
