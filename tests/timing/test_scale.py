"""Trees of 100,000 spans. An algorithm that explodes would never come to an end here."""

import random

import pytest

from pytest_traces.report.bars import bar_lines
from pytest_traces.report.overlap import picture
from pytest_traces.report.waited import CriticalPath
from pytest_traces.timing.concurrent import busiest, together
from pytest_traces.timing.critical_path import follow
from pytest_traces.timing.overlap import first_clash, outermost
from pytest_traces.timing.parallelism import parallelism
from pytest_traces.timing.self_time import self_time_ns
from pytest_traces.timing.skew import align
from pytest_traces.timing.standing import standing

SIZE = 100_000


def wide(dice):
    yield ("r", None, 0, 10 * SIZE)
    for place in range(1, SIZE):
        yield ("abcdefg"[place % 7], 0, place, place + dice.randint(1, 20))


def deep(dice):
    for place in range(SIZE):
        above = place - 1 if place else None
        yield ("abcdefg"[place % 7], above, place, 2 * SIZE - place + dice.randint(0, 3))


def rising(dice):
    """Each one outlives all that are above it."""
    for place in range(SIZE):
        yield ("abcdefg"[place % 7], place - 1 if place else None, place, SIZE + place)


def any_shape(dice):
    yield ("r", None, 0, 10 * SIZE)
    for place in range(1, SIZE):
        start = dice.randint(0, 9 * SIZE)
        yield (
            "abcdefg"[place % 7],
            dice.randint(max(0, place - 50), place - 1),
            start,
            start + dice.randint(0, SIZE),
        )


@pytest.mark.parametrize("shape", [wide, deep, rising, any_shape])
def test_100_000_spans(timed, tree, shape):
    """The path tiles the root; work is the sum of self times; messages stay short."""
    forest = timed(*shape(random.Random(4)))
    waits = tree(forest)
    root, timeline = waits.root, waits.timeline

    for until, end in (("root", waits.end[root]), ("last", max(waits.end.values()))):
        followed = follow(waits, until)
        path = followed.segments
        assert sum(one.end_ns - one.start_ns for one in path) == end - root.start_ns
    assert len(str(CriticalPath(path)).splitlines()) < 70
    assert standing(followed, [root]).holds
    own = sum(self_time_ns(span, timeline) for span in forest.spans)
    assert own == sum(span.self_time_ns for span in forest.spans)
    assert own >= parallelism(waits).work_ns > 0
    assert align(waits).interval(root) == timeline.interval(root)
    assert len(busiest(forest.spans, timeline).spans) > 1
    assert first_clash(forest.spans, timeline) is not None
    tops = outermost([span for span in forest.spans if span.name in "ab"])
    assert len(together([tops, [root]], timeline).spans) == 1
    assert len(bar_lines(root, timeline, path)) < 45
    assert len(picture(tops, timeline)) < 45
