"""The file of the timings of one environment."""

import json
import multiprocessing
import sys
from pathlib import Path

import pytest

from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.baseline.timings import PathTiming, Run, Timings
from pytest_traces.timing.baseline.timings_file import (
    add_run,
    load_timings,
    timings_path,
    timings_text,
)

REPAIR = "restore it, or delete it and record it again with --traces-record=5"
HERE = "cpython-3.12-linux-x86_64-n0"
NAME = f".traces/timings/{HERE}.json"

GOOD = """\
{
  "format": "pytest-traces timings",
  "version": 1,
  "environment": "cpython-3.12-linux-x86_64-n0",
  "new": 3,
  "runs": [
    {
      "key": "k1",
      "recorded": "2026-01-01T00:00:00.000Z",
      "revision": "abc",
      "more": [
        1,
        2
      ],
      "tests": {
        "tests/test_x.py::test_a": {
          "> calibration": {"best_ns": 800, "median_ns": 900, "repeats": 5},
          "GET": {"best_ns": 5, "median_ns": 7, "repeats": 5},
          "GET > SELECT": {"best_ns": 1, "median_ns": 1, "repeats": 5, "p99_ns": 7}
        }
      }
    }
  ]
}
"""


def run(key, recorded="2026-01-01T00:00:00.000Z", test="t"):
    return Run(key, recorded, None, {test: {("a",): PathTiming(1, 2, 3)}})


def test_what_is_read_is_written_again(tmp_path):
    """With what a later version has written; every path on a line of its own."""
    path = timings_path(tmp_path, HERE)
    path.write_text(GOOD, encoding="utf-8")
    found = load_timings(path, NAME)

    assert found == Timings(
        HERE,
        (
            Run(
                "k1",
                "2026-01-01T00:00:00.000Z",
                "abc",
                {
                    "tests/test_x.py::test_a": {
                        ("GET",): PathTiming(5, 7, 5),
                        ("GET", "SELECT"): PathTiming(1, 1, 5, {"p99_ns": 7}),
                        CALIBRATION: PathTiming(800, 900, 5),
                    }
                },
                {"more": [1, 2]},
            ),
        ),
        {"new": 3},
    )
    assert timings_text(found) == GOOD


def test_a_run_is_added(tmp_path):
    """To a new file, then to that one; tests that are gone leave it."""
    folder = tmp_path / ".traces" / "timings"

    assert len(add_run(folder, HERE, run("k1"), NAME, set()).runs) == 1
    add_run(folder, HERE, run("k2", "2026-01-02", "u"), NAME, {"t"})

    found = load_timings(timings_path(folder, HERE), NAME)
    assert [(one.key, list(one.tests)) for one in found.runs] == [("k2", ["u"])]
    assert load_timings(timings_path(folder, "other"), NAME) is None


def test_fields_of_a_later_version_outlive_another_run(tmp_path):
    """Those of a path, too, when another run is added or begins a new baseline of another test."""
    path = timings_path(tmp_path, HERE)
    for beside in (None, set()):
        path.write_text(GOOD, encoding="utf-8")

        add_run(tmp_path, HERE, run("k2"), NAME, {"gone"}, beside=beside)

        paths = load_timings(path, NAME).runs[0].tests["tests/test_x.py::test_a"]
        assert paths["GET", "SELECT"] == PathTiming(1, 1, 5, {"p99_ns": 7})


def test_a_new_baseline_begins(tmp_path):
    """What older runs say of its test is no more, in the file, too."""
    for key in ("k1", "k2"):
        add_run(tmp_path, HERE, run(key), NAME, set())
    add_run(tmp_path, HERE, run("k3", test="u"), NAME, set())

    add_run(tmp_path, HERE, run("n.1"), NAME, set(), beside=set())
    add_run(tmp_path, HERE, run("n.2"), NAME, set(), beside={"n.1"})

    found = load_timings(timings_path(tmp_path, HERE), NAME)
    assert [one.key for one in found.runs] == ["k3", "n.1", "n.2"]


def test_what_cannot_be_used_is_not_replaced(tmp_path):
    """The run is not added, and the file stays as it was."""
    path = timings_path(tmp_path, HERE)
    path.write_text(GOOD[:99], encoding="utf-8")

    with pytest.raises(BaselineError, match="it is cut off here"):
        add_run(tmp_path, HERE, run("k"), NAME, set())
    assert path.read_text(encoding="utf-8") == GOOD[:99]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    """Its name is that of a file."""
    (tmp_path / "x").write_text("", encoding="utf-8")

    with pytest.raises(BaselineError) as caught:
        add_run(tmp_path / "x" / "y", HERE, run("k"), NAME, set())
    assert str(caught.value) == (
        f"{NAME}: its folder cannot be used (Not a directory); it has to be one that can be written"
    )


BAD = [
    (GOOD.replace("n0", "n2"), f"{NAME}:4: its \"environment\" is 'cpython-3.12-linux-x86_64-n2', not '{HERE}'; each environment has its own file"),
    (GOOD.replace(f'"{HERE}"', "7"), f'{NAME}:4: "environment" is 7, not a name; {REPAIR}'),
    (GOOD.replace('"version": 1', '"version": 9'), f"{NAME}:3: it is of version 9; this pytest-traces knows 1; a newer pytest-traces can read it"),
    (GOOD.replace('      "key": "k1",\n', ""), f'{NAME}:6: the "key" of a run is None, not a name; {REPAIR}'),
    (GOOD.replace('"2026-01-01T00:00:00.000Z"', "0"), f'{NAME}:8: "recorded" is 0, not a time; {REPAIR}'),
    (GOOD.replace('"abc"', "1"), f'{NAME}:8: "revision" is 1, not a name; {REPAIR}'),
    (GOOD.replace('"best_ns": 1', '"best_ns": null'), f"{NAME}:19: these are not the numbers best_ns, median_ns, repeats; {REPAIR}"),
    (GOOD.replace('{"best_ns": 5, "median_ns": 7, "repeats": 5}', "5"), f"{NAME}:18: these are not the numbers best_ns, median_ns, repeats; {REPAIR}"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, text, message):
    """The whole message; the file stays as it is."""
    path = timings_path(tmp_path, HERE)
    path.write_text(text, encoding="utf-8")

    with pytest.raises(BaselineError) as caught:
        load_timings(path, NAME)
    assert str(caught.value) == message
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data | {"runs": {}}, '"runs" is no list'),
        (lambda data: data | {"runs": [1]}, "a run is no object"),
        (
            lambda data: data | {"runs": [data["runs"][0] | {"tests": 1}]},
            'the "tests" of this run are no object',
        ),
        (
            lambda data: data | {"runs": [data["runs"][0] | {"tests": {"t": 1}}]},
            "this is no object of paths",
        ),
    ],
)
def test_other_shapes_are_refused(tmp_path, change, problem):
    """Objects where there are lists, and the other way round."""
    path = timings_path(tmp_path, HERE)
    path.write_text(json.dumps(change(json.loads(GOOD))), encoding="utf-8")

    with pytest.raises(BaselineError) as caught:
        load_timings(path, NAME)
    assert str(caught.value) == f"{NAME}:1: {problem}; {REPAIR}"


def add_runs(folder: Path, keys: list[str]) -> None:
    for key in keys:
        add_run(folder, HERE, run(key, test=key), NAME, set())


def test_two_processes_add_at_once_and_nothing_is_lost(tmp_path):
    """Each reads what the other has written before it replaces the file."""
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "fork")
    keys = [["a1", "a2", "a3", "a4", "a5"], ["b1", "b2", "b3", "b4", "b5"]]
    both = [context.Process(target=add_runs, args=(tmp_path, one)) for one in keys]
    for process in both:
        process.start()
    for process in both:
        process.join()

    found = load_timings(timings_path(tmp_path, HERE), NAME)
    assert [one.key for one in found.runs] == [*keys[0], *keys[1]]
