"""Each mismatch in one sentence, and all of them in one verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise

from pytest_traces.forest import Span
from pytest_traces.model import Event, Link
from pytest_traces.report.words import duration, joined, listed, often, path_of, plural, quoted
from pytest_traces.shape.fields import MISSING, Difference
from pytest_traces.shape.mismatch import Mismatch, Place
from pytest_traces.shape.pattern import Pattern, label_of

_HEADINGS = {
    "missing": "missing",
    "unexpected": "unexpected",
    "moved": "moved",
    "renamed": "renamed",
    "count": "wrong count",
    "fields": "different",
    "unfinished": "never ended",
    "late": "too slow",
    "order": "out of order",
}


def verdict(mismatches: list[Mismatch]) -> str:
    """What is wrong, in one line."""
    if len(mismatches) == 1 and not (mismatches[0].others and mismatches[0].kind != "missing"):
        return sentence(mismatches[0])
    kinds: dict[str, list[Mismatch]] = {}
    for mismatch in mismatches:
        kinds.setdefault(mismatch.kind, []).append(mismatch)
    parts = []
    for kind, heading in _HEADINGS.items():
        if kind in kinds:
            count = sum(1 + one.others for one in kinds[kind])
            names = Counter(_name(one) for one in kinds[kind])
            parts.append(f"{count:,} {heading} ({listed(names)})")
    return f"the trace differs from the expected tree: {', '.join(parts)}"


def sentence(mismatch: Mismatch) -> str:
    """What is wrong at one place."""
    return _SENTENCES[mismatch.kind](mismatch)


def difference(one: Difference) -> str:
    """``kind: expected 'server', got 'internal'``."""
    field = one.field
    if field.startswith("attributes["):
        field = field[len("attributes['") : -2]
    if field == "end":
        return "expected to be still open" if one.expected == "unfinished" else "never ended"
    if field == "under":
        return f"took {_took(one.actual)}, limit {_took(one.expected)}"
    expected = _value(one.expected)
    if one.actual is MISSING:
        return f"{field} is missing, expected {expected}"
    if isinstance(one.actual, tuple) and field.endswith(("event", "link")):
        got = listed([_part(item) for item in one.actual]) or "none"
        return f"no {field} {_part(one.expected)}, got {got}"
    return f"{field}: expected {expected}, got {_value(one.actual)}"


def _part(one: object) -> str:
    """An event or a link of a span, or what was wanted of one."""
    if isinstance(one, Mapping):
        fields = dict(one)
    elif isinstance(one, Event | Link):
        fields = one._asdict()
        fields.pop("types", None)  # its own is in the attributes
    else:
        return _value(one)
    fields.pop("time_ns", None)
    name, attributes = fields.pop("name", None), fields.pop("attributes", None)
    parts = [_value(name)] if name is not None else []
    parts += [f"{key}={_value(value)}" for key, value in fields.items()]
    parts += [f"{key}={_value(value)}" for key, value in (attributes or {}).items()]
    return " ".join(parts)


def below(place: Place | None) -> str:
    """`` below 'POST /checkout > POST'``, or nothing for the roots."""
    if place is None or (place.span is None and place.pattern is None):
        return ""
    if place.span is not None:
        return f" below {path_of(place.span)}"
    names, step = [], place
    while step is not None and step.pattern is not None:
        names.append(str(step.pattern.fields.name))
        step = step.parent  # type: ignore[assignment]
    return f" below '{' > '.join(reversed(names[:6]))}'"


def where(span: Span) -> str:
    """Where a recorded span stands."""
    if span.parent is not None:
        return f"it is below {path_of(span.parent)}"
    if span.orphan:
        return "its parent was not recorded"
    return "it is a root of its own"


def _name(mismatch: Mismatch) -> str:
    if mismatch.kind == "order" and mismatch.group is not None:
        return f"{mismatch.group.order}(...)"
    if mismatch.span is not None:
        return quoted(mismatch.span.name)
    return label_of(mismatch.pattern.fields.name) if mismatch.pattern else "?"


def _missing(mismatch: Mismatch) -> str:
    name = label_of(mismatch.pattern.fields.name) if mismatch.pattern else "?"
    times = f" {mismatch.others + 1:,} times" if mismatch.others else ""
    text = f"{name} is missing{times}{below(mismatch.expected_at)}"
    here = mismatch.here_instead
    if not here:
        return text
    names = joined([quoted(span.name) for span in here[:3]]) + (" …" if len(here) > 3 else "")
    verb = "child" if len(here) == 1 else "children"
    if len({where(span) for span in here}) == 1 and here[0].parent is not None:
        stand = "stands" if len(here) == 1 else "stand"
        return f"{text}; its {verb} {names} {stand} directly{below_of(here[0])}"
    return f"{text}; its {verb} {names} {'is' if len(here) == 1 else 'are'} left without a parent"


def below_of(span: Span) -> str:
    """`` below`` the parent of a recorded span."""
    return f" below {path_of(span.parent)}" if span.parent is not None else ""


def _unexpected(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None:
        return "unexpected"
    name = quoted(span.name)
    if mismatch.here_instead:
        names = joined([quoted(one.name) for one in mismatch.here_instead[:3]])
        above = f"{path_of(span.parent)} and " if span.parent is not None else "the roots and "
        return f"{name} is unexpected: it stands between {above}{names}"
    if span.parent is None:
        return f"{name} is an unexpected root" + (
            ": its parent was not recorded" if span.orphan else ""
        )
    return f"{name} is unexpected below {path_of(span.parent)}"


def _moved(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None:
        return "moved"
    wanted = below(mismatch.expected_at)
    return f"{quoted(span.name)} is not {wanted.strip() or 'a root'}: {where(span)}"


def _renamed(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None or mismatch.pattern is None:
        return "renamed"
    place = below_of(span) or ", as a root"
    return f"{quoted(span.name)} stands where {_label(mismatch.pattern)} was expected{place}"


def _count(mismatch: Mismatch) -> str:
    name = label_of(mismatch.pattern.fields.name) if mismatch.pattern else "?"
    wanted = often(*mismatch.wanted) if mismatch.wanted else "?"
    times = plural(mismatch.actual, "time")
    return f"{name} ran {times}{below(mismatch.expected_at)}, expected {wanted}"


def _fields(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None:
        return "different"
    return f"{path_of(span)}: {'; '.join(difference(one) for one in mismatch.differences)}"


def _unfinished(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None:
        return "never ended"
    if span.end_ns is None:
        return f"{path_of(span)} never ended"
    return f"{path_of(span)} has ended, expected to be still open"


def _late(mismatch: Mismatch) -> str:
    span = mismatch.span
    if span is None:
        return "too slow"
    return f"{path_of(span)} {difference(mismatch.differences[0])}"


def _order(mismatch: Mismatch) -> str:
    group, spans = mismatch.group, sorted(mismatch.here_instead, key=lambda one: one.start_ns)
    if group is None:
        return "out of order"
    wanted = _told_apart([(_label(m), [_label(c) for c in m.members]) for m in group.members])
    members = joined(wanted)
    place = below(mismatch.place)
    names = _told_apart([(quoted(s.name), [quoted(c.name) for c in s.children]) for s in spans])
    if group.order == "in_order":
        return _not_in_order(wanted, names) + place
    if group.order == "concurrent":
        return f"{members} were never all open at once{place}"
    for before, after in pairwise(spans):
        if before.end_ns is None or after.start_ns < before.end_ns:
            one, two = names[spans.index(before)], names[spans.index(after)]
            both = f"{one} was still open when {two} started"
            return f"expected one after another{place}: {members}; {both}"
    return f"expected one after another{place}: {members}"


def _not_in_order(wanted: list[str], started: list[str]) -> str:
    for expected, name in zip(wanted, started, strict=False):
        if name != expected and expected in started and name in wanted:
            return f"{name} started before {expected}, expected after it,"
    return f"expected in this order: {joined(wanted)}; they started as {joined(started[:6])},"


def _label(pattern: Pattern) -> str:
    return label_of(pattern.fields.name)


def _told_apart(members: list[tuple[str, list[str]]]) -> list[str]:
    """Names; those that occur twice with the first name below them."""
    counts = Counter(name for name, _ in members)
    return [
        f"{name} (with {children[0]})" if counts[name] > 1 and children else name
        for name, children in members
    ]


_SENTENCES = {
    "missing": _missing,
    "unexpected": _unexpected,
    "moved": _moved,
    "renamed": _renamed,
    "count": _count,
    "fields": _fields,
    "unfinished": _unfinished,
    "late": _late,
    "order": _order,
}


def _value(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


def _took(value: object) -> str:
    return duration(value) if isinstance(value, int) else "no end"
