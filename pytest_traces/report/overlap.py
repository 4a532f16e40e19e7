"""What ran at the same time and should not have, and the reverse, in words and as a picture."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from pytest_traces.forest import Span
from pytest_traces.report.bars import bar_lines
from pytest_traces.report.explain import Message
from pytest_traces.report.words import duration, joined, path_of, quoted
from pytest_traces.timing.concurrent import Busiest
from pytest_traces.timing.overlap import Clash
from pytest_traces.timing.timeline import Timeline

#: Said of threads that hardly run; the interpreter switches between them every 5 ms.
LUCK = (
    "these spans ran in several threads for less than 20 ms each: "
    "whether threads that short overlap is a matter of luck"
)


class Wanted(NamedTuple):
    """What was to be open at the same time.

    Attributes:
        labels: the selections, in words.
        at_least: how many spans of the only selection; None where there are several.
        spans: the spans that can stand for each selection.
    """

    labels: Sequence[str]
    at_least: int | None
    spans: Sequence[Sequence[Span]]

    def __str__(self) -> str:
        if self.at_least is None:
            return joined(self.labels)
        return f"{self.at_least} × {self.labels[0]}"


def picture(spans: Collection[Span], timeline: Timeline, among: Collection[Span] = ()) -> list[str]:
    """When the spans ran, in their trees."""
    return bar_lines(_tops(among or spans), timeline, marked=spans)


def sequential_message(
    label: str, spans: Sequence[Span], most: Busiest, clash: Clash, timeline: Timeline
) -> Message:
    """Spans ran at once that were wanted one after another."""
    at_once = max(2, len(most.spans))
    number = str(at_once) if at_once == len(spans) else f"{at_once} of {len(spans)}"
    message = Message(f"expected {label} one after another, but {number} ran at the same time")
    message.tree = picture(most.spans if len(most.spans) > 1 else clash[:2], timeline, spans)
    message.facts = [f"  {_both(clash)}"]
    message.hint = f"if that is meant: assert_concurrent with at_least={at_once}"
    return message


def _both(clash: Clash) -> str:
    earlier, later = path_of(clash.earlier), path_of(clash.later)
    who = f"two of {earlier}" if earlier == later else f"{earlier} and {later}"
    if not clash.overlap_ns:
        return f"{who}: one took no time and lies within the other"
    return f"the first to overlap are {who}, for {duration(clash.overlap_ns)}"


def concurrent_message(wanted: Wanted, most: Busiest, timeline: Timeline, *, luck: bool) -> Message:
    """Spans that were wanted at the same time did not overlap."""
    every = list(dict.fromkeys(span for spans in wanted.spans for span in spans))
    if wanted.at_least is None:
        got = "they never overlap" if len(wanted.labels) == 2 else "no two of them overlap"
        if len(most.spans) > 1:
            names = joined([quoted(span.name) for span in most.spans])
            got = f"at most {len(most.spans)} of them were: {names}"
    elif len(every) < wanted.at_least:
        got = f"there are only {len(every)}" if len(every) > 1 else "there is only one"
    elif len(most.spans) < 2:
        got = f"all {len(every)} ran one after another"
    else:
        got = f"at most {len(most.spans)} of {len(every)} were"
    message = Message(f"expected {wanted} at the same time, but {got}")
    message.tree = picture(every, timeline)
    pair = _nearest(every, _selections(wanted), timeline)
    if pair is not None:
        message.facts = [f"  {_apart(*pair, timeline)}"]
    if luck:
        message.facts.append(f"  {LUCK}")
    is_enough = wanted.at_least is None or len(every) >= wanted.at_least
    if is_enough and (pair is None or pair[0] not in pair[1].ancestors):
        message.hint = "start them together: asyncio.gather, a task group or a pool of threads"
    return message


def _selections(wanted: Wanted) -> dict[Span, set[int]]:
    found: dict[Span, set[int]] = {}
    for place, spans in enumerate(wanted.spans):
        for span in spans:
            found.setdefault(span, set()).add(place)
    return found


def _nearest(
    spans: Sequence[Span], selections: Mapping[Span, set[int]], timeline: Timeline
) -> tuple[Span, Span] | None:
    """The two that came nearest to an overlap, of two that were wanted at the same time."""
    ordered = sorted((timeline.interval(span) or (0, 0), span.order, span) for span in spans)
    is_single = len(set().union(*selections.values())) == 1
    pairs = [
        (after[0] - before[1], one.order, one, other)
        for (before, _, one), (after, _, other) in pairwise(ordered)
        if is_single or selections[one] != selections[other]
    ]
    return min(pairs, key=lambda pair: pair[:2])[2:] if pairs else None


def _apart(one: Span, other: Span, timeline: Timeline) -> str:
    """Why two spans, the earlier one first, did not run at the same time."""
    names = "the next one", "the one before"
    if path_of(one) != path_of(other):
        names = path_of(other), path_of(one)
    if one in other.ancestors:
        return f"{names[0]} ran inside {names[1]}, not beside it"
    gap = (timeline.interval(other) or (0, 0))[0] - (timeline.interval(one) or (0, 0))[1]
    if gap > 0:
        return f"{names[0]} began {duration(gap)} after {names[1]} had ended"
    if gap == 0:
        return f"{names[0]} began at the instant at which {names[1]} ended"
    return f"{names[0]} and {names[1]} overlap, but not with enough others"


def _tops(spans: Collection[Span]) -> list[Span]:
    """The roots above the spans, each once."""
    seen: set[Span] = set()
    tops = []
    for span in spans:
        one: Span | None = span
        while one is not None and one not in seen:
            seen.add(one)
            if one.parent is None:
                tops.append(one)
            one = one.parent
    return tops
