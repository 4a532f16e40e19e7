"""The critical path in words and as a picture, and what was wrongly thought to be on it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_traces.forest import Span
from pytest_traces.report.bars import bar_lines
from pytest_traces.report.explain import Message
from pytest_traces.report.overlap import picture
from pytest_traces.report.words import duration, path_of, plural, quoted
from pytest_traces.timing.critical_path import Followed, Segment, shares
from pytest_traces.timing.standing import Rival
from pytest_traces.timing.waits import Waits

_LINES = 30
_QUEUE = "(nobody: something lay in a queue)"


class CriticalPath(tuple[Segment, ...]):
    """The critical path of a trace: a tuple of :class:`Segment`, in order of time.

    Each segment starts where the one before ends. ``str()`` of it is for people.

    Example:
        >>> print(traces.critical_path())
        critical path: 231 ms in 3 segments

              at        took   share
            0 ns     12.0 ms     5 %   'POST /checkout'
         12.0 ms      198 ms    86 %   'POST /checkout > POST'
          210 ms     21.0 ms     9 %   'POST /checkout'
    """

    __slots__ = ()

    def __str__(self) -> str:
        if not self:
            return "critical path: nothing took any time"
        first, whole = self[0].start_ns, self[-1].end_ns - self[0].start_ns
        lines = [f"critical path: {duration(whole)} in {plural(len(self), 'segment')}", ""]
        lines.append(f"  {'at':>8}  {'took':>10}  {'share':>6}")
        for start, end, who in _parts(self):
            at, took = duration(start - first), duration(end - start)
            share = f"{round(100 * (end - start) / whole)} %"
            lines.append(f"  {at:>8}  {took:>10}  {share:>6}   {who}")
        return "\n".join(lines)


def _parts(segments: Sequence[Segment]) -> list[tuple[int, int, str]]:
    """Start and end of each part and whose it is; of very many the longest, the others together."""
    lengths = sorted((one.end_ns - one.start_ns for one in segments), reverse=True)
    least = lengths[min(_LINES, len(lengths)) - 1]
    room = _LINES - sum(length > least for length in lengths)  # for those of just that length
    parts: list[tuple[int, int, str]] = []
    shorter = 0
    for start, end, span in segments:
        is_shown = end - start > least
        if end - start == least and room:
            room, is_shown = room - 1, True
        if is_shown:
            parts.append((start, end, _QUEUE if span is None else path_of(span)))
            shorter = 0
        else:
            shorter += 1
            begin = parts.pop()[0] if shorter > 1 else start
            parts.append((begin, end, f"… {plural(shorter, 'shorter segment')}"))
    return parts


def off_path_message(label: str, spans: Sequence[Span], followed: Followed) -> Message:
    """None of the spans is on the critical path: where it is, and how far they are from it."""
    waits, path = followed.waits, followed.segments
    here = [span for span in spans if span in waits.begin]
    message = Message(f"{label} is not on the critical path of {path_of(waits.root)}")
    if not here:
        message.tree = picture(spans, waits.timeline, [waits.root, *spans])
        other = [spans[0], *spans[0].ancestors][-1]
        name = quoted(spans[0].name)
        message.facts = [f"  the path is that of the first root to start; {name} is not below it"]
        message.hint = (
            f"for the other tree: traces.only({other.name!r}).assert_on_critical_path(...)"
        )
        return message
    message.tree = bar_lines(waits.root, waits.timeline, path, marked=here)
    nearest = max(here, key=lambda span: waits.end[span] - waits.begin[span])
    message.facts = [f"  {_whereabouts(nearest, waits, path)}"]
    message.facts += _most_of(path)
    return message


def _whereabouts(span: Span, waits: Waits, path: Sequence[Segment]) -> str:
    """Why nobody may have waited for the span."""
    name = quoted(span.name)
    if _is_apart(span, waits):
        return f"{name} is consumed from a queue: its producer does not wait for it"
    ended = waits.end[span]
    if path and ended > path[-1].end_ns:
        late = duration(ended - path[-1].end_ns)
        return f'{name} ended {late} after the path; until="last" follows it from there'
    at_end = next((one for one in path if one.start_ns <= ended < one.end_ns), None)
    if at_end is None or at_end.span is None:
        return f"{name} ended when nobody may have waited for it"
    ahead = duration(at_end.end_ns - ended)
    return f"when {name} ended, the path was in {quoted(at_end.span.name)}, for {ahead} more"


def _is_apart(span: Span, waits: Waits) -> bool:
    one: Span | None = span
    while one is not None:
        above = waits.parent(one)
        if above is not None and one.kind == "consumer" and above.kind == "producer":
            return True
        one = above
    return False


def _most_of(path: Sequence[Segment]) -> list[str]:
    """Who has the most of the path."""
    owners = shares(path)
    if not owners:
        return []
    span = max(owners, key=lambda one: owners[one])
    whole = path[-1].end_ns - path[0].start_ns
    return [f"  {round(100 * owners[span] / whole)} % of the path is {quoted(span.name)}"]


def too_close_message(
    label: str, spans: Sequence[Span], rival: Rival, followed: Followed
) -> Message:
    """Two branches took about as long, and which of them was waited for decides."""
    waits = followed.waits
    took, other = duration(rival.branch_ns), duration(rival.other_ns)
    message = Message(f"too close to call whether {label} is on the critical path")
    marked = [rival.branch, rival.other, *(span for span in spans if span in waits.begin)]
    message.tree = bar_lines(waits.root, waits.timeline, followed.segments, marked=marked)
    names = quoted(rival.branch.name), quoted(rival.other.name)
    message.facts = [
        f"  {names[0]} took {took}; {names[1]}, at the same time, ended after {other} of it",
        "  which of them was waited for is only told where the longer took 1.5 times as long",
    ]
    return message
