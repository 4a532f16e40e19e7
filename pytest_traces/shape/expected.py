"""What the user wrote as expectation, read into one pattern of the forest."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.shape import outline
from pytest_traces.shape.fields import Glob
from pytest_traces.shape.pattern import Group, Pattern, PatternError, forest_of


def read_expected(expected: Sequence[object]) -> Pattern:
    """The pattern of the whole forest; without children if nothing is expected.

    Raises:
        TypeError: something that is neither an outline nor a pattern.
        OutlineError: an outline that cannot be read.
    """
    patterns: list[Pattern] = []
    groups: list[Group] = []
    is_open = False
    for place, one in enumerate(expected, 1):
        if one is ...:
            is_open = True
        elif isinstance(one, str):
            roots, others = outline.parse(one)
            patterns += roots
            is_open = is_open or others
        elif isinstance(one, Pattern):
            patterns.append(one)
        elif isinstance(one, Group):
            groups.append(one)
        else:
            raise TypeError(
                f"assert_tree: argument {place} is {one!r} ({type(one).__name__}); expected is an "
                "outline (text), a span(...), a group such as in_order(...), or ..."
            )
    return forest_of(tuple(patterns), tuple(groups), is_open=is_open)


def read_subtree(expected: object) -> Pattern:
    """The one pattern of a subtree.

    Raises:
        TypeError: neither an outline nor a pattern.
        PatternError: an outline with no root or several, or a pattern that says how often.
    """
    if isinstance(expected, str):
        roots, is_open = outline.parse(expected)
        if len(roots) != 1 or is_open:
            raise PatternError(
                f"assert_subtree: the outline has {len(roots)} roots; a subtree has one"
            )
        pattern = roots[0]
    elif isinstance(expected, Pattern):
        pattern = expected
    else:
        hint = "; for a name pattern write span(...)" if isinstance(expected, Glob) else ""
        raise TypeError(
            f"assert_subtree: {expected!r} ({type(expected).__name__}) is neither a span(...) nor "
            f"an outline{hint}"
        )
    if (pattern.low, pattern.high) != (1, 1):
        raise PatternError(f"{pattern!r}: a subtree is there or not; to count use assert_count")
    return pattern
