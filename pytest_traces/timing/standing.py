"""Where some spans stand towards the critical path: on it, beside it, or too close to call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice
from typing import NamedTuple

from pytest_traces.forest import Span, walk_down
from pytest_traces.timing.critical_path import Descent, Followed, Segment, follow
from pytest_traces.timing.overlap import outermost
from pytest_traces.timing.waits import Waits

#: By how much one of two concurrent branches must be longer, as a fraction.
_CLEAR = (3, 2)
#: How many of the nearest rivals of one branch are looked at, and how many levels above it.
_MOST_RIVALS = 20
_LEVELS = 100


class Rival(NamedTuple):
    """Two branches that ran at once, of which the longer one is on the path.

    Attributes:
        branch: the one on the path.
        other: the one that could as well have been.
        branch_ns: how long the branch took.
        other_ns: how long after the start of the branch the other one ended.
    """

    branch: Span
    other: Span
    branch_ns: int
    other_ns: int


class Standing(NamedTuple):
    """Whether one of the spans, or one below them, is on the path; and what puts that in doubt.

    Attributes:
        holds: whether it is.
        owned: the segments that are theirs.
        rival: the two branches that are too close to each other to tell; None where it is clear.
    """

    holds: bool
    owned: tuple[Segment, ...]
    rival: Rival | None


def standing(followed: Followed, wanted: Sequence[Span]) -> Standing:
    """Where the wanted spans stand.

    A branch that ended before the one on the path is its rival if it could have been waited for
    instead: it ran at the same time, and ended, measured from the start of the branch, after
    more than two thirds of it. It puts the verdict in doubt if with it the verdict was another.
    What the branch is below is no rival: a call whose server ended a little later than its client
    was waited for all the same.
    """
    waits = followed.waits
    inside = {span for top in outermost(wanted) for span in walk_down([top])}
    owned = tuple(one for one in followed.segments if one.span in inside)
    doubts = []
    for descent in followed.descents:
        for other in _rivals(waits, descent):
            if _holds_instead(waits, descent, other, inside, owned) != bool(owned):
                start, ended = waits.begin[descent.branch], waits.end[other]
                doubts.append(Rival(descent.branch, other, descent.at_ns - start, ended - start))
    closest = min(doubts, key=lambda one: one.branch_ns / one.other_ns, default=None)
    return Standing(bool(owned), owned, closest)


def _rivals(waits: Waits, descent: Descent) -> list[Span]:
    """Those that could have been waited for instead, had they been a little longer."""
    waiter, branch, at_ns, place = descent
    others = waits.tops if waiter is None else waits.candidates[waiter]
    start, found = waits.begin[branch], []
    for other in others[place + 1 : place + 1 + _MOST_RIVALS]:  # the last to end first
        ended = min(waits.end[other], at_ns)
        if (ended - start) * _CLEAR[0] <= (at_ns - start) * _CLEAR[1]:
            break
        found.append(other)
    above = set(islice(branch.ancestors, _LEVELS)) if found else found
    return [other for other in found if other not in above]


def _holds_instead(
    waits: Waits, descent: Descent, other: Span, inside: Collection[Span], owned: Sequence[Segment]
) -> bool:
    """Whether one of the spans would be on the path if that led down to the other branch.

    What is outside the time of both branches stays as it is.
    """
    begin, end = waits.begin[other], descent.at_ns
    if other in inside or any(one.end_ns <= begin or one.start_ns >= end for one in owned):
        return True
    return any(one.span in inside for one in follow(waits, top=other).segments)
