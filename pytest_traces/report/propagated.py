"""A context that was not carried on, in words: the header as it was sent, and what is wrong."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_traces.forest import Span
from pytest_traces.propagation import SpanContext, formats_in, headers_of, inject
from pytest_traces.propagation.checking.fault import Fault
from pytest_traces.propagation.checking.verdict import Checked
from pytest_traces.report.words import joined, path_of, quoted

_WIDTH = 100
#: How far a text may reach that stands beside the mark: breaking it would hurt more.
_WIDEST = 120
_INDENT = " " * 6
_LONGEST = 78
_SHOWN_GOOD = 5
_MARK = "^"
_HAS_A_RIGHT_ONE = ("missing", "trace", "parent", "sampled", "repeated", "disagree")


def checked_lines(checked: Sequence[Checked]) -> list[str]:
    """A block for each that is at fault, one line for each that is not."""
    lines: list[str] = []
    for one in checked:
        if not one.holds:
            lines += ["  " + _title(one)]
            for fault in one.faults:
                lines += fault_lines(one, fault)
            if one.stray is not None:
                lines += _context_lines(one) if not one.faults else []
                lines += _wrapped(_INDENT, stray_text(one.stray))
    good = [one for one in checked if one.holds]
    lines += [f"  {one.title}: as it should be" for one in good[:_SHOWN_GOOD]]
    if len(good) > _SHOWN_GOOD:
        lines.append(f"  and {len(good) - _SHOWN_GOOD:,} more as they should be")
    return lines


def _context_lines(one: Checked) -> list[str]:
    """The headers of the context, where nothing is wrong with them."""
    names = {name for known in formats_in(one.carried.headers) for name in headers_of(known)}
    return [
        f"{_INDENT}{name}: {_clip(value)[0]}"
        for name, value in one.carried.headers
        if name.lower() in names
    ]


def _title(one: Checked) -> str:
    by = f"by {one.request.client}" if one.request is not None else ""
    sender = one.carried.sender.span
    words = [by, f"from {path_of(sender)}" if sender is not None else ""]
    sent = " ".join(word for word in words if word)
    return f"{one.title}  (sent {sent})" if sent else one.title


def fault_lines(one: Checked, fault: Fault) -> list[str]:
    """The header as it was sent, a mark below the part that is wrong, and why it is."""
    if fault.kind == "leaked":
        return [f"{_INDENT}{fault.header}: {_clip(fault.value or '')[0]}"]
    text = _text(one, fault)
    if fault.header is None:
        return _wrapped(_INDENT, text) + _expected(one, fault, 0)
    head = f"{_INDENT}{fault.header}: "
    if fault.kind == "repeated":
        lines = [f"{head}{_clip(value)[0]}" for value in fault.values]
        return lines + _wrapped(" " * len(head), text) + _expected(one, fault, len(head))
    value, place = _clip(fault.value or "", fault.place)
    lines = [head + value]
    if place is None:
        lines += _wrapped(" " * len(head), text)
    else:
        begin, end = place
        mark = " " * (len(head) + begin) + _MARK * max(1, end - begin)
        lines += _marked(mark, " " * len(head), text)
    return lines + _expected(one, fault, len(head))


def _marked(mark: str, indent: str, text: str) -> list[str]:
    """The text beside the mark as far as it is one clause and has room there, else below it."""
    first, separator, rest = text.partition("; ")
    first += separator.rstrip()
    if len(mark) + 1 + len(first) > _WIDEST:
        return [mark, *_wrapped(indent, text)]
    return [f"{mark} {first}", *_wrapped(indent, rest)]


def _wrapped(indent: str, text: str) -> list[str]:
    width = max(_WIDTH, len(indent) + 40)
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _clip(value: str, place: tuple[int, int] | None = None) -> tuple[str, tuple[int, int] | None]:
    """A long value cut to a part that has the place in it; unprintable characters escaped."""
    if not value.isprintable():
        if place is not None:
            before, inside = (_escaped(value[: place[0]]), _escaped(value[slice(*place)]))
            place = len(before), len(before) + len(inside)
        value = _escaped(value)
    if len(value) <= _LONGEST:
        return value, place
    if place is None or place[1] <= _LONGEST - 1:
        return value[: _LONGEST - 1] + "…", place
    begin = max(0, min(place[0] - 10, len(value) - _LONGEST + 2))
    end = begin + _LONGEST - 2
    cut = "…" + value[begin:end] + ("…" if end < len(value) else "")
    return cut, (place[0] - begin + 1, min(place[1] - begin + 1, len(cut)))


def _escaped(value: str) -> str:
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in value)


def _expected(one: Checked, fault: Fault, column: int) -> list[str]:
    """The header that would have been right, below the one that was sent."""
    sender = one.carried.sender
    if sender.key is None or fault.kind not in _HAS_A_RIGHT_ONE:
        return []
    name = fault.format or "tracecontext"
    sampled = sender.span.sampled if sender.span is not None else True
    flags = fault.context.flags if fault.context is not None else None
    if flags is not None:  # the other bits are none of this one's business
        flags = flags & ~1 | sampled
    headers = inject(SpanContext(*sender.key, sampled=sampled, flags=flags), name)
    shown = fault.header.lower() if fault.header is not None else next(iter(headers))
    value = next((text for key, text in headers.items() if key.lower() == shown), None)
    if value is None:
        return []
    label = f"{_INDENT}expected: "
    if fault.header is None:
        label += f"{shown}: "
    line = f"{label:<{column}}{value}"
    if sender.span is None:
        return [line]
    whose = f"that of {path_of(sender.span)}"
    if len(line) + 2 + len(whose) <= _WIDEST:
        return [f"{line}, {whose}"]
    return [f"{line},", " " * max(column, len(label)) + whose]


def _text(one: Checked, fault: Fault) -> str:
    rule, header = fault.rule, fault.header
    if fault.kind in ("tracestate", "baggage"):
        return _members_text(one, fault)
    if fault.kind in ("trace", "parent"):
        return _link_text(one, fault)
    texts = {
        "missing": lambda: _missing_text(fault),
        "repeated": lambda: f"{rule}; a receiver must ignore them, and starts a new trace",
        "invalid": lambda: f"{rule}; a receiver must ignore the header, and starts a new trace",
        "dropped": lambda: f"{rule}; a receiver drops {header}, and continues the trace",
        "sampled": lambda: _sampled_text(fault),
        "disagree": lambda: _disagreement_text(fault),
    }
    return texts[fault.kind]()


def _missing_text(fault: Fault) -> str:
    there = joined(list(dict.fromkeys(fault.values)))
    if fault.format is not None:
        header = headers_of(fault.format)[0]
        instead = f", but {there}" if there else ""
        return f"it carried no context of the format {fault.format} ({header}){instead}"
    if there:
        return f"it carried no context of a recorded span: nobody recorded what {there} names"
    return "it carried no context: neither traceparent nor a header of another format"


def _sampled_text(fault: Fault) -> str:
    says = bool(fault.context is not None and fault.context.sampled)
    is_not = "was sampled" if not says else "was not sampled"
    return f"the sampled bit is {int(says)}, but {_path(fault.found)} {is_not}"


def _disagreement_text(fault: Fault) -> str:
    name, value = fault.against or ("", "")
    return (
        f"disagrees with {name}: {_clip(value)[0]}; which of the two a receiver believes depends "
        "on the receiver"
    )


def _members_text(one: Checked, fault: Fault) -> str:
    missing = joined([key if value is None else f"{key}={value}" for key, value in fault.members])
    why = "which was asked for"
    if fault.kept:
        incoming = one.carried.incoming
        sender = incoming.sender if incoming is not None else None
        why = "which came in with the request"
        if sender is not None:
            why += f" of {path_of(sender)}"
        why += " and has to be passed on"
    there = "" if fault.header is not None else f"there is no {fault.kind}: "
    return f"{there}it lacks {missing}, {why}"


def _link_text(one: Checked, fault: Fault) -> str:
    if fault.context is not None and fault.context.span_id is None:
        return "it names no span that a receiver could be the child of"
    if fault.found is None:
        what = "trace id" if fault.kind == "trace" else "id"
        return f"the {what} of no recorded span"
    found = path_of(fault.found)
    if fault.kind == "trace":
        return f"the trace id of another trace, that of {found}"
    sender = one.carried.sender.span
    own = quoted(sender.name) if sender is not None else "its own"
    around = "around it" if one.request is None else f"around the request's own client span {own}"
    more = {
        "around": f", the span {around}",
        "ended": ", which had ended before this was sent",
        "ancestor": ", further up",
    }
    return f"the id of {found}{more.get(fault.relation or 'other', '')}"


def stray_text(stray: Span) -> str:
    """Somebody who should have continued the context, and began a trace of his own."""
    return (
        f"{path_of(stray)} handles such a message and is the root of another trace: it did not "
        "continue the context"
    )


def _path(span: Span | None) -> str:
    return "no recorded span" if span is None else path_of(span)
