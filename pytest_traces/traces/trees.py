"""Which tree of a view is meant where one critical path is asked for, and how it is followed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_traces.forest import Forest, Span, Trace
from pytest_traces.recording import Capture
from pytest_traces.report.explain import Message, nothing_message, plain_message
from pytest_traces.report.words import listed, plural, quoted
from pytest_traces.settings import BadValue, parse_duration
from pytest_traces.timing.critical_path import Followed, Until, follow
from pytest_traces.timing.skew import align
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits, roots_of


class Way(NamedTuple):
    """How the critical path is to be followed."""

    until: Until = "root"
    eps_ns: int = 0
    align: bool = False


def read_way(until: object, eps: object = "0ns", align: object = False) -> Way:
    """What the user gave, checked.

    Raises:
        BadValue: another end than the two, a duration that is none, or no bool.
    """
    if until not in ("root", "last"):
        raise BadValue("until", until, "the path is followed from the end of the 'root' or 'last'")
    if not isinstance(align, bool):
        raise BadValue("align", align, "it is True or False")
    return Way("root" if until == "root" else "last", parse_duration(eps, "eps"), align)


def read_trace(trace: object) -> Trace | None:
    """The trace, if it is one.

    Raises:
        TypeError: it is none.
    """
    if trace is not None and not isinstance(trace, Trace):
        raise TypeError(f"trace={trace!r} is no trace; give one like traces.get('book').trace")
    return trace


def followed(waits: Waits, way: Way) -> Followed:
    """The critical path of a tree."""
    if way.align:
        waits = Waits(waits.root, align(waits))
    return follow(waits, way.until, way.eps_ns)


def only_tree(forest: Forest, trace: Trace | None, captures: Sequence[Capture]) -> Waits | Message:
    """The tree that is meant: below the main root of the trace, or of the only one that has roots.

    The failure, if nothing has ended, or if several traces have roots.
    """
    if trace is None and not forest.spans:
        return nothing_message(captures)
    spans = forest.spans if trace is None else trace.spans
    timeline = Timeline(spans)
    roots = roots_of(spans, timeline)
    if not roots:
        return plain_message(
            f"no span has ended, of {plural(len(spans), 'span')}", forest, captures
        )
    of_traces = {root.trace_id: root for root in reversed(roots)}
    if len(of_traces) > 1:
        return _ambiguous(roots, forest, len(of_traces))
    return Waits(roots[0], timeline)


def main_tree(forest: Forest) -> Waits:
    """The tree below the main root of all; some span must have ended."""
    timeline = Timeline(forest.spans)
    return Waits(roots_of(forest.spans, timeline)[0], timeline)


def _ambiguous(roots: Sequence[Span], forest: Forest, number: int) -> Message:
    message = plain_message(f"{number} traces have roots, so say which one is meant", forest, ())
    message.captured = []
    first: dict[str, Span] = {}
    for root in roots:
        first.setdefault(root.trace_id, root)
    names = listed(quoted(root.name) for root in first.values())
    message.facts = [f"  their roots: {names}"]
    message.hint = f"give one: trace=traces.get({roots[0].name!r}).trace"
    return message
