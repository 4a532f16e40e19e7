"""What one run of a test measures."""

import pytest

from pytest_traces.timing.baseline.measure import (
    PathMeasure,
    calibrated,
    measure,
    packed,
    unpacked,
)
from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.baseline.structure import structure_of

MS = 1_000_000


def test_paths_are_measured(grow):
    """How often, how many at once, on the critical path, and the self time of each."""
    forest = grow(
        ("GET /cart/7", 0, 100),
        ("GET /cart/7 > SELECT 1", 10, 30),
        ("GET /cart/7 > SELECT 2", 40, 50),
    )

    assert measure(forest) == {
        ("GET /cart/#",): PathMeasure(1, (1, 1), True, None, (70 * MS,)),
        ("GET /cart/#", "SELECT #"): PathMeasure(2, (1, 1), True, None, (20 * MS, 10 * MS)),
    }
    assert measure(forest)["GET /cart/#", "SELECT #"].total_self_ns == 30 * MS


def test_open_spans_take_no_part(grow):
    """Their children are measured at the same path as ever."""
    forest = grow(("r", 0, 100), ("r > open", 1, None), ("r > open > done", 2, 3))

    assert sorted(measure(forest)) == [("r",), ("r", "open", "done")]


def test_of_nothing_there_is_nothing(grow):
    """No path, and no error."""
    assert measure(grow()) == {}


@pytest.mark.parametrize(
    ("lines", "peak"),
    [
        ([("a", 0, 100), ("a", 0, 100)], (2, 2)),
        ([("a", 0, 100), ("a", 100, 200)], (1, 1)),
        # together for long enough, though not for long
        ([("a", 0, 100), ("a", 90, 200)], (2, 2)),
        # together for less than the interpreter takes to switch
        ([("a", 0, 100), ("a", 96, 200)], (1, 2)),
        ([("a", 0, 4), ("a", 3, 8)], (1, 2)),
        ([("a", 5, 5), ("a", 5, 5)], (1, 1)),
    ],
)
def test_how_many_were_open_at_once(grow, lines, peak):
    """Half-open; what barely overlaps may be luck."""
    assert (
        measure(grow(("r", 0, 900), *((f"r > {n}", s, e) for n, s, e in lines)))["r", "a"].peak
        == peak
    )


def test_one_span_on_the_critical_path_is_enough(grow):
    """And off it are all of them, or it is not known."""
    lines = [("r", 0, 100), ("r > a", 0, 20), ("r > b", 0, 60), ("r > a", 70, 90)]
    assert measure(grow(*lines))["r", "a"].critical is True
    assert measure(grow(*lines[:3]))["r", "a"].critical is False
    assert measure(grow(*lines[:2], ("r > b", 0, 30)))["r", "a"].critical is None


def test_work_is_that_of_all_spans(grow):
    """Where one was not counted, it is not known."""
    assert measure(grow(("r", 0, 9), ("r", 10, 12), work=40))[("r",)].work == 80
    assert measure(grow(("r", 0, 9)))[("r",)].work is None


def test_only_work_that_somebody_asserts_on(grow):
    """That of other spans may vary."""
    forest = grow(("r", 0, 9), ("s", 10, 12), work=40)
    asserted = [(span.trace_id, span.span_id) for span in forest.spans if span.name == "s"]
    assert measure(forest, asserted)[("r",)].work is None
    assert measure(forest, asserted)[("s",)].work == 40


def test_self_time_is_read_from_the_own_clock_where_the_other_was_moved(grow):
    """A span under freezegun took as long as it took."""
    forest = grow(("r", 0, 9), work=1)
    frozen = forest.roots[0].data._replace(end_ns=forest.roots[0].start_ns)

    from pytest_traces.assembly import assemble  # the forest with that span alone

    assert measure(assemble([frozen]))[("r",)].self_ns == (9 * MS,)


def test_the_calibration_loop_is_measured_beside_spans(grow):
    """It is no span: of a test without any there is nothing to be compared, and no structure."""
    measured = calibrated(measure(grow(("r", 0, 50))))

    assert set(measured) == {("r",), CALIBRATION}
    assert measured[CALIBRATION].total_self_ns > 0
    assert set(structure_of([measured], "x")) == {("r",)}
    assert unpacked(packed(measured)) == measured
    assert calibrated({}) == {}


def test_what_is_packed_is_unpacked_again(grow):
    """Another process gets the same."""
    measured = measure(grow(("r \ud800", 0, 50), ("r \ud800 > a", 0, 9), work=3))

    assert unpacked(packed(measured)) == measured
    assert packed(measured).isascii()
