"""A failure, whole: verdict, tree, cause, what was captured, one hint."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from pytest_traces.forest import Finding, Forest, Span
from pytest_traces.recording import Capture, Clock
from pytest_traces.report.aligned import aligned_lines
from pytest_traces.report.captured import captured_lines, first_hint
from pytest_traces.report.causes import Cause, WhyRoot, cause_of, nobody_knows
from pytest_traces.report.rows import tree_lines
from pytest_traces.report.sentences import verdict
from pytest_traces.report.unrelated import tellings_of
from pytest_traces.report.words import duration, joined, listed, path_of, plural, quoted
from pytest_traces.shape import outline
from pytest_traces.shape.mismatch import Alignment, Mismatch
from pytest_traces.timing.limits import clock_of

_WIDTH = 100
_OUTLINE_LINES = 15
_AN_HOUR = 3_600_000_000_000


class Message:
    """The parts of a failure; they come out in the one order, whatever the order they are added."""

    def __init__(self, verdict: str) -> None:
        self.verdict = verdict
        self.tree: list[str] = []
        self.facts: list[str] = []
        self.cause: str | None = None
        self.captured: list[str] = []
        self.hint: str | None = None
        self.paste: list[str] = []
        #: Whether it is about spans, and not about what was sent: then it may be of use to know
        #: that the same is told twice.
        self.is_about_spans = True
        #: Something is missing that may still come, so that waiting makes sense.
        self.may_come = False
        #: The hint where an event loop runs, so that nothing could wait for it; else the usual one.
        self.in_loop: str | None = None
        #: Clocks alone are to blame, so that another run of the test may go well.
        self.only_late = False
        #: Whether that other run is of any use.
        self.is_repeated = True

    def __str__(self) -> str:
        blocks = [[self.verdict], self.tree, self.facts, _labelled("cause", self.cause)]
        if self.captured:
            blocks.append(self.captured)
        blocks += [_labelled("hint", self.hint), self.paste]
        return "\n\n".join("\n".join(block) for block in blocks if block)


def tree_message(
    alignment: Alignment,
    forest: Forest,
    captures: Sequence[Capture],
    still_open: Sequence[Span],
    why_root: WhyRoot = nobody_knows,
) -> Message:
    """The failure of a whole tree that is not as wanted."""
    message = Message(verdict(alignment.mismatches))
    message.tree = aligned_lines(alignment)
    add_cause(message, cause_of(alignment.mismatches, forest, why_root))
    message.facts = open_lines(still_open) + finding_lines(forest.findings)
    late = [one for one in alignment.mismatches if one.kind == "late"]
    message.facts += clock_lines([one.span for one in late if one.span is not None])
    message.only_late = len(late) == len(alignment.mismatches) and all(map(_took_time, late))
    if alignment.approximate:
        message.facts.append("  too many differences to pair each in the best way")
    if any(_is_absent(one) for one in alignment.mismatches):
        message.may_come = True
        add_captured(message, captures)
    if alignment.paired * 2 < alignment.spans:
        message.paste = paste_lines(forest)
    return message


def _is_absent(mismatch: Mismatch) -> bool:
    low = mismatch.wanted[0] if mismatch.wanted else 0
    return mismatch.kind == "missing" or (mismatch.kind == "count" and mismatch.actual < low)


def plain_message(text: str, forest: Forest, captures: Sequence[Capture]) -> Message:
    """A failure in words of its own, with the recorded tree beside it."""
    message = Message(text)
    message.tree = tree_lines(forest, limit=30)
    message.facts = finding_lines(forest.findings)
    add_captured(message, captures)
    return message


def nothing_message(captures: Sequence[Capture]) -> Message:
    """The failure of an assertion for which nothing at all was recorded."""
    message = Message("no span was recorded")
    message.may_come = True
    add_captured(message, captures)
    return message


def add_captured(message: Message, captures: Sequence[Capture]) -> None:
    """Add what was captured, and the hint of a source unless there is a better one."""
    message.captured = ["  what was captured:", *("  " + one for one in captured_lines(captures))]
    message.hint = message.hint or first_hint(captures)


def open_lines(spans: Sequence[Span]) -> list[str]:
    """Which spans are still open, where they were started and how long ago."""
    lines = []
    for span in list(spans)[:5]:
        age = Clock.time_ns() - span.start_ns
        thread = f", started in thread {span.data.thread!r}" if span.data.thread else ""
        ago = f" {duration(age)} ago" if thread and 0 <= age < _AN_HOUR else ""
        lines.append(f"  still open: {path_of(span)}{thread}{ago}")
    if len(spans) > 5:
        lines.append(f"  still open: {plural(len(spans) - 5, 'more span')}")
    return lines


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """What is wrong with the data itself."""
    lines = []
    for finding in findings[:3]:
        names = [quoted(span.name) for span in finding.spans]
        if finding.kind == "cycle":
            lines.append(f"  the parents of {listed(names)} form a cycle")
        elif finding.kind == "negative":
            lines.append(f"  {names[0]} ended before it started")
        else:
            lines.append(f"  {joined(names[:3])} share one span id, {finding.spans[0].span_id}")
    return lines


def _took_time(mismatch: Mismatch) -> bool:
    """Whether it is known how long the span took: one that ended before its start took no time."""
    return mismatch.span is not None and (mismatch.span.elapsed_ns or 0) >= 0


def clock_lines(spans: Sequence[Span]) -> list[str]:
    """By which clocks these spans were judged."""
    if not spans:
        return []
    lines = [f"  judged by: {joined(list(dict.fromkeys(clock_of(span) for span in spans)))}"]
    for span in spans[:3]:
        if span.clock_moved:
            recorded = duration(span.duration_ns or 0)
            lines.append(f"  {path_of(span)}: the clock moved, its recorded times say {recorded}")
    return lines


def paste_lines(forest: Forest) -> list[str]:
    """The recorded tree as an outline, ready to be pasted as the expectation."""
    if not forest.spans:
        return []
    lines = outline.render(forest).splitlines()
    if len(lines) > _OUTLINE_LINES:
        return [f"  the recorded tree has {plural(len(lines), 'line')}: print(traces.outline())"]
    return ["  the recorded tree, ready to be pasted:", "", *("    " + line for line in lines)]


def add_tellings(message: Message, forest: Forest) -> None:
    """Say that two sources describe the same in traces of their own, if nothing has said so."""
    tellings = tellings_of(forest) if message.is_about_spans else None
    if tellings is not None and message.cause != tellings.text:
        message.facts = message.facts + tellings.lines
        message.hint = message.hint or tellings.hint()


def add_cause(message: Message, cause: Cause) -> None:
    """Say why it came so, and what to do."""
    message.cause = cause.text
    message.hint = cause.hint or message.hint


def _labelled(label: str, text: str | None) -> list[str]:
    if not text:
        return []
    head = f"  {label + ':':<7}"
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head),
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
