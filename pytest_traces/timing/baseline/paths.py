"""Paths of normalised names, as keys and as text: ``POST /checkout > SELECT orders``."""

from __future__ import annotations

import re

from pytest_traces.forest import Forest, Span
from pytest_traces.timing.normalise import places_of

#: The normalised names from the root down to the span.
Path = tuple[str, ...]
#: No span has this path. It is that of the calibration loop, which is measured beside the spans of
#: a test, each time it runs.
CALIBRATION: Path = ()

#: Deeper down a path keeps its beginning and its last name; what is between them is ``…``.
DEEPEST = 40
_MARK = " > "
# As text, something that no path can be: a ">" in a name never stands by itself.
_CALIBRATION = "> calibration"
# A ">" that is a word of a name gets a backslash, so that " > " is always the mark.
_BARE = re.compile(r"(?<![^ ])(\\*)>(?![^ ])")
_ESCAPED = re.compile(r"(?<![^ ])\\(\\*)>(?![^ ])")


def written(path: Path) -> str:
    r"""The path as text; a ``>`` that stands by itself in a name is written ``\>``.

    Example:
        >>> written(("POST /checkout", "a > b"))
        'POST /checkout > a \\> b'
    """
    if path == CALIBRATION:
        return _CALIBRATION
    return _MARK.join(_BARE.sub(r"\\\1>", name) for name in path)


def read(text: str) -> Path:
    """The path that was written so."""
    if text == _CALIBRATION:
        return CALIBRATION
    return tuple(_ESCAPED.sub(r"\1>", name) for name in text.split(_MARK))


def paths_of(forest: Forest) -> dict[Span, Path]:
    """The path of every span; equal paths are one object. Linear, however deep the forest is."""
    by_place: dict[object, Path] = {}
    known: dict[Path, Path] = {}
    found: dict[Span, Path] = {}
    for span, place in places_of(forest).items():  # parents first
        path = by_place.get(place)
        if path is None:
            above = by_place[place.above] if place.above is not None else ()
            if len(above) >= DEEPEST:
                above = (*above[: DEEPEST - 2], "…")
            path = (*above, place.name)
            path = by_place[place] = known.setdefault(path, path)
        found[span] = path
    return found
