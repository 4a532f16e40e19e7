"""The keywords that select spans, the same wherever spans are selected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Kind, Status
from pytest_traces.settings import SPAN_SOURCES, BadValue
from pytest_traces.shape.fields import Fields, value_matches
from pytest_traces.shape.names import check_name
from pytest_traces.shape.pattern import Name, Pattern, label_of


@dataclass(frozen=True)
class Selection:
    """Which spans are meant: by their own fields, and by an ancestor's name."""

    fields: Fields
    inside: Name = None

    def matches(self, span: Span) -> bool:
        """Whether the span is meant."""
        if not self.fields.match(span):
            return False
        return self.inside is None or any(
            value_matches(self.inside, ancestor.name) for ancestor in span.ancestors
        )

    def of(self, forest: Forest) -> list[Span]:
        """Every span that is meant, in order of start."""
        return [span for span in forest.spans if self.matches(span)]

    def __str__(self) -> str:
        words = [label_of(self.fields.name)]
        for name in ("kind", "status", "service", "scope", "source"):
            value = getattr(self.fields, name)
            if value is not None:
                words.append(f"{name}={value!r}")
        if self.fields.attributes:
            words.append(f"attributes={dict(self.fields.attributes)!r}")
        text = words[0] if len(words) == 1 else f"{words[0]} with {', '.join(words[1:])}"
        return text if self.inside is None else f"{text} inside {label_of(self.inside)}"


def select(
    name: Name = None,
    *,
    kind: Kind | None = None,
    status: Status | None = None,
    attributes: Mapping[str, Any] | None = None,
    service: Any = None,
    scope: Any = None,
    source: str | None = None,
    inside: Name = None,
) -> Selection:
    """Build a selection from the keywords.

    Raises:
        TypeError: something that can be no name.
        BadValue: an unknown kind, status or source.
    """
    _check_name(name)
    _check_name(inside, "inside=")
    if isinstance(source, str) and source not in SPAN_SOURCES:
        raise BadValue("source", source, f"the sources are {', '.join(SPAN_SOURCES)}")
    fields = Fields(
        name=name, kind=kind, status=status, attributes=attributes, service=service,
        scope=scope, source=source, unfinished=None,
    )  # fmt: skip
    return Selection(fields, inside)


def any_of(names: Sequence[Name], scope: Any) -> tuple[Fields, ...]:
    """The wishes for spans with one of the names, or of the scope, or of both.

    Raises:
        TypeError: neither, or something that can be no name.
    """
    if not names and scope is None:
        raise TypeError("name at least one span, or scope=, that is to be left out")
    for name in names:
        if name is None:
            raise TypeError("None is no name; for all spans of a scope give scope= alone")
        _check_name(name)
    if not names:
        return (Fields(scope=scope, unfinished=None),)
    return tuple(Fields(name=name, scope=scope, unfinished=None) for name in names)


def _check_name(name: object, keyword: str = "") -> None:
    if isinstance(name, Pattern):
        given = f"{keyword}{name!r}"
        raise TypeError(f"{given}: here a name is wanted; for a pattern use assert_subtree")
    check_name(name, keyword)
