"""Words for durations over their limits, and for limits that are too close."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.report.bars import bar_lines
from pytest_traces.report.explain import Message, open_lines
from pytest_traces.report.rows import tree_lines
from pytest_traces.report.words import duration, joined, listed, path_of, plural, quoted
from pytest_traces.timing.critical_path import Segment, follow, shares
from pytest_traces.timing.limits import HEADROOM, Limit, Reading, Unreadable
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits

_SHOWN_ATTEMPTS = 10
_SHOWN_PLACES = 8
_ADVISED_ATTEMPTS = 5
_TOOK = {
    "total": "took {}",
    "self": "took {} by itself",
    "sum": "took {} together",
    "cpu": "used the processor for {}",
}
_WHY_UNKNOWN = {
    "no clock": "only spans of the OpenTelemetry SDK have one, with times that it takes itself",
    "threads": "it started in one thread and ended in another",
}
_MOVED = "  the clock moved during this span: its recorded times say {}"
_ONE_RUN = (
    "a single reading may be slow by chance. If this test can be run again, "
    "@pytest.mark.traces(attempts=5) fails only where each of 5 runs is over the limit"
)


class Shown(NamedTuple):
    """What of one run is shown: its worst reading, and the lines that explain it."""

    worst_ns: int
    verdict: str
    tree: list[str]
    facts: list[str]


def shown_of(limit: Limit, over: Sequence[Reading], forest: Forest) -> Shown:
    """The words for the readings over the limit, the worst of which comes first."""
    worst = over[0]
    return Shown(worst.took_ns, _verdict(limit, worst), *_picture(limit, over, forest))


def too_slow(limit: Limit, runs: Sequence[Shown], clocks: Sequence[str]) -> Message:
    """The failure; of several runs the best one is shown."""
    best = min(range(len(runs)), key=lambda place: (runs[place].worst_ns, -place))
    shown = runs[best]
    how = joined(list(clocks))
    if len(runs) > 1:
        how += f", best of {_attempts([one.worst_ns for one in runs])}"
    if limit.calls == "first":
        how += ", cold call"
    message = Message(f"{shown.verdict}, limit {duration(limit.under_ns)} ({how})")
    message.tree, message.facts = shown.tree, list(shown.facts)
    if best + 1 < len(runs):
        message.facts.insert(0, f"  shown: attempt {best + 1}")
    message.only_late = True
    return message


def advice(limit: Limit, allowed: int) -> str | None:
    """What to do about a single reading."""
    if limit.calls == "first":
        return "a cold call is measured once, so its limit needs room: 7.5 times the best is usual"
    return _ONE_RUN if allowed == 1 else None


def _verdict(limit: Limit, reading: Reading) -> str:
    took = _TOOK[limit.of].format(duration(reading.took_ns))
    if limit.of == "sum":
        names = listed(dict.fromkeys(quoted(span.name) for span in reading.spans))
        number = f"{len(reading.spans)} × " if len(reading.spans) > 1 else ""
        return f"{number}{names} {took}"
    which = "the first " if limit.calls == "first" else ""
    return f"{which}{path_of(reading.spans[0])} {took}"


def _attempts(times: Sequence[int]) -> str:
    """``5 attempts: 231, 240, 233, 262, 238 ms``."""
    words = [duration(one).split(" ") for one in times[:_SHOWN_ATTEMPTS]]
    if len({unit for _, unit in words}) == 1:
        text = ", ".join(number for number, _ in words) + f" {words[0][1]}"
    else:
        text = ", ".join(" ".join(word) for word in words)
    return f"{len(times)} attempts: {text}" + (", …" if len(times) > _SHOWN_ATTEMPTS else "")


def _picture(limit: Limit, over: Sequence[Reading], forest: Forest) -> tuple[list[str], list[str]]:
    worst, timeline = over[0], Timeline(forest.spans)
    facts = [_MOVED.format(_recorded(worst))] if worst.moved else []
    if limit.of == "sum":
        return bar_lines(worst.spans, timeline), facts
    span = worst.spans[0]
    facts += _also(over[1:], forest)
    if limit.of != "total":
        return bar_lines(span, timeline), facts
    path = follow(Waits(span, timeline)).segments
    return bar_lines(span, timeline, path), facts + _culprit(worst, path, timeline)


def _recorded(reading: Reading) -> str:
    return duration(sum(span.duration_ns or 0 for span in reading.spans))


def _also(others: Sequence[Reading], forest: Forest) -> list[str]:
    """The other spans that are too slow, by their places."""
    if not others:
        return []
    places = _places(forest)
    found: dict[int, list[Reading]] = {}
    for one in others:
        found.setdefault(places[one.spans[0]], []).append(one)
    lines = []
    for same in list(found.values())[:_SHOWN_PLACES]:
        times = [one.took_ns for one in same]
        number = f"{len(times)} × " if len(times) > 1 else ""
        least = f" to {duration(min(times))}" if len(times) > 1 else ""
        place = path_of(same[0].spans[0])
        lines.append(f"  too slow as well: {number}{place}, {duration(max(times))}{least}")
    if len(found) > _SHOWN_PLACES:
        more = plural(len(found) - _SHOWN_PLACES, "more place")
        lines.append(f"  too slow as well: spans at {more}")
    return lines


def _places(forest: Forest) -> dict[Span, int]:
    """Numbers, the same for spans with the same names from the root down; linear."""
    known: dict[tuple[int, str], int] = {}
    places: dict[Span, int] = {}
    for span in walk_down(forest.roots):  # parents first
        above = -1 if span.parent is None else places[span.parent]
        places[span] = known.setdefault((above, span.name), len(known))
    return places


def _culprit(reading: Reading, path: Sequence[Segment], timeline: Timeline) -> list[str]:
    """Which of the spans below it ate the time, and what would be left without."""
    span, took = reading.spans[0], reading.took_ns
    parts: dict[str, int] = {}
    numbers: dict[str, int] = {}
    own = 0
    for owner, share in shares(path).items():
        if owner is span:
            own = share
        else:
            parts[owner.name] = parts.get(owner.name, 0) + share
            numbers[owner.name] = numbers.get(owner.name, 0) + 1
    if not span.children:
        return ["  no span was recorded below it"]
    if not parts or own >= max(parts.values()):
        why = "no span below it was open"
        if _is_any_open_below(span, path, timeline):
            why = "it need not have waited for spans below it"
        return [f"  {duration(own)} of that is its own time: {why}"]
    name = max(parts, key=lambda one: parts[one])
    who = quoted(name) if numbers[name] == 1 else f"{numbers[name]} × {quoted(name)}"
    verb = "alone takes" if numbers[name] == 1 else "together take"
    rest = duration(max(0, took - parts[name]))
    without = "it" if numbers[name] == 1 else "them"
    left = f"{quoted(span.name)} would take about {rest}"
    return [f"  {who} {verb} {duration(parts[name])}; without {without} {left}"]


def _is_any_open_below(span: Span, path: Sequence[Segment], timeline: Timeline) -> bool:
    """Whether one was open in the span's own part of the path: not all that is open is waited for.

    It may outlive the span, or end while another one runs. What never ended counts as open.
    """
    own = [segment for segment in path if segment.span is span]  # in order of time
    ends = [segment.end_ns for segment in own]
    for one in walk_down(span.children):
        found = timeline.interval(one)
        if found is None:
            return True
        start, end = found
        place = bisect_right(ends, start)
        if place < len(own) and max(start, own[place].start_ns) < end:
            return True
    return False


def unreadable_message(found: Sequence[Unreadable], forest: Forest) -> Message:
    """Nobody knows how long it took, so no limit is met."""
    first = found[0]
    message = Message(_unreadable(first))
    message.tree = tree_lines(forest, limit=30)
    unfinished = [one.span for one in found if one.obstacle == "unfinished"]
    if unfinished:
        message.facts = open_lines(unfinished)
    elif len(found) > 1:
        paths = [path_of(one.span) for one in found[1:4]]  # one takes time where it is deep
        more = f" and {len(found) - 4:,} more" if len(found) > 4 else ""
        message.facts = [f"  nor that of {', '.join(paths)}{more}"]
    if first.obstacle in ("no clock", "threads", "shared"):
        message.cause = _why_unknown(first)
        message.hint = 'of="self" needs no such clock: it is the time without the children'
    return message


def _unreadable(one: Unreadable) -> str:
    place = path_of(one.span)
    if one.obstacle == "unfinished":
        return f"{place} never ended, so no limit on its duration is met"
    if one.obstacle == "negative":
        by = duration(-(one.span.duration_ns or 0))
        return f"{place} ended {by} before it started, so its duration is unknown"
    return f"the CPU time of {place} is not known"


def _why_unknown(one: Unreadable) -> str:
    if one.other is not None:
        return f"{path_of(one.other)} was open in the same thread meanwhile"
    return _WHY_UNKNOWN[one.obstacle]


def headroom_note(what: str, best_ns: int, limit: Limit, allowed: int) -> str | None:
    """What to expect of a limit that is near to the best that was seen; None if it is far."""
    if best_ns <= 0 or limit.under_ns >= HEADROOM * best_ns or limit.calls == "first":
        return None
    times = limit.under_ns / best_ns
    return (
        f"{what}: the limit of {duration(limit.under_ns)} is {times:.1f} times the best that was "
        f"seen, {duration(best_ns)}; expect {_rate(times, allowed)} of an unchanged program to "
        f"fail. Advised: {HEADROOM} times, and attempts={_ADVISED_ATTEMPTS}"
    )


def _rate(times: float, allowed: int) -> str:
    """How many runs fail; measured, see the documentation of durations."""
    if allowed == 1:
        # Of single readings, half are over 1.55 times the best, 1 in 100 over 7.5 times.
        return "half of the runs or more" if times < 1.55 else "more than 1 in 100 runs"
    if allowed >= _ADVISED_ATTEMPTS and times >= 2:
        return "about 2 in 1,000 runs"
    return "more than 2 in 1,000 runs"
