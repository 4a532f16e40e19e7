"""What is wanted of one span by itself: its name and its fields, without its children."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_traces.forest import Span
from pytest_traces.model import KINDS, STATUSES
from pytest_traces.settings import BadValue
from pytest_traces.shape.details import (
    attribute_differences,
    check_attributes,
    check_list,
    event_differences,
    exception_differences,
    link_differences,
    type_names,
)
from pytest_traces.shape.values import MISSING, Difference, Glob, glob, value_matches

__all__ = ["MISSING", "Difference", "Fields", "Glob", "glob", "type_names", "value_matches"]

_VALUES = ("kind", "status", "status_description", "service", "scope", "source")
_BESIDE_NAME = (*_VALUES, "attributes", "events", "links", "exception", "under_ns")
_WISHES = ("name", "unfinished", *_BESIDE_NAME)


@dataclass(frozen=True, slots=True)
class Fields:
    """The wanted fields of one span. None means that the field does not matter."""

    name: Any = None
    kind: str | None = None
    status: str | None = None
    status_description: Any = None
    attributes: Mapping[str, Any] | None = None
    events: Sequence[Any] | None = None
    links: Sequence[Any] | None = None
    exception: Any = None
    service: Any = None
    scope: Any = None
    source: Any = None
    under_ns: int | None = None
    unfinished: bool | None = False
    #: Whether a literal name and the end are all that is wanted.
    is_plain: bool = field(init=False, compare=False)
    #: Whether nothing is wanted beside a name, literal or not, and the end.
    is_name: bool = field(init=False, compare=False)

    def __post_init__(self) -> None:
        is_name = self.unfinished is not None and not any(
            getattr(self, name) is not None for name in _BESIDE_NAME
        )
        object.__setattr__(self, "is_name", is_name)
        object.__setattr__(self, "is_plain", is_name and isinstance(self.name, str))
        _check_word("kind", self.kind, KINDS)
        _check_word("status", self.status, STATUSES)
        check_attributes(self.attributes)
        for name in ("events", "links"):
            object.__setattr__(self, name, check_list(name, getattr(self, name)))

    def key(self) -> tuple[object, ...]:
        """Equal for fields that want the same."""
        if self.is_plain:
            return self.name, self.unfinished
        return tuple(_hashable(getattr(self, name)) for name in _WISHES)

    def name_matches(self, name: str) -> bool:
        """Whether the name is as wanted."""
        return self.name is None or value_matches(self.name, name)

    def match(self, span: Span) -> bool:
        """Whether the span has all that is wanted."""
        if not self.name_matches(span.name):
            return False
        if self.is_name:
            return self.unfinished is (span.end_ns is None)
        return next(self._beside_name(span), None) is None

    def differences(self, span: Span) -> list[Difference]:
        """Every field that is not as wanted, the name first."""
        found = list(self._beside_name(span))
        if not self.name_matches(span.name):
            found.insert(0, Difference("name", self.name, span.name))
        return found

    def _beside_name(self, span: Span) -> Iterator[Difference]:
        if self.unfinished is not None and self.unfinished is not (span.end_ns is None):
            yield Difference("end", "unfinished" if self.unfinished else "ended", span.end_ns)
        if self.is_name:
            return
        for name in _VALUES:
            wanted = getattr(self, name)
            if wanted is not None and not value_matches(wanted, getattr(span, name)):
                yield Difference(name, wanted, getattr(span, name))
        yield from attribute_differences(self.attributes or {}, span.attributes)
        yield from event_differences(self.events or (), span)
        yield from link_differences(self.links or (), span)
        if self.exception is not None:
            yield from exception_differences(self.exception, span)
        if self.under_ns is not None:
            took = span.elapsed_ns
            if took is None or not 0 <= took < self.under_ns:
                yield Difference("under", self.under_ns, took)


def _check_word(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise BadValue(name, value, f"a {name} is one of {', '.join(allowed)}")


def _hashable(value: Any) -> object:
    """Equal for equal wishes; what cannot be hashed equals only itself."""
    if isinstance(value, Mapping):
        return tuple(sorted(((repr(name), _hashable(item)) for name, item in value.items()),
                            key=lambda item: item[0]))  # fmt: skip
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    try:
        return type(value), hash(value), value
    except TypeError:
        return id(value)
