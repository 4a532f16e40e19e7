"""What a span must contain: attributes, events, links, an exception; others may be there too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_traces.forest import Span
from pytest_traces.model import Event, Link
from pytest_traces.shape.assign import assign
from pytest_traces.shape.values import MISSING, Difference, value_matches

_EVENT = ("name", "attributes")
_LINK = ("trace_id", "span_id", "attributes")


def check_attributes(attributes: object, where: str = "") -> None:
    """Refuse attributes that are no mapping.

    Raises:
        TypeError: showing what was given.
    """
    if attributes is not None and not isinstance(attributes, Mapping):
        given = f"{where}attributes={attributes!r}"
        raise TypeError(f"{given}: attributes are a mapping of names to values")


def check_list(name: str, value: object) -> tuple[Any, ...] | None:
    """The wanted events or links as a tuple.

    Raises:
        TypeError: no list, or a mapping in it with a key that means nothing.
    """
    if value is None:
        return None
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise TypeError(f"{name}={value!r}: {name} are a list")
    wanted = tuple(value)
    known = _EVENT if name == "events" else _LINK
    for one in wanted:
        if isinstance(one, Mapping):
            unknown = [key for key in one if key not in known]
            if unknown:
                raise TypeError(f"{name}: {unknown[0]!r} in {one!r}; known are {', '.join(known)}")
            check_attributes(one.get("attributes"), f"{name}: ")
    return wanted


def attribute_differences(
    wanted: Mapping[str, Any], actual: Mapping[str, object]
) -> Iterator[Difference]:
    """The attributes that are missing or have another value."""
    for name, value in wanted.items():
        given = actual.get(name, MISSING)
        if given is MISSING or not value_matches(value, given):
            yield Difference(f"attributes[{name!r}]", value, given)


def event_differences(wanted: Sequence[Any], span: Span) -> Iterator[Difference]:
    """The events that are not there; one event does not stand for two."""
    for event in _not_found(wanted, span.events, _event_matches):
        one = "further event" if wanted.count(event) > 1 else "event"
        namesakes = [given for given in span.events if _event_matches(_name_of(event), given)]
        # Their other attributes, a stack trace perhaps, would hide what differs.
        told = [_only(_attributes_of(event), given) for given in namesakes]
        yield Difference(one, event, tuple(told or [given.name for given in span.events]))


def link_differences(wanted: Sequence[Any], span: Span) -> Iterator[Difference]:
    """The links that are not there; one link does not stand for two."""
    for link in _not_found(wanted, span.links, _link_matches):
        one = "further link" if wanted.count(link) > 1 else "link"
        yield Difference(one, link, span.links)


def _only(names: Mapping[str, object], given: Event) -> Event:
    kept = {name: value for name, value in given.attributes.items() if name in names}
    return given._replace(attributes=kept)


def _attributes_of(event: Any) -> Mapping[str, object]:
    attributes: Mapping[str, object] | None = (
        event.get("attributes")
        if isinstance(event, Mapping)
        else getattr(event, "attributes", None)
    )
    return attributes or {}


def _name_of(event: Any) -> Any:
    return event.get("name") if isinstance(event, Mapping) else getattr(event, "name", event)


def _not_found(
    wanted: Sequence[Any], given: Sequence[Any], matches: Callable[[Any, Any], bool]
) -> list[Any]:
    takes = [[place for place, one in enumerate(given) if matches(wish, one)] for wish in wanted]
    flow = assign([(1, 1)] * len(wanted), [1] * len(given), takes, take_all=False).flow
    found = {wish for wish, _ in flow}
    return [wish for place, wish in enumerate(wanted) if place not in found]


def _event_matches(wanted: Any, given: Event) -> bool:
    name = _name_of(wanted)
    if name is not None and not value_matches(name, given.name):
        return False
    return not any(attribute_differences(_attributes_of(wanted), given.attributes))


def _link_matches(wanted: Any, given: Link) -> bool:
    def wish(name: str) -> Any:
        return wanted.get(name) if isinstance(wanted, Mapping) else getattr(wanted, name, None)

    for name in ("trace_id", "span_id"):
        if wish(name) is not None and not value_matches(wish(name), getattr(given, name)):
            return False
    attributes = None if isinstance(wanted, Span) else wish("attributes")
    return not any(attribute_differences(attributes or {}, given.attributes))


def exception_differences(wanted: Any, span: Span) -> Iterator[Difference]:
    """The exception, unless an event of the span has recorded one of that type or name."""
    events = [event for event in span.events if "exception.type" in event.attributes]
    given = [str(event.attributes["exception.type"]) for event in events]
    if not any(
        _is_exception(wanted, name, one.types) for name, one in zip(given, events, strict=True)
    ):
        actual: object = given[0] if len(given) == 1 else given
        yield Difference("exception", wanted, actual or MISSING)


def _is_exception(wanted: Any, name: str, types: Sequence[str]) -> bool:
    if isinstance(wanted, type):  # of a class that is gone nobody else knows its bases
        names = type_names(wanted)
        return name in names or not names.isdisjoint(types)
    # the class alone will do: which module it lives in is seldom the point
    return value_matches(wanted, name) or value_matches(wanted, name.rpartition(".")[2])


def type_names(kind: type) -> set[str]:
    """The names under which the type and its subclasses may be recorded."""
    names: set[str] = set()
    seen: set[type] = set()
    kinds = [kind]
    while kinds:
        one = kinds.pop()
        if one not in seen:
            seen.add(one)
            names |= {one.__qualname__, f"{one.__module__}.{one.__qualname__}"}
            kinds.extend(type.__subclasses__(one))
    return names
