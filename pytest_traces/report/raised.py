"""The lines that show an exception below the span that has it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pytest_traces.forest import Span
from pytest_traces.report.words import cut, plural
from pytest_traces.shape.errors import Raised, exceptions_of, messages_of

_WIDTH = 100
_NARROWEST = 20
_MOST = 3

#: What else is to be shown below a span, by its identity.
More = Mapping[int, Sequence[str]]
NO_MORE: More = {}


def raised_by(span: Span, more: More = NO_MORE) -> list[str]:
    """What the lines below a span tell, in order of time: its exceptions, and errors without one.

    An exception that a child has told already goes on here: the status says that.
    """
    if not span.events and not more:
        return []
    told = [(one.time_ns, one.text) for one in exceptions_of(span) if not _is_passed_on(one, span)]
    told += messages_of(span)
    ended = span.start_ns if span.end_ns is None else span.end_ns
    told.sort(key=lambda one: ended if one[0] is None else one[0])
    texts = [text for _, text in told]
    if more:
        texts += more.get(id(span), ())
    if not texts:
        return []
    counts = Counter(texts)
    found = [text if often == 1 else f"{often:,} × {text}" for text, often in counts.items()]
    if len(found) > _MOST:
        found[_MOST - 1 :] = [f"{plural(len(found) - _MOST + 1, 'more error')}"]
    return found


def raised_lines(texts: Sequence[str], lead: str, indent: int) -> list[str]:
    """The lines themselves, each below the name of the span.

    Args:
        texts: as :func:`raised_by` gives them.
        lead: the branches that pass by.
        indent: how far the whole tree is indented.
    """
    width = max(_NARROWEST, _WIDTH - indent - len(lead) - 2)
    return [f"{lead}! {cut(text, width)}" for text in texts]


def is_told(span: Span, description: str) -> bool:
    """Whether the text of the status says no more than an exception of the span."""
    for one in exceptions_of(span):
        message, kind = one.message or "", one.type or ""
        if description in (message, kind, f"{kind}: {message}"):
            return True
        if description == f"{kind.rpartition('.')[2]}: {message}":
            return True
        if description == kind.rpartition(".")[2] and not message:
            return True
    return False


def _is_passed_on(raised: Raised, span: Span) -> bool:
    if span.status != "error":
        return False
    told = raised.type, raised.message
    return any(
        (one.type, one.message) == told for child in span.children for one in exceptions_of(child)
    )
