"""Failures of propagation, whole."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.propagation.checking.verdict import UNLINKING, Checked
from pytest_traces.recording import Capture
from pytest_traces.report.causes import Cause
from pytest_traces.report.explain import Message, add_captured
from pytest_traces.report.lost import lost_cause
from pytest_traces.report.propagated import checked_lines
from pytest_traces.report.words import listed, plural
from pytest_traces.sources.advice import Advice, Sending, advice_on


def checked_message(checked: Sequence[Checked], *, leaked: bool = False) -> Message:
    """Some did not carry the trace on; or, where none may, some did."""
    wrong = [one for one in checked if not one.holds]
    counted = f"{len(wrong):,} of {plural(len(checked), _noun(checked))}"
    verb = "carried a context away" if leaked else "did not carry the trace on"
    message = Message(f"{counted} {verb}")
    message.is_about_spans = False
    causes = [lost_cause(one, _advice(one)) for one in wrong]
    message.tree = checked_lines(checked)
    distinct = list(dict.fromkeys(cause for cause in causes if cause.text is not None))
    if distinct:
        message.cause = distinct[0].text
        message.hint = distinct[0].hint
        for other in distinct[1:3]:
            message.cause = f"{message.cause}; {other.text}"
            message.hint = message.hint or other.hint
    if leaked:
        message.hint = _leak_hint(wrong)
    return message


def _leak_hint(wrong: Sequence[Checked]) -> str | None:
    """How to keep the context at home, where an instrumentation or Sentry adds it."""
    names = {(fault.header or "").lower() for one in wrong for fault in one.faults}
    if "sentry-trace" in names:
        return "sentry_sdk.init(..., trace_propagation_targets=[...]) without that host"
    clients = {one.request.client for one in wrong if one.request is not None}
    if clients == {"httpx"} and any(one.carried.sender.is_client for one in wrong):
        return (
            "do not instrument the client that calls it: HTTPXClientInstrumentor()."
            "uninstrument_client(client), or call it within suppress_instrumentation()"
        )
    return None


def request_cause(checked: Checked) -> Cause:
    """Why the span that serves a request is no child of the one that sent it."""
    fault = next(one for one in checked.faults if one.kind in UNLINKING)
    texts = {
        "missing": "carried no context",
        "repeated": f"carried {fault.header} {len(fault.values)} times",
        "invalid": f"carried {fault.header} in which {fault.rule}",
    }
    text = texts.get(fault.kind, f"carried the context of another span in {fault.header}")
    more = lost_cause(checked, _advice(checked))
    words = [f"the request {checked.title} {text}"]
    if more.text is not None:
        words.append(more.text)
    return Cause("; ".join(words), more.hint)


def _noun(checked: Sequence[Checked]) -> str:
    """What they are: requests, messages, or both."""
    requests = sum(1 for one in checked if one.request is not None)
    if requests == len(checked):
        return "request"
    if requests == 0:
        return "carrier" if checked[0].title == "the carrier" else "message"
    return "requests and message"  # plural() adds the last letter


def _advice(one: Checked) -> Advice | None:
    request, sender = one.request, one.carried.sender
    missing = next((fault for fault in one.faults if fault.kind == "missing"), None)
    if request is None or missing is None:
        return None
    sending = Sending(
        request.client,
        request.url,
        request.through,
        has_client_span=sender.is_client,
        source=sender.span.source if sender.span is not None else None,
        format=missing.format,
    )
    return advice_on(sending)


def nothing_sent(
    targets: Sequence[str],
    left_out: Sequence[str],
    titles: Sequence[str],
    captures: Sequence[Capture],
) -> Message:
    """Nothing was selected, so nothing can be said.

    Args:
        targets: what was selected by, as it was written; none for everything.
        left_out: to whom nothing counts.
        titles: everything that was sent.
        captures: what was captured.
    """
    where = f" to {listed(targets)}" if targets else ""
    if not targets and left_out and titles:
        where = f" but to third parties ({listed(left_out)})"
    message = Message(f"no request and no message was sent{where}")
    message.is_about_spans = False
    if titles:
        names = listed(dict.fromkeys(titles), 5)
        message.facts = [f"  what was sent: {names}"]
    message.may_come = True
    add_captured(message, captures)
    if titles:
        message.hint = None
    return message
