"""Comparing a test with its baseline, as far as that goes without running it again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_traces import Traces, record
from pytest_traces.timing.baseline.environment import interpreter
from pytest_traces.timing.baseline.structure import structure_of
from pytest_traces.timing.baseline.structure_file import StructureFile, save_structure
from pytest_traces.timing.baseline.timings import PathTiming, Run
from pytest_traces.timing.baseline.timings_file import add_run
from pytest_traces.timing.history import History
from pytest_traces.traces.measuring import measured

TEST = "test_shop.py::test_checkout"
START = 1_700_000_000_000
Emit = Callable[..., None]


@pytest.fixture
def emit(act: Traces) -> Emit:
    """Adds a request with as many calls, each of so many milliseconds."""

    def emit(calls: int = 1, ms: float = 2) -> None:
        act.add({"trace_id": 1, "span_id": 1, "name": "book", "start": START, "end": START + 100})
        for i in range(calls):
            begin = START + 10 * i
            act.add(
                {"trace_id": 1, "span_id": 2 + i, "parent_id": 1, "name": "select", "start": begin, "end": begin + ms}
            )  # fmt: skip

    return emit


class Project:
    """A folder with baselines of one test, and what a second process would say."""

    def __init__(self, folder: Path, act: Traces) -> None:
        self.folder, self.act = folder, act
        self.asked: list[Sequence[str]] = []
        self.second: Run | str = "nobody was there"

    def record_structure(self) -> None:
        """Of what was recorded up to now."""
        found = measured(self.act._frame.recording, timed=True) or {}
        file = StructureFile({"test_checkout": structure_of([found], interpreter())})
        save_structure(self.folder / "test_shop.traces.json", file, "test_shop.traces.json")

    def record_timings(self, runs: int = 3, ms: int = 2) -> None:
        """Of a request and its call."""
        for number in range(runs):
            add_run(self.folder / "timings", "here", run_of(ms, str(number)), "here.json", set())

    def begin(self, *, repeats: int = 1, can_repeat: bool = False, judges: bool = True) -> None:
        """As a session does for each of its tests."""
        recording = self.act._frame.recording
        recording.label = recording.attempt.test = TEST
        recording.attempt.can_repeat = can_repeat
        recording.attempt.history = History(
            self.folder, self.folder / "timings", "here", repeats=repeats,
            confirm=self._confirm, judges=judges,
        )  # fmt: skip

    def _confirm(self, tests: Sequence[str]) -> Run | str:
        self.asked.append(tests)
        return self.second

    @property
    def notes(self) -> list[str]:
        return self.act._frame.recording.notes


def run_of(ms: int, key: str = "second") -> Run:
    paths = {("book",): 98, ("book", "select"): ms}
    timings = {
        path: PathTiming(one * 1_000_000, one * 1_000_000, 30) for path, one in paths.items()
    }
    return Run(key, f"2026-01-01T00:00:0{len(key)}.000Z", None, {TEST: timings})


@pytest.fixture
def project(tmp_path: Path, act: Traces) -> Project:
    return Project(tmp_path, act)


def failure(act: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        act.assert_no_regression()
    return str(caught.value)


def test_what_is_as_it_was_passes(act: Traces, emit: Emit, project: Project) -> None:
    """In structure and in durations; there is nothing to note."""
    emit()
    project.record_structure()
    project.record_timings()
    project.begin()

    act.assert_no_regression()

    assert project.notes == []
    assert project.asked == []


def test_another_structure_is_certain(act: Traces, emit: Emit, project: Project) -> None:
    """It fails at once, and durations are not compared."""
    emit()
    project.record_structure()
    project.record_timings()
    act.clear()
    emit(calls=3, ms=9)
    project.begin(repeats=5, can_repeat=True)

    assert failure(act).startswith("the structure differs from the baseline: ")
    assert act._frame.recording.attempt.judged
    assert act._frame.recording.attempt.wanted is None


def test_what_is_confirmed_is_slower(act: Traces, emit: Emit, project: Project) -> None:
    """A second process says the same, so it fails."""
    project.record_timings()
    emit(ms=6)
    project.second = run_of(6)
    project.begin()

    text = failure(act)

    assert text.startswith("slower than the baseline: 'book > select' takes x3.00 as long\n")
    assert "in a second process x3.00, the best of 30 repeats" in text
    assert project.asked == [[TEST]]


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (run_of(2), "not confirmed by a second process, so no failure"),
        (run_of(2)._replace(tests={}), "not confirmed: the test did not pass in a second process"),
        ("no process could be started", "not confirmed: no process could be started"),
    ],
)
def test_what_is_not_confirmed_is_a_suspect(
    act: Traces, emit: Emit, project: Project, second: Run | str, why: str
) -> None:
    """It is a note, and passes."""
    project.record_timings()
    emit(ms=6)
    project.second = second
    project.begin()

    act.assert_no_regression()

    assert project.notes[0].startswith(
        "suspect: 'book > select' 2.00 ms before, 6.00 ms now: x3.00"
    )
    assert project.notes[0].endswith(why)


def test_a_verdict_takes_repeats(act: Traces, emit: Emit, project: Project) -> None:
    """Where the test can run again, it is asked to."""
    project.record_timings()
    emit()
    project.begin(repeats=5, can_repeat=True)
    attempt = act._frame.recording.attempt

    for attempt.number in range(1, 5):
        assert failure(act) == "it is compared with its baseline, which takes 5 repeats"
        assert attempt.wanted == "it is compared with its baseline, which takes 5 repeats"
    attempt.number = 5
    act.assert_no_regression()
    act.assert_no_regression()  # the same run once more


def test_a_run_in_which_events_are_counted_is_no_repeat(
    act: Traces, emit: Emit, project: Project
) -> None:
    """It is slow by itself; its structure is compared all the same."""
    project.record_timings()
    emit()
    project.begin(repeats=2, can_repeat=True)
    attempt = act._frame.recording.attempt

    for attempt.number, attempt.counting in ((1, False), (2, True)):
        assert failure(act) == "it is compared with its baseline, which takes 2 repeats"
    attempt.number, attempt.counting = 3, False
    act.assert_no_regression()


def test_more_repeats_come_while_something_looks_slower(
    act: Traces, emit: Emit, project: Project
) -> None:
    """Ten, then thirty; then a second process is asked."""
    project.record_timings()
    emit(ms=6)
    project.begin(repeats=5, can_repeat=True)
    attempt = act._frame.recording.attempt

    reasons = []
    for attempt.number in range(1, 30):
        reasons.append(failure(act))
    attempt.number = 30
    act.assert_no_regression()

    assert (
        reasons[4] == reasons[8] == "it looks slower than its baseline, and is looked at 10 times"
    )
    assert (
        reasons[9] == reasons[28] == "it looks slower than its baseline, and is looked at 30 times"
    )
    assert project.asked == [[TEST]]


def test_one_fast_repeat_is_enough(act: Traces, emit: Emit, project: Project) -> None:
    """The best of them counts, so nothing is over any more."""
    project.record_timings()
    emit(ms=6)
    project.begin(repeats=5, can_repeat=True)
    attempt = act._frame.recording.attempt
    for attempt.number in range(1, 7):
        failure(act)
    attempt.number = 7
    project.act._frame.recording.attempt.measured["regression"][2] = (3, _measured_fast(), False)

    act.assert_no_regression()

    assert project.asked == []


def _measured_fast() -> object:
    with record(sources=["handwritten"]) as fast:
        fast.add({"trace_id": 1, "span_id": 1, "name": "book", "start": START, "end": START + 100})
        fast.add(
            {
                "trace_id": 1,
                "span_id": 2,
                "parent_id": 1,
                "name": "select",
                "start": START,
                "end": START + 2,
            }
        )
    return measured(fast._frame.recording, timed=True)


def test_without_timings_the_structure_decides(act: Traces, emit: Emit, project: Project) -> None:
    """In one run, and a note says that nothing is said of durations."""
    emit()
    project.record_structure()
    project.begin(repeats=5, can_repeat=True)

    act.assert_no_regression()

    assert project.notes[0] == "no verdict on durations: no baseline for here"


def test_two_runs_are_too_few(act: Traces, emit: Emit, project: Project) -> None:
    """A note says so."""
    emit(ms=9)
    project.record_timings(runs=2)
    project.begin()

    act.assert_no_regression()

    assert project.notes[0] == (
        "no verdict on durations: 2 runs in the baseline for here, a verdict takes 3"
    )


def test_a_test_without_any_baseline_fails(act: Traces, emit: Emit, project: Project) -> None:
    """It would pass on nothing."""
    emit()
    project.begin()

    assert failure(act).startswith("nothing to compare with: ")


def test_a_test_without_spans_fails(act: Traces, project: Project) -> None:
    """Also while a baseline is recorded."""
    project.record_timings()
    project.begin(judges=False)

    assert failure(act).startswith("no span was recorded")


def test_an_open_span_fails(act: Traces, emit: Emit, project: Project) -> None:
    """It is not in the baseline, and has no duration."""
    emit()
    project.record_structure()
    act.add({"trace_id": 2, "span_id": 9, "name": "open", "start": START, "end": None})
    project.begin()

    assert failure(act).startswith(
        "a test cannot be compared with its baseline while spans are open: 'open'"
    )


def test_nothing_is_compared_while_a_baseline_is_recorded(
    act: Traces, emit: Emit, project: Project
) -> None:
    """Else a new one could not be recorded."""
    emit()
    project.begin(judges=False)

    act.assert_no_regression()


def test_a_baseline_that_cannot_be_used_fails(
    act: Traces, emit: Emit, project: Project, tmp_path: Path
) -> None:
    """With the file and the line."""
    (tmp_path / "test_shop.traces.json").write_text("{", encoding="utf-8")
    emit()
    project.begin()

    assert failure(act).startswith("test_shop.traces.json:1: it is cut off here; ")


def test_the_whole_test_is_compared(act: Traces, emit: Emit, project: Project) -> None:
    """What ``clear`` has left out is in the baseline, too."""
    emit()
    project.record_structure()
    project.begin()
    act.clear()

    act.assert_no_regression()


def test_a_part_of_a_test_has_no_baseline(act: Traces, emit: Emit, project: Project) -> None:
    """A view, and the set-up."""
    emit()
    project.begin()

    with pytest.raises(ValueError, match="call it on traces itself, not on a view"):
        act.only("book").assert_no_regression()
    with pytest.raises(ValueError, match="setup is no part that has a baseline"):
        act.setup.assert_no_regression()


def test_a_block_has_no_earlier_runs(act: Traces) -> None:
    """Only a test of pytest has."""
    with pytest.raises(RuntimeError, match="a block of record\\(\\) has no earlier runs"):
        act.assert_no_regression()
