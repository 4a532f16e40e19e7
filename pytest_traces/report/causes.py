"""Why it came so, as far as the data shows it, and what to do about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.report.unrelated import tellings_of
from pytest_traces.report.words import plural, quoted
from pytest_traces.settings import RECEIVED
from pytest_traces.shape.fields import Glob
from pytest_traces.shape.mismatch import Mismatch
from pytest_traces.sources.advice import KEEPING

_VALUES = re.compile(r"'[^']*'|\b\d+\b")
_ASGI = (Glob("* http send"), Glob("* http receive"), Glob("* websocket *"))

LEAVE_OUT_ASGI = (
    "leave them out: traces_ignore = asgi in the ini file, or "
    "traces.ignoring(glob('* http send'), glob('* http receive'))"
)


class Cause(NamedTuple):
    """A cause in words, and a hint; either may be missing."""

    text: str | None = None
    hint: str | None = None


#: Why a span is a root, as far as the requests show it.
WhyRoot = Callable[[Span], Cause | None]


def nobody_knows(span: Span) -> Cause | None:
    """Where no requests are known."""
    del span
    return None


def cause_of(
    mismatches: Sequence[Mismatch], forest: Forest, why_root: WhyRoot = nobody_knows
) -> Cause:
    """The first cause that the data shows.

    Args:
        mismatches: how the forest differs from what is expected.
        forest: what was recorded.
        why_root: asked first about a server or consumer span that is a root.
    """
    return (
        _two_sources(mismatches, forest)
        or _wrong_instrumentation(mismatches, forest)
        or _lost_context(mismatches, why_root)
        or _not_arrived(mismatches, forest)
        or _repeated(mismatches)
        or Cause()
    )


def _unexpected(mismatches: Sequence[Mismatch]) -> list[Span]:
    return [m.span for m in mismatches if m.kind == "unexpected" and m.span is not None]


def _wrong_instrumentation(mismatches: Sequence[Mismatch], forest: Forest) -> Cause | None:
    spans = _unexpected(mismatches)
    if not spans or len(spans) != len(mismatches):
        return None
    if all(map(is_of_asgi, spans)):
        return Cause(
            "ASGI instrumentation adds a span for every message of the protocol",
            LEAVE_OUT_ASGI,
        )
    scopes = {span.scope for span in spans}
    scope = next(iter(scopes))
    extra = {id(span) for span in walk_down(spans)}
    others = [span for span in forest.spans if id(span) not in extra]
    is_apart = bool(others) and all(span.scope != scope for span in others)
    if len(scopes) == 1 and scope is not None and is_apart:
        return Cause(
            f"all that is unexpected comes from the scope {scope!r}",
            f"if that instrumentation is new or was upgraded: traces.ignoring(scope={scope!r})",
        )
    return None


def is_of_asgi(span: Span) -> bool:
    """Whether it tells of one message of ASGI, by its name."""
    return any(one.matches(span.name) for one in _ASGI)


def _two_sources(mismatches: Sequence[Mismatch], forest: Forest) -> Cause | None:
    """Two tellings of one test; the hint keeps what is expected and not what is unexpected."""
    tellings = tellings_of(forest)
    if tellings is None:
        return None
    extra = {span.source for span in _unexpected(mismatches) if span.parent is None}
    if extra.isdisjoint(tellings.sources):
        return None
    wanted = [source for source in tellings.sources if source not in extra]
    return Cause(tellings.text, tellings.hint(wanted[0] if len(wanted) == 1 else None))


def _lost_context(mismatches: Sequence[Mismatch], why_root: WhyRoot) -> Cause | None:
    for mismatch in mismatches:
        span = mismatch.span
        if mismatch.kind not in ("moved", "unexpected") or span is None or span.parent is not None:
            continue
        wanted = mismatch.expected_at.span if mismatch.expected_at is not None else None
        if mismatch.kind == "unexpected" and not _is_missed(span, mismatches):
            continue
        cause = why_root(span) or why_a_root(span, wanted)
        if cause is not None:
            return cause
    return None


def _not_arrived(mismatches: Sequence[Mismatch], forest: Forest) -> Cause | None:
    """What is missing may be what another process has not sent."""
    if all(mismatch.kind != "missing" for mismatch in mismatches):
        return None
    roots = (root for root in forest.roots if root.source == RECEIVED and root.parent_id)
    cut_off = next((root for root in roots if root.outside_parent is None), None)
    return _parent_is_missing(cut_off) if cut_off is not None else None


def _is_missed(span: Span, mismatches: Sequence[Mismatch]) -> bool:
    """Whether it says of a parent that it has one, or is missing where it should be a child."""
    return span.parent_id is not None or any(
        other.kind == "missing"
        and other.pattern is not None
        and other.pattern.fields.name_matches(span.name)
        for other in mismatches
    )


def why_a_root(span: Span, wanted: Span | None) -> Cause | None:
    """What its own fields show.

    Args:
        span: a span without a recorded parent.
        wanted: where it was expected instead.
    """
    name, thread = quoted(span.name), span.data.thread
    if span.parent_id is not None:
        return _parent_is_missing(span)
    if span.kind in ("server", "consumer"):
        carrier = "request" if span.kind == "server" else "message"
        return Cause(f"the {carrier} that {name} handles carried no context, or none was extracted")
    if wanted is None:
        return None
    if thread is not None and wanted.data.thread is not None and thread != wanted.data.thread:
        return Cause(
            f"{name} was started in thread {thread!r} while no span was current there; a new "
            "thread begins with an empty context",
            "hand the context over: contextvars.copy_context().run(...) in the thread, or "
            "ThreadingInstrumentor().instrument()",
        )
    if span.source == "handwritten" and thread is None:  # what is current is its own affair
        text = f"{name} was recorded without the id of a parent"
    else:
        text = f"no span was current when {name} was started"
    return Cause(text)


def _parent_is_missing(span: Span) -> Cause:
    name = quoted(span.name)
    if span.source == RECEIVED:
        of = f" of {span.service}" if span.service else ""
        return Cause(
            f"{name}{of} names a parent that has not arrived: its process has not sent it yet, "
            "was killed before it could, does not send to this receiver, or dropped it",
            f"if it was killed, or left by os._exit: {KEEPING}, or call force_flush() before",
        )
    if span.orphan:
        return Cause(
            f"{name} says that it has a parent, but no source recorded that one: it started "
            "before the recording, in another process, or was left out by its instrumentation"
        )
    return Cause(f"{name} continues the context of a carrier whose sender was not recorded here")


def _repeated(mismatches: Sequence[Mismatch]) -> Cause | None:
    for mismatch in mismatches:
        low = mismatch.wanted[0] if mismatch.wanted else 0
        if mismatch.kind == "count" and mismatch.actual >= 3 and low < mismatch.actual:
            parent = mismatch.span.parent if mismatch.span is not None else None
            if parent is not None and mismatch.pattern is not None:
                return _n_plus_one(mismatch, parent)
    return None


def _n_plus_one(mismatch: Mismatch, parent: Span) -> Cause | None:
    wanted = mismatch.pattern
    if wanted is None or mismatch.span is None or mismatch.span.kind != "client":
        return None
    same = [child for child in parent.children if wanted.fields.name_matches(child.name)]
    texts = [
        span.attributes.get("db.query.text") or span.attributes.get("db.statement") for span in same
    ]
    statements = [" ".join(str(text).split()) for text in texts if text]
    alike = Counter(_VALUES.sub("#", text) for text in statements).most_common(1)
    if not alike or alike[0][1] < 3:
        return None
    text, count = alike[0]
    return Cause(
        f"one query ran {plural(count, 'time')} (N+1): {text[:120]}",
        "load them in one query",
    )
