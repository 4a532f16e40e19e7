"""What a session is compared with, and what it has measured so far."""

from pathlib import Path

import pytest

from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.measure import Measured, PathMeasure, calibrated
from pytest_traces.timing.baseline.structure import PathStructure
from pytest_traces.timing.baseline.structure_file import StructureFile, save_structure
from pytest_traces.timing.baseline.timings import PathTiming, Run
from pytest_traces.timing.baseline.timings_file import add_run
from pytest_traces.timing.history import History

MS = 1_000_000
TESTS = [f"tests/test_x.py::test_{i}" for i in range(8)]


def one(ns: int, **fields: object) -> Measured:
    values = {"count": 1, "peak": (1, 1), "critical": True, "work": None, "self_ns": (ns,)}
    return {("work",): PathMeasure(**{**values, **fields})}  # type: ignore[arg-type]


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Three runs of eight tests, each of one span of 2 ms, on machines that differ."""
    for number, speed in enumerate((1.0, 2.0, 1.5)):
        timing = PathTiming(round(2 * MS * speed), round(3 * MS * speed), 5)
        run = Run(
            f"r{number}",
            f"2026-01-0{number + 1}",
            None,
            {test: {("work",): timing} for test in TESTS},
        )
        add_run(tmp_path / "timings", "here", run, "here.json", set())
    file = StructureFile({"test_0": {("work",): PathStructure((1, 1), (1, 1), critical=True)}})
    (tmp_path / "tests").mkdir()
    save_structure(tmp_path / "tests" / "test_x.traces.json", file, "test_x.traces.json")
    return History(tmp_path, tmp_path / "timings", "here", repeats=2)


def test_the_baseline_says_what_it_knows(history: History) -> None:
    """Of a test, and which other environments there are."""
    (history.folder / "there.json").write_text("not read")

    known, unknown = history.baseline(TESTS[0]), history.baseline("tests/test_y.py::test_0")

    assert (known.structure, known.runs, known.others) == (True, 3, ("there",))
    assert (unknown.structure, unknown.runs) == (False, 0)
    assert history.structure_file(TESTS[0]) == "tests/test_x.traces.json"


def test_a_folder_that_cannot_be_looked_into_is_an_error_of_the_baseline(tmp_path: Path) -> None:
    """Other environments are not looked for in vain: that of this one says what is wrong."""
    history = History(tmp_path, tmp_path / ("x" * 300), "here", repeats=2)

    with pytest.raises(BaselineError, match="it cannot be read"):
        history.baseline(TESTS[0])


def test_a_session_that_is_slower_as_a_whole_is_not_a_regression(history: History) -> None:
    """The tests before say how fast this machine is; the one that is slower than they is over."""
    for test in TESTS[1:]:
        history.remember(test, [one(6 * MS)])

    assert history.wants(TESTS[0], [one(6 * MS)] * 2) is None
    assert history.verdicts(TESTS[0])[0].outcome == "within"
    assert history.wants(TESTS[0], [one(15 * MS)] * 2) == (
        "it looks slower than its baseline, and is looked at 5 times"
    )
    assert history.verdicts(TESTS[0])[0].paths == 7


def test_all_tests_are_judged_by_all(history: History) -> None:
    """At the end of the session, also those that ran first."""
    for test in TESTS:
        history.remember(test, [one(15 * MS if test == TESTS[0] else 6 * MS)])

    found = history.all_verdicts()

    assert [found[test][0].outcome for test in TESTS] == ["over", *["within"] * 7]


def test_only_the_paths_that_were_measured_last_say_how_fast_it_is(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough of them, so that a session of many tests takes no longer for each."""
    monkeypatch.setattr("pytest_traces.timing.history._RECENT_PATHS", 7)
    for test in TESTS[1:]:
        history.remember(test, [one(6 * MS)])
    history.remember(TESTS[0], [one(6 * MS)])

    assert history.verdicts(TESTS[0])[0].paths == 6


def test_the_calibration_loops_are_none_of_the_paths_measured_last(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each test has one, which says nothing of the others."""
    monkeypatch.setattr("pytest_traces.timing.history._RECENT_PATHS", 7)
    for test in reversed(TESTS):
        history.remember(test, [calibrated(one(6 * MS))])

    assert history.verdicts(TESTS[0])[0].paths == 6


def test_overlap_takes_all_repeats_and_a_count_takes_one(history: History) -> None:
    """What differs by luck is not certain; what differs once is."""
    assert history.changes(TESTS[0], []) == ()
    assert history.changes("tests/test_y.py::test_0", [one(MS)]) == ()
    elsewhere = [one(MS, critical=False)]
    assert history.changes(TESTS[0], elsewhere, is_final=False) == ()
    assert [found.kind for found in history.changes(TESTS[0], elsewhere)] == ["critical"]
    assert history.wants(TESTS[0], elsewhere) is not None
    assert history.changes(TESTS[0], [*elsewhere, one(MS)]) == ()
    twice = history.changes(TESTS[0], [one(MS, count=2)], is_final=False)
    assert [found.kind for found in twice] == ["count"]
    assert history.wants(TESTS[0], [one(MS, count=2)]) is None


def test_a_session_without_a_second_process_has_suspects_only(history: History) -> None:
    """And remembers what was decided."""
    for test in TESTS[1:]:
        history.remember(test, [one(3 * MS)])

    found = history.decide(TESTS[0], [one(60 * MS)] * 30)

    assert found.suspect
    assert not found.fails
    assert history.comparisons == {TESTS[0]: found}


def test_files_outside_of_the_project_are_shown_by_their_whole_path(tmp_path: Path) -> None:
    """In errors."""
    (tmp_path / "timings").mkdir()
    (tmp_path / "timings" / "here.json").write_text("{")
    history = History(tmp_path / "project", tmp_path / "timings", "here", repeats=5)

    with pytest.raises(BaselineError) as caught:
        history.baseline("test_x.py::test_a")
    assert caught.value.shown == str(tmp_path / "timings" / "here.json")


def test_runs_in_which_events_were_counted_are_no_repeats(history: History) -> None:
    """Their structure is compared; how long they took says nothing."""
    slow = [one(90 * MS), one(90 * MS)]

    assert history.wants(TESTS[0], slow, []) is not None
    assert history.wants(TESTS[0], [*slow, one(2 * MS)], [one(2 * MS)]) is not None
    fast = [one(2 * MS)] * 2
    assert history.wants(TESTS[0], [*slow, *fast], fast) is None
    assert history.verdicts(TESTS[0])[0].repeats == 2
    decided = history.decide(TESTS[0], [*slow, *fast], fast)
    assert [found.repeats for found in decided.verdicts] == [2]
    assert history.decide(TESTS[0], [one(MS, count=2)], []).changes != ()
