"""The recorded span that is most like a wanted one that was not found."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_traces.forest import Span, walk_down
from pytest_traces.shape.fields import Difference, Fields, Glob
from pytest_traces.shape.mismatch import Mismatch, Place

_NAMES = 2_000
_CUTOFF = 0.6
_EXPLAINED = 5


class Nearest(NamedTuple):
    """A recorded span and what keeps it from being the wanted one."""

    span: Span
    differences: list[Difference]


def nearest(fields: Fields, spans: Sequence[Span]) -> Nearest | None:
    """The span with the fewest differences among those whose name is, or is like, the wanted.

    Returns:
        None where no name is alike.
    """
    same = [span for span in spans if fields.name_matches(span.name)]
    if not same:
        alike = close_names(fields.name, (span.name for span in spans))
        same = [span for span in spans if alike and span.name == alike[0]]
    if not same:
        return None
    differing = [Nearest(span, fields.differences(span)) for span in same[:100]]
    return min(differing, key=lambda one: len(one.differences))


def close_names(wanted: object, names: Iterable[str]) -> list[str]:
    """Names that are like the wanted one, the nearest first."""
    text = wanted.pattern if isinstance(wanted, Glob) else wanted
    if not isinstance(text, str):
        return []
    distinct = list(dict.fromkeys(names))[:_NAMES]
    lower = {name.lower(): name for name in reversed(distinct)}
    found = difflib.get_close_matches(text.lower(), lower, n=3, cutoff=_CUTOFF)
    return [lower[name] for name in found]


def find_nearest(top: Place, mismatches: Sequence[Mismatch], unwanted: Sequence[Span]) -> None:
    """Note for the first missing spans the most similar one that nobody else is.

    Args:
        top: the aligned tree.
        mismatches: what is wrong with it.
        unwanted: spans whose names are not wanted anywhere.
    """
    missing = [one for one in mismatches if one.kind == "missing" and not one.here_instead]
    if not missing:
        return
    free = list(unwanted[:_NAMES])
    stack = [top]
    while stack and len(free) < 2 * _NAMES:
        place = stack.pop()
        stack.extend(place.children)
        if place.pattern is None and place.span is not None:
            free.extend(walk_down([place.span]))
    for mismatch in missing[:_EXPLAINED]:
        if mismatch.pattern is not None:
            found = nearest(mismatch.pattern.fields, free)
            if found is not None:
                mismatch.nearest, mismatch.nearest_differences = found
