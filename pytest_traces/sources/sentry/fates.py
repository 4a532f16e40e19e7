"""Whether Sentry keeps a span, and why: what it decided at the start, and what happened then."""

from __future__ import annotations

from typing import Any, NamedTuple

from pytest_traces.model import Sampler
from pytest_traces.sources.sentry.events import Outcome
from pytest_traces.sources.sentry.kept import Kept
from pytest_traces.sources.sentry.rates import BEFORE, NEVER_STARTED, NO_TRANSACTION, decider

_PROCESSOR, _HOOK = "an event processor", "before_send_transaction"
_IGNORED = "Sentry: it fits ignore_spans"


def _lost(what: str, *, alone: bool = True) -> Sampler:
    """What happened to a span that was to be kept, and said so in its headers."""
    return Sampler(f"Sentry: {what}", alone=alone, bits=(True,))


_OPEN = _lost("it was still open when its transaction ended")
_LATE = _lost("it started when its transaction had ended")


class Before(NamedTuple):
    """A transaction just before its end.

    Attributes:
        decided: what had decided on it.
        sampled: what was decided.
        held: the spans that it has, by the ids of the objects; None where it collects none.
        ended: those among them that have ended.
        limit: how many it can have at most.
    """

    decided: Sampler | None = None
    sampled: bool | None = None
    held: frozenset[int] | None = None
    ended: frozenset[int] = frozenset()
    limit: int = 0


def decide_on(kept: Kept, given: bool | None) -> None:
    """Sentry has decided on a transaction.

    Args:
        kept: the transaction.
        given: its ``sampled`` before, with which the application may have forced the decision.
    """
    span = kept.span
    kept.was_sampled = span.sampled
    if given is not None and span.sampled is given:
        words = f"sampled={given}, with which it was started"
        kept.decided = Sampler(words)
        return
    caller = getattr(span, "parent_sampled", None)
    decided = decider(sampled=span.sampled, caller=caller, rate=getattr(span, "sample_rate", 1))
    if decided.follows_caller and span.same_process_as_parent:
        decided = Sampler(f"parent_sampled={caller}, with which it was started")
    kept.decided = decided


def decided_on_streamed(span: Any, around: Sampler | None) -> Sampler:
    """What has decided on a span that is sent by itself.

    Args:
        span: Sentry's object.
        around: what has decided on its segment; None if it is one.
    """
    if span.sampled is not True and getattr(span, "_unsampled_reason", None) == "ignored":
        # Below a segment that is ignored all are; another of its kind is not asked about.
        if around is None:
            return Sampler(_IGNORED)
        return around if around.words == _IGNORED else Sampler(_IGNORED, alone=True, bits=(True,))
    if around is not None:
        return around
    failed = getattr(span, "_unsampled_reason", None) == "callback_error"
    is_told = hasattr(span, "_parent_sampled")  # since 2.65, where it is not sampled
    context: Any = None if is_told else span._scope.get_active_propagation_context()
    caller = span._parent_sampled if is_told else context.parent_sampled
    decided = decider(sampled=span.sampled, caller=caller, rate=None if failed else 1)
    if decided.follows_caller and not is_told:  # nor has it kept whose child it is
        return Sampler("Sentry, which does as the caller did")
    return decided


def miss(kept: Kept, transaction: Any) -> None:
    """A span starts in a transaction that takes it no more, or never would have."""
    kept.is_kept = False
    if transaction.sampled is None:
        kept.lost = NEVER_STARTED
    elif transaction.sampled:
        kept.lost = _LATE


def static_fate(kept: Kept) -> tuple[bool, Sampler]:
    """Whether the application would really have kept it, as far as that is known, and why."""
    if kept.is_kept is not None:
        decided = kept.decided if kept.parent is None else kept.parent.decided
        return kept.is_kept, kept.lost or decided or BEFORE
    transaction = kept.span.containing_transaction
    if transaction is None:  # Sentry never sends a span by itself
        return False, NO_TRANSACTION
    above = kept.parent or kept
    decided = _decided_now(above) if above.span is transaction else None
    return transaction.sampled is True, decided or BEFORE


def look_at(kept: Kept) -> Before:
    """A transaction that is about to end."""
    recorder = getattr(kept.span, "_span_recorder", None)
    decided, sampled = _decided_now(kept), kept.span.sampled
    if recorder is None:
        return Before(decided, sampled)
    held = frozenset(id(span) for span in recorder.spans)
    ended = frozenset(id(span) for span in recorder.spans if span.timestamp is not None)
    return Before(decided, sampled, held, ended, getattr(recorder, "maxlen", -1) + 1)


def settle(kept: Kept, before: Before, outcome: Outcome) -> None:
    """A transaction has ended, and those in it are sent, or are not."""
    kept.decided = _whole(kept, before, outcome)
    kept.is_kept = _is_sent(kept, before, outcome)
    for child in kept.children:
        child.lost = _loss(child, before, outcome) if kept.is_kept else None
        child.is_kept = kept.is_kept and child.lost is None
    kept.children = []


def _is_sent(kept: Kept, before: Before, outcome: Outcome) -> bool:
    return kept.span.sampled is True and before.held is not None and not outcome.is_dropped


def _decided_now(kept: Kept) -> Sampler | None:
    """What decided on a transaction, unless the application has decided otherwise since."""
    sampled = kept.span.sampled
    if kept.decided is None or kept.decided is NEVER_STARTED or sampled is kept.was_sampled:
        return kept.decided
    if sampled:  # what was dropped is not collected, and cannot be kept any more
        return kept.decided
    words = f"sampled = {sampled}, which the application set"
    return Sampler(words, bits=(True, False))


def _whole(kept: Kept, before: Before, outcome: Outcome) -> Sampler | None:
    """What decided on a transaction in the end."""
    if before.sampled and before.held is not None:
        if outcome.is_dropped:
            who = _PROCESSOR if outcome.passed is None else _HOOK
            return _lost(f"{who} dropped the transaction", alone=False)
        if not kept.span.sampled:
            return _lost("its status code is one of trace_ignore_status_codes", alone=False)
    return before.decided


def _loss(child: Kept, before: Before, outcome: Outcome) -> Sampler | None:
    """Why a span does not leave with its transaction; None if it does."""
    if before.held is None or id(child.span) not in before.held:
        return _lost(f"its transaction already had {before.limit:,} spans")
    if id(child.span) not in before.ended:
        return _OPEN
    left, passed = outcome.left, outcome.passed
    if left is None or child.span.span_id in left:
        return None
    by = _PROCESSOR if passed is not None and child.span.span_id not in passed else _HOOK
    return _lost(f"{by} took it out of its transaction")
