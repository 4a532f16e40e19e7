"""What a whole session says in comparison with its baselines."""

from typing import Any

from pytest_traces.report.compared import as_json, document, summary_lines
from pytest_traces.timing.baseline.structure import PathStructure, StructureChange
from pytest_traces.timing.decision.comparison import Baseline, Comparison
from pytest_traces.timing.decision.data import Verdict

HERE = Baseline(structure=True, environment="here", runs=5, others=("there",))


def verdict(test: str, outcome: str = "within") -> Verdict:
    fields = {"before_ns": 2_000_000, "after_ns": 6_000_000, "ratio": 3.0, "low": 2.5, "high": 3.5}
    return Verdict((test, ("book",)), outcome, **fields, over=30, repeats=30, runs=5)  # type: ignore[arg-type]


def slower(test: str) -> Comparison:
    found = verdict(test, "over")
    return Comparison(test, HERE, (), (found,), {found.key: found})


def suspect(test: str) -> Comparison:
    return Comparison(test, HERE, (), (verdict(test, "over"),), {})


def lines_of(decided: list[Comparison], others: dict[str, Any] | None = None) -> list[str]:
    tests = (others or {}) | {one.test: as_json(one) for one in decided}
    return list(summary_lines(decided, tests))


def test_slower_tests_come_first_then_suspects_then_numbers() -> None:
    """Also of tests that an assertion has compared; each reason is said once."""
    quiet = [
        Comparison("c", HERE, (), (verdict("c"), verdict("c", "noisy"), verdict("c", "small"))),
        Comparison("d", HERE, (), (verdict("d", "undecided"),)),
        Comparison("e", HERE._replace(runs=0)),
        Comparison("f", HERE._replace(runs=0)),
        Comparison("g", HERE._replace(runs=2)),
        Comparison("h", HERE._replace(runs=0, revision="main")),
        Comparison("i", HERE._replace(runs=2, revision="main")),
    ]

    failed = {
        "x": as_json(Comparison("x", HERE._replace(runs=0), is_unrecorded=True)),
        "y": as_json(Comparison("y", HERE, (), (verdict("y"),))),
    }

    assert lines_of([*quiet, suspect("b"), slower("a")], failed) == [
        "a: slower than the baseline: 'book' takes x3.00 as long",
        "b",
        "  suspect: 'book' 2.00 ms before, 6.00 ms now: x3.00, about 90 % within x2.50 to x3.50; "
        "limit x1.25 (the floor); over it in 30 of 30 repeats; "
        "not confirmed by a second process, so no failure",
        "5 durations of 4 tests compared; 1 path too noisy to gate; "
        "1 path over the limit by less than counts; 1 path not decided",
        "no verdict on durations of 2 tests: no baseline for here",
        "  e",
        "  f",
        "no verdict on durations of 1 test: no baseline of main",
        "  h",
        "no verdict on durations of 1 test: only 2 runs for here",
        "  g",
        "no verdict on durations of 1 test: only 2 runs of main",
        "  i",
    ]


def test_long_lists_are_cut() -> None:
    """Twenty tests of each kind are shown, and three without a baseline."""
    many = [slower(f"a{i}") for i in range(23)] + [suspect(f"b{i}") for i in range(21)]
    many += [Comparison(f"c{i}", HERE._replace(runs=0)) for i in range(5)]

    lines = lines_of(many)

    assert "and 3 more tests slower than the baseline" in lines
    assert "and 1 more test suspect" in lines
    assert lines[-5:] == [
        "no verdict on durations of 5 tests: no baseline for here",
        "  c0",
        "  c1",
        "  c2",
        "  and 2 more",
    ]


def test_nothing_is_counted_where_all_fails_by_structure() -> None:
    """That is told with each of them."""
    alone = Comparison("x", HERE._replace(runs=0), is_unrecorded=True)

    assert lines_of([], {"x": as_json(alone)}) == []


def test_json_has_everything_that_was_decided() -> None:
    """Words, figures, and where they come from."""
    gone = StructureChange("gone", ("a > b", "c"), PathStructure((1, 1), (1, 1)), None)
    tests = {
        "b": as_json(Comparison("b", HERE, (gone,), trouble="it failed")),
        "a": as_json(slower("a")),
        "c": as_json(suspect("c")),
    }

    found = document("here", tests)

    assert list(found["tests"]) == ["a", "b", "c"]
    assert found["regressions"] == ["a", "b"]
    assert [found["tests"][test]["verdict"] for test in "abc"] == ["slower", "certain", "passed"]
    assert found["tests"]["b"]["structure"] == [
        {"kind": "gone", "path": "a \\> b > c", "text": "'a \\> b > c': no span, 1 span before"}
    ]
    assert found["tests"]["b"]["trouble"] == "it failed"
    assert found["tests"]["b"]["baseline"] == {
        "structure": True, "environment": "here", "runs": 5, "others": ["there"], "revision": None
    }  # fmt: skip
    assert [one["outcome"] for one in found["tests"]["c"]["durations"]] == ["suspect"]
    assert found["tests"]["a"]["durations"] == [
        {
            "path": "book", "outcome": "slower", "before_ns": 2_000_000, "after_ns": 6_000_000,
            "ratio": 3.0, "low": 2.5, "high": 3.5, "cut": 1.25, "cut_from": "floor", "spread": 0.0,
            "basis": "raw", "factor": 1.0, "paths": 0, "added_ns": 0, "over": 30, "repeats": 30,
            "runs": 5, "reason": None, "second": {"ratio": 3.0, "cut": 1.25},
        }
    ]  # fmt: skip
