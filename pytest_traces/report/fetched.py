"""A trace that a backend does not have, or not yet whole, told with what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest
from pytest_traces.model import SpanData
from pytest_traces.report.explain import Message
from pytest_traces.report.rows import tree_lines
from pytest_traces.report.words import duration, listed, plural, quoted

_TREE = 30


class Asked(NamedTuple):
    """How a backend was asked: for how many spans, None for whatever comes; and what it said last.

    ``said`` is what the last answer was, where it was no trace, or no whole one.
    """

    url: str
    times: int
    timeout_ns: int
    wanted: int | None
    said: str | None
    blocked: bool


def fetched_message(
    asked: Asked, spans: Sequence[SpanData], missing: Sequence[SpanData], forest: Forest
) -> Message:
    """The failure of waiting for a whole trace.

    Args:
        asked: what the backend was asked.
        spans: what it has.
        missing: those of them whose parent is nowhere.
        forest: them, among what was recorded here.
    """
    message = Message(_verdict(asked, spans, missing))
    if spans:
        message.tree = tree_lines(forest, limit=_TREE)
    if spans and missing:
        message.facts.append(f"  parent missing: {listed(_named(span) for span in missing)}")
    message.facts.append(f"  asked {_often(asked.times)}: {asked.url}")
    if asked.said is not None:
        message.facts.append(f"  its last answer: {asked.said}")
    message.hint = _hint(asked, spans, missing)
    return message


def _verdict(asked: Asked, spans: Sequence[SpanData], missing: Sequence[SpanData]) -> str:
    time = duration(asked.timeout_ns)
    if not spans:
        return f"no trace came within {time}"
    if asked.wanted is not None:
        return f"{plural(len(spans), 'span')} came within {time}, and not {asked.wanted:,}"
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        count = plural(len(missing), "parent")
        return f"the trace is not complete after {time}: {count} of its spans {verb} missing"
    if asked.said is not None:
        return f"the trace is not complete after {time}"
    return f"the trace was still growing after {time}: {plural(len(spans), 'span')} so far"


def _hint(asked: Asked, spans: Sequence[SpanData], missing: Sequence[SpanData]) -> str | None:
    if asked.blocked:
        return (
            "the event loop of this thread could not run meanwhile: "
            "await asyncio.to_thread(traces.fetch, url)"
        )
    if not spans:
        return "does the application export to this backend, and sample this trace?"
    if missing and asked.wanted is None:
        return (
            "a parent that nobody exports, one that the test has made up? let traces.caller(...) "
            f"record it, or say how many spans make the trace complete: spans={len(spans)}"
        )
    return None


def _named(span: SpanData) -> str:
    return quoted(span.name) + (f" of {span.service}" if span.service else "")


def _often(times: int) -> str:
    return "once" if times == 1 else f"{times:,} times"
