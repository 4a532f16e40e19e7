"""The span of Sentry that is current, asked without making a scope that was not there.

Tasks that were created without ``AsyncioIntegration`` share one scope: what is current there
may be of another task. Beside it is kept, as numbers of the journal, which spans have begun in
which context: of that, each task has its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from pytest_traces.recording import Journal, SpanKey, is_open

#: A number, and the one that was open when it began.
_Begun = tuple[int, Any]

_begun: ContextVar[_Begun | None] = ContextVar("pytest_traces_begun", default=None)


def current_span() -> Any:
    """The current span, of either life; None where there is none.

    ``get_current_scope()`` would make a scope and leave it in the context of whoever asks, so
    the context variables behind it are read (private, the same from 2.20 to 2.75).
    """
    spans = (getattr(scope, "_span", None) for scope in _scopes())
    return next((span for span in spans if span is not None), None)


def current_key() -> SpanKey | None:
    """Its trace id and span id, if it has any."""
    span = current_span()
    if span is None or type(span).__name__ == "NoOpSpan":
        return None
    trace_id, span_id = getattr(span, "trace_id", None), getattr(span, "span_id", None)
    # Before 2.65 the ids of a streamed span that is not sampled are zeros.
    return (trace_id, span_id) if trace_id and span_id and span_id.strip("0") else None


def continued_key() -> SpanKey | None:
    """The remote parent that a root would have which starts here and now, if any."""
    contexts = (getattr(scope, "_propagation_context", None) for scope in _scopes())
    context = next((one for one in contexts if one is not None), None)
    # Asked first: a context that continues nothing makes its trace id when it is asked for it.
    parent_id = getattr(context, "parent_span_id", None)
    return (context.trace_id, parent_id) if context is not None and parent_id else None


def _scopes() -> Iterator[Any]:
    """What start_span looks at, in this order."""
    module: Any = sys.modules.get("sentry_sdk.scope")
    for name in ("_current_scope", "_isolation_scope") if module is not None else ():
        variable = getattr(module, name, None)
        if variable is not None:
            yield variable.get()


def begin_here(journal: Journal, number: int) -> None:
    """A span has begun in the calling context; those above it that have ended are forgotten."""
    outer = _begun.get()
    while outer is not None:
        entry = journal.entries.get(outer[0])
        if entry is not None and is_open(entry):
            break
        outer = outer[1]
    _begun.set((number, outer))


def begun_here() -> set[int]:
    """The numbers of the open spans that have begun in the calling context; some have ended."""
    found, one = set(), _begun.get()
    while one is not None:
        found.add(one[0])
        one = one[1]
    return found


def is_streaming() -> bool:
    """Whether the client of the calling context sends each span by itself."""
    sdk: Any = sys.modules.get("sentry_sdk")
    try:
        options = sdk.get_client().options or {}
    except AttributeError:  # not imported, or only in part
        return False
    chosen = options.get("trace_lifecycle")
    if chosen is None:
        chosen = (options.get("_experiments") or {}).get("trace_lifecycle")
    return bool(chosen == "stream")
