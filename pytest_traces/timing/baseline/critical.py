"""Which spans are on the critical path beyond doubt, and which are not.

A baseline must not depend on the luck of one run. Two spans that run at once are told apart only
if the one that ends first could take twice as long, and at least 5 ms longer (the interpreter's
switch interval), and would still end first. Where spans outlive their parents, where a trace has
several roots, and at ties, nothing is said.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate

from pytest_traces.forest import Forest, Span
from pytest_traces.timing.timeline import Interval, Timeline
from pytest_traces.timing.waits import roots_of

_FLOOR_NS = 5_000_000


def surely_critical(forest: Forest, timeline: Timeline) -> dict[Span, bool]:
    """True or False for each span that is surely on the critical path of its trace, or not.

    What is too close to call is not in it. Iterative, O(n log n).
    """
    sure: dict[Span, bool] = {}
    for trace in forest.traces:
        roots = roots_of(trace.spans, timeline)
        if len(roots) == 1 and not _is_outlived(roots[0], timeline):
            sure[roots[0]] = True
            _descend(roots[0], timeline, sure)
    return sure


def _descend(root: Span, timeline: Timeline, sure: dict[Span, bool]) -> None:
    stack = [root]
    while stack:
        span = stack.pop()
        if sure.get(span):
            sure.update(_among_children(span, timeline))
        elif span in sure:  # nobody waits for what is below it, either
            sure.update((child, False) for child in span.children)
        stack += span.children


def _is_outlived(root: Span, timeline: Timeline) -> bool:
    """Whether a span of the tree is not within its parent, though somebody may wait for it."""
    stack = [root]
    while stack:
        span = stack.pop()
        start, end = timeline.interval(span) or (0, 0)
        for child in span.children:
            if _is_apart(child):
                continue
            found = timeline.interval(child)
            if found is None or found[0] < start or found[1] > end:
                return True
            stack.append(child)
    return False


def _is_apart(span: Span) -> bool:
    """A consumer below its producer: nobody waits for it."""
    above = span.parent
    return above is not None and span.kind == "consumer" and above.kind == "producer"


def _among_children(span: Span, timeline: Timeline) -> dict[Span, bool]:
    """What is sure of the children of a span that is on the path, all of them within it."""
    sure = {child: False for child in span.children if _is_apart(child)}
    ran = [
        (child, found)
        for child in span.children
        if child not in sure and (found := timeline.interval(child)) is not None
    ]
    chain, others = _last_enders(ran, (timeline.interval(span) or (0, 0))[1])
    starts = [start for _, (start, _) in chain]
    ends = [end for _, (_, end) in chain]
    doubt = [0] * (len(chain) + 1)
    deadline = [0] * len(chain)
    for other, (start, end) in others:
        first, last = bisect_right(ends, start), bisect_left(starts, end) - 1
        if last < first:  # at an instant of its own, or a tie
            continue
        doubt[first] += 1
        doubt[last] -= 1  # the last one may be sure by its time alone
        needs = end + max(_FLOOR_NS, end - start)
        deadline[last] = max(deadline[last], needs)
        within = end - max(start, starts[last])
        if ends[last] >= needs and 2 * within >= end - start:
            sure[other] = False
    for place, doubted in enumerate(accumulate(doubt[:-1])):
        if not doubted and ends[place] >= deadline[place]:
            sure[chain[place][0]] = True
    return sure


_Ran = tuple[Span, Interval]


def _last_enders(ran: list[_Ran], until: int) -> tuple[list[_Ran], list[_Ran]]:
    """Those that ended last before the next one began, in order of time; and the others."""
    chain: list[_Ran] = []
    others: list[_Ran] = []
    for one in sorted(ran, key=lambda one: (-one[1][1], one[1][0])):
        start, end = one[1]
        if end <= until and start < until:
            chain.append(one)
            until = start
        else:
            others.append(one)
    chain.reverse()
    return chain, others
