"""The critical path as a table."""

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.report.waited import CriticalPath
from pytest_traces.timing.critical_path import Segment

MS = 1_000_000


def spans(number):
    return assemble(SpanData(f"s{i}", "1", str(i), None, i, i + 1) for i in range(number)).spans


def test_a_queue_is_nobodys():
    """It says so."""
    r, s = spans(2)
    path = CriticalPath([Segment(0, MS, r), Segment(MS, 3 * MS, None), Segment(3 * MS, 4 * MS, s)])

    assert str(path).splitlines() == [
        "critical path: 4.00 ms in 3 segments",
        "",
        "        at        took   share",
        "      0 ns     1.00 ms    25 %   's0'",
        "   1.00 ms     2.00 ms    50 %   (nobody: something lay in a queue)",
        "   3.00 ms     1.00 ms    25 %   's1'",
    ]
    assert path == (*path,)


def test_nothing_took_any_time():
    """There is no segment then."""
    assert str(CriticalPath()) == "critical path: nothing took any time"


def test_the_longest_of_very_many():
    """The others are counted, neighbours together."""
    now, segments = 0, []
    for place, span in enumerate(spans(100)):
        took = 3 if place in {10, 50} else 2 if place in range(70, 98) else 1
        segments.append(Segment(now, now + took, span))
        now += took
    lines = str(CriticalPath(segments)).splitlines()

    assert lines[0] == "critical path: 132 ns in 100 segments"
    assert lines[3:8] == [
        "      0 ns       10 ns     8 %   … 10 shorter segments",
        "     10 ns        3 ns     2 %   's10'",
        "     13 ns       39 ns    30 %   … 39 shorter segments",
        "     52 ns        3 ns     2 %   's50'",
        "     55 ns       19 ns    14 %   … 19 shorter segments",
    ]
    assert lines[-1] == "    130 ns        2 ns     2 %   … 2 shorter segments"
    assert len(lines) == 3 + 30 + 4


def test_of_equal_ones_the_first_are_shown():
    """No more than there is room for."""
    segments = [Segment(place, place + 1, span) for place, span in enumerate(spans(40))]
    lines = str(CriticalPath(segments)).splitlines()

    assert len(lines) == 3 + 30 + 1
    assert lines[-1].endswith("… 10 shorter segments")
