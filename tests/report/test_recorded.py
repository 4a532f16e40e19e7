"""What was recorded, in words."""

import pytest

from pytest_traces.report.recorded import (
    change_in_words,
    new_baseline_lines,
    structure_lines,
    timings_line,
)
from pytest_traces.timing.baseline.structure import PathStructure, StructureChange
from pytest_traces.timing.baseline.timings import PathTiming, Run, Timings
from pytest_traces.timing.baseline.updating import StructureUpdate

PATH = ("GET /cart", "SELECT items")
ONE = PathStructure((1, 1), (1, 1), True)


@pytest.mark.parametrize(
    ("kind", "before", "after", "text"),
    [
        ("added", None, ONE, "+ GET /cart > SELECT items: 1 span"),
        ("gone", PathStructure((2, 5), (1, 1)), None, "- GET /cart > SELECT items: 2 to 5 spans"),
        (
            "count",
            ONE,
            PathStructure((5, 5), (1, 1)),
            "~ GET /cart > SELECT items: 1 span -> 5 spans",
        ),
        (
            "peak",
            PathStructure((5, 5), (2, 3)),
            PathStructure((5, 5), (1, 1)),
            "~ GET /cart > SELECT items: 2 to 3 -> 1 at once",
        ),
        (
            "critical",
            ONE,
            PathStructure((1, 1), (1, 1), False),
            "~ GET /cart > SELECT items: no longer on the critical path",
        ),
        (
            "critical",
            PathStructure((1, 1), (1, 1), False),
            ONE,
            "~ GET /cart > SELECT items: now on the critical path",
        ),
        (
            "work",
            PathStructure((1, 1), (1, 1), work={"cpython-3.12": 7_000, "cpython-3.13": 5}),
            PathStructure((1, 1), (1, 1), work={"cpython-3.12": 9_000}),
            "~ GET /cart > SELECT items: 7,000 -> 9,000 events (cpython-3.12)",
        ),
    ],
)
def test_each_change_in_words(kind, before, after, text):
    """The path, before and after."""
    assert change_in_words(StructureChange(kind, PATH, before, after)) == text


def test_names_are_cut_and_printable():
    """As in all messages: a statement is no line, and no terminal obeys a name."""
    long = "select_" + "x" * 5_000
    change = StructureChange("added", ("GET > 1", long, "\x1b[31m"), None, ONE)

    assert change_in_words(change) == f"+ GET \\> 1 > {long[:59]}… > '\\x1b[31m': 1 span"


def test_many_changes_are_cut():
    """After twenty, with the number of the others."""
    changes = [StructureChange("added", (f"n{n}",), None, ONE) for n in range(15)]
    update = StructureUpdate("f", True, 2, changed={"a": changes, "b": changes}, pruned=["c"])
    lines = structure_lines(update)

    assert lines[0] == "f: written; 2 tests, 2 changed"
    assert len([line for line in lines if "+ n" in line]) == 20
    assert lines[-2:] == ["    and 10 more changes", "  taken out, no longer collected: c"]


def test_where_nothing_happened_nothing_is_said():
    """A file whose tests have no spans."""
    assert structure_lines(StructureUpdate("f", False, 0)) == []
    assert structure_lines(StructureUpdate("f", False, 0, stale=["a"])) == [
        "f: is as it was; 0 tests",
        "  no longer collected, kept without --traces-prune: a",
    ]


def test_a_run_of_timings_in_words():
    """How many tests, repeats and runs."""
    tests = {"t": {("a",): PathTiming(1, 1, 5), ("b",): PathTiming(1, 1, 3)}}
    run = Run("k", "1", None, tests)

    assert timings_line("f", run, Timings("e", (run,)), {"u"}, pruned=False) == [
        "f: 1 test, each up to 5 times; 1 run of each, at most 10",
        "  no longer collected, kept without --traces-prune: u",
    ]
    once = run._replace(tests={"t": {("a",): PathTiming(1, 1, 1)}})
    assert timings_line("f", once, Timings("e", (run, once)), set(), pruned=True) == [
        "f: 1 test; 2 runs of each, at most 10"
    ]
    other = run._replace(tests={"t": {}, "u": {}})
    assert timings_line("f", other, Timings("e", (run, other)), set(), pruned=True) == [
        "f: 2 tests; 1 to 2 runs of each, at most 10"
    ]
    none = run._replace(tests={})
    assert timings_line("f", none, Timings("e", (run,)), {"u"}, pruned=True) == [
        "f: 0 tests",
        "  taken out, no longer collected: u",
    ]


def test_a_new_baseline_in_words():
    """How many runs the tests have, and which were not recorded by whom."""
    left = [{"d": "failed", "e": "failed", "s": "skipped"}, {"d": "failed", "s": "skipped"}]

    assert new_baseline_lines("f", {"a": 2, "b": 2, "e": 1}, left) == [
        "f: 2 tests with 2 runs each, 1 test with 1 run",
        "not recorded by 2 of 2 processes (failed): d",
        "not recorded by 2 of 2 processes (skipped): s",
        "not recorded by 1 of 2 processes (failed): e",
    ]
    assert new_baseline_lines("f", {}, [{"d": "failed"}]) == [
        "f: nothing was recorded, as no test that passed has spans",
        "not recorded by 1 of 1 process (failed): d",
    ]
