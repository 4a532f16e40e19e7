"""What one run of a test measures: of each path of span names, how often, at once, how long."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass

from pytest_traces.forest import Forest, Span
from pytest_traces.recording import SpanKey
from pytest_traces.timing.baseline.critical import surely_critical
from pytest_traces.timing.baseline.paths import CALIBRATION, Path, paths_of
from pytest_traces.timing.calibration import calibrate
from pytest_traces.timing.overlap import peak
from pytest_traces.timing.self_time import self_time_ns
from pytest_traces.timing.timeline import Interval, Timeline

#: The least and the greatest number.
Range = tuple[int, int]
#: The interpreter's switch interval, 5 ms, half of it at each end.
_LUCK_NS = 2_500_000


@dataclass(frozen=True, slots=True)
class PathMeasure:
    """The ended spans of one path in one run of a test.

    Attributes:
        count: how many there are.
        peak: how many of them were open at once at most: surely, and by what was seen. At least
            1; half-open intervals. Sure is what is left when each span loses a quarter at both
            its ends, up to 2.5 ms: what barely overlaps may not do so in the next run.
        critical: whether one of them is on the critical path of its trace; None where that is
            too close to call.
        work: how many events of the interpreter they have seen together; None where those of
            one were not counted.
        self_ns: the self time of each in nanoseconds, in order of start.
    """

    count: int
    peak: Range
    critical: bool | None
    work: int | None
    self_ns: tuple[int, ...]

    @property
    def total_self_ns(self) -> int:
        """Their self times together: what a path took in one run."""
        return sum(self.self_ns)


#: What one run of a test measures; under :data:`CALIBRATION` how fast the machine was meanwhile.
Measured = Mapping[Path, PathMeasure]


def measure(forest: Forest, counted: Collection[SpanKey] | None = None) -> Measured:
    """Measure each path of the forest; open spans take no part. O(n log n), iterative.

    Args:
        forest: what was recorded.
        counted: the spans whose work somebody asserts on, by trace id and span id; that of
            others may vary: other tasks of an event loop may run meanwhile. None for all.

    Example:
        >>> measure(forest)[("POST /checkout", "SELECT orders")].count
        3
    """
    timeline = Timeline(forest.spans)
    paths = paths_of(forest)
    sure = surely_critical(forest, timeline)
    groups: dict[Path, list[Span]] = {}
    for span in forest.spans:
        if timeline.interval(span) is not None:
            groups.setdefault(paths[span], []).append(span)
    return {path: _measure(spans, timeline, sure, counted) for path, spans in groups.items()}


def calibrated(measured: Measured) -> Measured:
    """The same, with the calibration loop, which runs now: a few milliseconds.

    A machine changes its speed within seconds, so that it has to be asked beside each repeat. Where
    there are no spans, there is nothing to compare with it.
    """
    if not measured:
        return measured
    return {**measured, CALIBRATION: PathMeasure(1, (1, 1), None, None, (calibrate(),))}


def _measure(
    spans: list[Span],
    timeline: Timeline,
    sure: Mapping[Span, bool],
    counted: Collection[SpanKey] | None,
) -> PathMeasure:
    found: list[Interval] = [timeline.interval(span) or (0, 0) for span in spans]
    return PathMeasure(
        count=len(spans),
        peak=(max(1, peak(map(_core, found))), max(1, peak(found))),
        critical=_any_of(sure.get(span) for span in spans),
        work=_together(_work(span, counted) for span in spans),
        self_ns=tuple(self_time_ns(span, timeline) or 0 for span in spans),
    )


def _work(span: Span, counted: Collection[SpanKey] | None) -> int | None:
    stamps = span.data.stamps
    if stamps is None or (counted is not None and (span.trace_id, span.span_id) not in counted):
        return None
    return stamps.work


def _core(interval: Interval) -> Interval:
    """The part of an interval that luck does not move."""
    start, end = interval
    cut = min((end - start) // 4, _LUCK_NS)
    return start + cut, end - cut


def _any_of(answers: Iterable[bool | None]) -> bool | None:
    """One Yes is enough; No takes all."""
    known = set(answers)
    if True in known:
        return True
    return None if None in known else False


def _together(counts: Iterable[int | None]) -> int | None:
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def packed(measured: Measured) -> str:
    """As text, to send to another process."""
    return json.dumps([(path, astuple(one)) for path, one in measured.items()])


def unpacked(text: str) -> Measured:
    """What was packed."""
    return {
        tuple(path): PathMeasure(count, tuple(peak), critical, work, tuple(self_ns))
        for path, (count, peak, critical, work, self_ns) in json.loads(text)
    }
