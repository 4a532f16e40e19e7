"""What is wanted of one span by itself: its name and its fields, without its children."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pytest_traces.forest import Span
from pytest_traces.model import KINDS, STATUSES
from pytest_traces.settings import BadValue


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


_BESIDE_NAME = (
    "kind", "status", "status_description", "attributes", "events", "links",
    "exception", "service", "scope", "source", "under_ns",
)  # fmt: skip
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
        if self.attributes is not None and not isinstance(self.attributes, Mapping):
            given = f"attributes={self.attributes!r}"
            raise TypeError(f"{given}: attributes are a mapping of names to values")
        for name in ("events", "links"):
            value = getattr(self, name)
            if value is not None and (
                isinstance(value, str | Mapping) or not isinstance(value, Iterable)
            ):
                raise TypeError(f"{name}={value!r}: {name} are a list")

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

    def _beside_name(self, span: Span) -> Iterable[Any]:
        if self.unfinished is not None and self.unfinished is not (span.end_ns is None):
            yield Difference("end", "unfinished" if self.unfinished else "ended", span.end_ns)
        for name in ("kind", "status", "status_description", "service", "scope", "source"):
            wanted = getattr(self, name)
            if wanted is not None and not value_matches(wanted, getattr(span, name)):
                yield Difference(name, wanted, getattr(span, name))
        yield from contained(self.attributes or {}, span.attributes)
        for event in self.events or ():
            if not any(_event_matches(event, given) for given in span.events):
                yield Difference("event", event, [given.name for given in span.events])
        for link in self.links or ():
            if not any(_link_matches(link, given) for given in span.links):
                yield Difference("link", link, list(span.links))
        if self.exception is not None:
            yield from _exception_difference(self.exception, span)
        if self.under_ns is not None:
            took = span.duration_ns
            if took is None or not 0 <= took < self.under_ns:
                yield Difference("under", self.under_ns, took)


def value_matches(wanted: Any, actual: object) -> bool:
    """``==``, except that a compiled regular expression must match all of a string, a Glob too."""
    if isinstance(wanted, re.Pattern):
        return isinstance(actual, str) and wanted.fullmatch(actual) is not None
    if isinstance(wanted, Glob):
        return isinstance(actual, str) and wanted.matches(actual)
    if isinstance(wanted, list) and isinstance(actual, tuple):
        actual = list(actual)  # OpenTelemetry keeps sequences as tuples
    if isinstance(wanted, bool) is not isinstance(actual, bool) and isinstance(wanted, bool | int):
        return False  # True == 1 in Python, but not in a trace
    return bool(wanted == actual)


def contained(wanted: Mapping[str, Any], actual: Mapping[str, object]) -> Iterable[Difference]:
    """The attributes that are missing or have another value."""
    for name, value in wanted.items():
        given = actual.get(name, MISSING)
        if given is MISSING or not value_matches(value, given):
            yield Difference(f"attributes[{name!r}]", value, given)


def _event_matches(wanted: Any, given: Any) -> bool:
    if isinstance(wanted, Mapping):
        name, attributes = wanted.get("name"), wanted.get("attributes") or {}
    elif hasattr(wanted, "name") and hasattr(wanted, "attributes"):
        name, attributes = wanted.name, wanted.attributes
    else:
        name, attributes = wanted, {}
    if name is not None and not value_matches(name, given.name):
        return False
    return not list(contained(attributes, given.attributes))


def _link_matches(wanted: Any, given: Any) -> bool:
    get = wanted.get if isinstance(wanted, Mapping) else lambda name: getattr(wanted, name, None)
    for name in ("trace_id", "span_id"):
        if get(name) is not None and not value_matches(get(name), getattr(given, name)):
            return False
    attributes = None if isinstance(wanted, Span) else get("attributes")
    return not list(contained(attributes or {}, given.attributes))


def _exception_difference(wanted: Any, span: Span) -> Iterable[Difference]:
    given = [
        str(event.attributes.get("exception.type"))
        for event in span.events
        if "exception.type" in event.attributes
    ]
    names = type_names(wanted) if isinstance(wanted, type) else None
    for name in given:
        if name in names if names is not None else value_matches(wanted, name):
            return
    yield Difference("exception", wanted, given or MISSING)


def type_names(kind: type) -> set[str]:
    """The names under which the type and its subclasses may be recorded."""
    names, kinds = set(), [kind]
    while kinds:
        one = kinds.pop()
        names |= {one.__qualname__, f"{one.__module__}.{one.__qualname__}"}
        kinds.extend(one.__subclasses__() if one is not type else ())
    return names


def _check_word(name: str, value: object, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        raise BadValue(name, value, f"a {name} is one of {', '.join(allowed)}")


def _hashable(value: Any) -> object:
    if isinstance(value, Mapping):
        return tuple((name, _hashable(item)) for name, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    try:
        return type(value), hash(value), value
    except TypeError:
        return id(value)
