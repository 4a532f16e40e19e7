"""Why nobody has received the headers of a caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Headers, RequestData
from pytest_traces.report.causes import Cause
from pytest_traces.report.words import listed, path_of, quoted


def unreceived_cause(
    headers: Mapping[str, str], requests: Sequence[RequestData], forest: Forest
) -> Cause:
    """What became of them, as far as the requests show it.

    Args:
        headers: what the caller gave.
        requests: everything that was sent, to the application too.
        forest: what was recorded.
    """
    given = {(name.lower(), value) for name, value in headers.items()}
    carried = [one for one in requests if given <= _lowered(one.headers)]
    replaced = [one for one in requests if given <= _lowered(one.added_early)]
    if carried:
        return _not_continued(carried, forest)
    if replaced:
        clients = listed(dict.fromkeys(one.client for one in replaced))
        return Cause(
            f"they were given to {_titles(replaced)}, but the instrumentation of {clients} "
            "replaced them: it injects the current span",
            "send them with a client that is not instrumented",
        )
    return Cause("no request carried them", "pass them on: client.get(..., headers=caller.headers)")


def _not_continued(carried: Sequence[RequestData], forest: Forest) -> Cause:
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
    return Cause(
        f"they went with {_titles(carried)}, but no span continues their context: the application "
        "did not read them, or was not instrumented"
    )


def _lowered(headers: Headers) -> set[tuple[str, str]]:
    return {(name.lower(), value) for name, value in headers}


def _titles(requests: Iterable[RequestData]) -> str:
    return listed(dict.fromkeys(f"{one.method} {one.url}" for one in requests))
