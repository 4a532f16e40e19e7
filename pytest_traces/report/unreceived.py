"""Why nobody has received the headers of a caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Headers, RequestData
from pytest_traces.report.causes import Cause
from pytest_traces.report.words import listed, path_of, quoted


class Others(Enum):
    """Other processes, which may have received them."""

    #: They have nowhere to send their spans.
    UNKNOWN = auto()
    #: They were waited for.
    AWAITED = auto()
    #: Nothing could wait for them.
    UNHEARD = auto()


def unreceived_cause(
    headers: Mapping[str, str], requests: Sequence[RequestData], forest: Forest, others: Others
) -> Cause:
    """What became of them, as far as the requests show it.

    Args:
        headers: what the caller gave.
        requests: everything that was sent, to the application too.
        forest: what was recorded.
        others: what is known of other processes.
    """
    given = {(name.lower(), value) for name, value in headers.items()}
    carried = [one for one in requests if given <= _lowered(one.headers)]
    replaced = [one for one in requests if given <= _lowered(one.added_early)]
    if carried:
        return _not_continued(carried, forest, others)
    if replaced:
        clients = listed(dict.fromkeys(one.client for one in replaced))
        return Cause(
            f"they were given to {_titles(replaced)}, but the instrumentation of {clients} "
            "replaced them: it injects the current span",
            "send them with a client that is not instrumented",
        )
    if others is Others.UNHEARD and not requests:
        return Cause("no request of this process carried them")
    return Cause("no request carried them", "pass them on: client.get(..., headers=caller.headers)")


def _not_continued(carried: Sequence[RequestData], forest: Forest, others: Others) -> Cause:
    spans = {(span.trace_id, span.span_id): span for span in forest.spans}
    current: list[Span] = [
        span
        for one in carried
        for ref in one.current
        if (span := spans.get((ref.trace_id, ref.span_id))) is not None
    ]
    if current:
        return Cause(
            f"they went with {_titles(carried)}, but {path_of(current[0])} was current there, and "
            "an application that is called in the same process continues what is current",
            f"end {quoted(current[0].name)} before the application is called",
        )
    return _unheard(carried, others)


def _unheard(carried: Sequence[RequestData], others: Others) -> Cause:
    """Whoever has received them records nothing, or elsewhere."""
    by_network = [one for one in carried if one.through is None]
    unanswered = [one for one in by_network if one.status is None]
    if unanswered:
        return Cause(
            f"they went with {_titles(unanswered)}, and no answer came: who received them was "
            "killed before it had sent its spans, or is still at work"
        )
    if by_network and others is Others.UNHEARD:
        return Cause(
            f"they went with {_titles(carried)}, but no span continues their context so far: what "
            "another process records comes later"
        )
    why = "did not read them, or was not instrumented"
    if by_network and others is Others.AWAITED:
        why = (
            "did not read them, was not instrumented, has not sent its spans yet, or was killed "
            "before it had"
        )
    elif by_network:
        why = (
            "did not read them, was not instrumented, or is another process that nobody has told "
            "where to send its spans"
        )
    return Cause(
        f"they went with {_titles(carried)}, but no span continues their context: the application "
        f"{why}"
    )


def _lowered(headers: Headers) -> set[tuple[str, str]]:
    return {(name.lower(), value) for name, value in headers}


def _titles(requests: Iterable[RequestData]) -> str:
    return listed(dict.fromkeys(f"{one.method} {one.url}" for one in requests))
