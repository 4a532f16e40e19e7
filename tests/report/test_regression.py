"""What is said of a test that was compared with its baseline, word for word."""

from textwrap import dedent
from typing import Any

import pytest

from pytest_traces.report.regression import (
    change_text,
    note_lines,
    nothing_to_compare,
    path_text,
    regression_message,
    times,
    unrecorded,
)
from pytest_traces.timing.baseline.structure import ChangeKind, PathStructure, StructureChange
from pytest_traces.timing.decision.comparison import Baseline, Comparison
from pytest_traces.timing.decision.data import Outcome, Verdict

TEST = "tests/test_shop.py::test_checkout"
MS = 1_000_000
HERE = Baseline(structure=True, environment="cpython-3.12-linux-x86_64-n0", runs=5)
SELECT = ("POST /checkout", "SELECT orders")

SLOW = Verdict(
    (TEST, SELECT), "over", before_ns=2_100_000, after_ns=5_600_000, ratio=2.04, low=1.91,
    high=2.18, cut=1.25, cut_from="floor", spread=0.03, basis="paths", factor=1.31, paths=214,
    added_ns=2_850_000, over=30, repeats=30, runs=5,
)  # fmt: skip
AGAIN = SLOW._replace(ratio=1.99, repeats=30, over=1)
FINE = SLOW._replace(key=(TEST, ("POST /checkout",)), outcome="within", ratio=1.02, over=0)
NOISY = FINE._replace(key=(TEST, ("POST /checkout", "mail")), outcome="noisy", cut=2.6)
SMALL = FINE._replace(
    key=(TEST, ("POST /checkout", "log")), outcome="small", ratio=1.9, added_ns=31_000
)
NEW = Verdict(
    (TEST, ("POST /checkout", "new")), "undecided", reason="it is in no run of the baseline"
)


def change(
    kind: ChangeKind, before: PathStructure | None, after: PathStructure | None
) -> StructureChange:
    return StructureChange(kind, SELECT, before, after)


def text(expected: str) -> str:
    return dedent(expected).strip("\n")


def test_a_certain_difference() -> None:
    """Structure has no noise, so nothing else is said."""
    more = change("count", PathStructure((1, 1), (1, 1)), PathStructure((5, 5), (1, 1)))

    assert str(regression_message(Comparison(TEST, HERE, (more,)))) == text("""
        the structure differs from the baseline: 'POST /checkout > SELECT orders': 5 spans, 1 before

          certain  'POST /checkout > SELECT orders': 5 spans, 1 before

          hint:  if this is meant: pytest --traces-update=structure tests/test_shop.py::test_checkout
    """)


def test_slower() -> None:
    """Confirmed by a second process; what was not decided is said, too."""
    found = Comparison(TEST, HERE, (), (FINE, SLOW, NOISY, SMALL, NEW), {SLOW.key: AGAIN})

    assert found.fails
    assert str(regression_message(found)) == text("""
        slower than the baseline: 'POST /checkout > SELECT orders' takes x2.04 as long

          slower   'POST /checkout > SELECT orders'
                   2.10 ms before, 5.60 ms now: x2.67, x2.04 with the common factor x1.31 taken away
                   about 90 % within x1.91 to x2.18
                   limit x1.25 (the floor); over it in 30 of 30 repeats
                   in a second process x1.99, the best of 30 repeats

          common factor of this run: x1.31 over 214 paths: machine or code, cannot tell
          too noisy to gate: 'POST /checkout > mail': by the baseline runs its limit would be x2.60
          note: 'POST /checkout > log' takes x1.90 as long, which is only 31.0 us more
          not decided: 'POST /checkout > new': it is in no run of the baseline
          compared with 5 runs of cpython-3.12-linux-x86_64-n0; self times, the best of the repeats

          hint:  if this is meant: pytest --traces-record=5 tests/test_shop.py::test_checkout
    """)


def test_structure_stands_above_durations_and_the_deepest_span_comes_first() -> None:
    """Whoever is deepest is nearest to the cause; a suspect beside them does not fail."""
    gone = change("gone", PathStructure((2, 2), (1, 1)), None)
    root = SLOW._replace(key=(TEST, ("POST /checkout",)), before_ns=4 * MS, ratio=1.4, spread=0.1,
                         cut=1.4, cut_from="spread", basis="raw")  # fmt: skip
    deep = SLOW._replace(key=(TEST, (*SELECT, "fetch")))
    base = HERE._replace(revision="main")
    second = {SLOW.key: AGAIN, deep.key: AGAIN, root.key: root._replace(outcome="within")}

    found = Comparison(TEST, base, (gone,), (root, SLOW, deep), second)

    assert str(regression_message(found)) == text("""
        the structure differs from the baseline: 'POST /checkout > SELECT orders': no span, 2 spans before; 2 paths slower

          certain  'POST /checkout > SELECT orders': no span, 2 spans before
          slower   'POST /checkout > SELECT orders > fetch'
                   2.10 ms before, 5.60 ms now: x2.67, x2.04 with the common factor x1.31 taken away
                   about 90 % within x1.91 to x2.18
                   limit x1.25 (the floor); over it in 30 of 30 repeats
                   in a second process x1.99, the best of 30 repeats
          slower   'POST /checkout > SELECT orders'
                   2.10 ms before, 5.60 ms now: x2.67, x2.04 with the common factor x1.31 taken away
                   about 90 % within x1.91 to x2.18
                   limit x1.25 (the floor); over it in 30 of 30 repeats
                   in a second process x1.99, the best of 30 repeats
          suspect  'POST /checkout'
                   4.00 ms before, 5.60 ms now: x1.40, about 90 % within x1.91 to x2.18
                   limit x1.40 (4 times the spread of the baseline runs, 10 %); over it in 30 of 30 repeats
                   not confirmed by a second process, so no failure

          common factor of this run: x1.31 over 214 paths: machine or code, cannot tell
          not divided by it, as the baseline does not prove it needs that: 'POST /checkout'
          compared with 5 runs of revision main; self times, the best of the repeats

          hint:  if this is meant: pytest --traces-update=structure tests/test_shop.py::test_checkout;
                 durations are compared with revision main, so merging accepts them
    """)


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Comparison(TEST, HERE, (), (SLOW,), {}), "not confirmed by a second process, so no failure"),
        (Comparison(TEST, HERE, (), (SLOW,)), "not confirmed: no second process was asked"),
        (Comparison(TEST, HERE, (), (SLOW,), trouble="it failed"), "not confirmed: it failed"),
    ],
)  # fmt: skip
def test_a_suspect_is_a_note(found: Comparison, why: str) -> None:
    """With all its figures, and why nobody else says so."""
    assert not found.fails
    assert note_lines(found) == [
        "suspect: 'POST /checkout > SELECT orders' 2.10 ms before, 5.60 ms now: x2.67, x2.04 with "
        "the common factor x1.31 taken away; about 90 % within x1.91 to x2.18; "
        f"limit x1.25 (the floor); over it in 30 of 30 repeats; {why}"
    ]


@pytest.mark.parametrize(
    ("fields", "first"),
    [
        ({"basis": "raw"}, "x2.04, about 90 % within x1.91 to x2.18"),
        ({"basis": "paths", "after_ns": 4_284_000, "factor": 1.0},
         "x2.04, about 90 % within x1.91 to x2.18"),
        ({"basis": "calibration"}, "x2.67, x2.04 with the common factor x1.31 taken away"),
        ({"basis": "raw", "before_ns": 5_000, "after_ns": 80_000, "ratio": 4.0},
         "x16.0, x4.00 with what is shorter counted as 20.0 us"),
        ({"basis": "raw", "before_ns": 0, "after_ns": 80_000, "ratio": 4.0},
         "x4.00 with what is shorter counted as 20.0 us"),
        ({"before_ns": 5_000, "after_ns": 80_000, "ratio": 3.4, "factor": 1.17},
         "x16.0, x3.40 with the common factor x1.17 taken away and what is shorter counted as "
         "20.0 us"),
    ],
)  # fmt: skip
def test_a_ratio_follows_from_the_figures_beside_it(fields: dict[str, Any], first: str) -> None:
    """What was corrected is said, and only where it changes the ratio."""
    one = SLOW._replace(**fields)
    lines = regression_message(Comparison(TEST, HERE, (), (one,), {})._replace(
        second={SLOW.key: AGAIN})).facts  # fmt: skip

    assert lines[1].partition(" now: ")[2] == first
    assert lines[2].strip().startswith("limit" if "within" in first else "about 90 % within")


def test_no_baseline_for_this_environment() -> None:
    """Which there are, and how to get one."""
    none = HERE._replace(runs=0, others=("cpython-3.11-linux-x86_64-n0",))

    assert note_lines(Comparison(TEST, none)) == [
        "no verdict on durations: no baseline for cpython-3.12-linux-x86_64-n0",
        "there are baselines for cpython-3.11-linux-x86_64-n0",
        f"to record one: pytest --traces-record=5 {TEST}",
    ]


def test_a_command_records_with_as_many_workers() -> None:
    """Without them, it would record another environment."""
    none = HERE._replace(runs=0, environment="cpython-3.12-linux-x86_64-n2")

    assert note_lines(Comparison(TEST, none)) == [
        "no verdict on durations: no baseline for cpython-3.12-linux-x86_64-n2",
        f"to record one: pytest -n 2 --traces-record=5 {TEST}",
    ]
    assert f"    pytest -n 2 --traces-record=5 {TEST}" in nothing_to_compare(TEST, none).facts


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        (0, "no verdict on durations: revision main has no run of it, a verdict takes 3"),
        (2, "no verdict on durations: revision main has 2 runs of it, a verdict takes 3"),
    ],
)
def test_another_revision_is_not_recorded_by_hand(runs: int, expected: str) -> None:
    """Its timings are measured by each session anew."""
    base = HERE._replace(revision="main", runs=runs, others=("there",))

    assert note_lines(Comparison(TEST, base)) == [expected]
    assert str(nothing_to_compare(TEST, base)) == text("""
        nothing to compare with: this test has no structure and no timings recorded

          its structure, to be committed; the timings are those of revision main:
            pytest --traces-update=structure tests/test_shop.py::test_checkout
    """)


def test_too_few_runs() -> None:
    """Three are the least."""
    assert note_lines(Comparison(TEST, HERE._replace(runs=2))) == [
        "no verdict on durations: 2 runs in the baseline for cpython-3.12-linux-x86_64-n0, "
        "a verdict takes 3",
        f"to record one: pytest --traces-record=5 {TEST}",
    ]


def test_too_noisy_and_too_small_are_notes() -> None:
    """And a test of which everything was decided has none."""
    assert note_lines(Comparison(TEST, HERE, (), (FINE, NOISY, SMALL))) == [
        "too noisy to gate: 'POST /checkout > mail': by the baseline runs its limit would be x2.60",
        "note: 'POST /checkout > log' takes x1.90 as long, which is only 31.0 us more",
    ]
    assert note_lines(Comparison(TEST, HERE, (), (FINE,))) == []


def test_many_open_questions_are_cut() -> None:
    """The first five are enough."""
    lines = note_lines(Comparison(TEST, HERE, (), (NOISY,) * 7))

    assert len(lines) == 6
    assert lines[-1] == "not decided: 2 more paths"


def test_a_machine_is_told_by_the_calibration_loop() -> None:
    """Where there are too few paths."""
    alone = SLOW._replace(paths=0, basis="calibration")
    message = str(regression_message(Comparison(TEST, HERE, (), (alone,), {alone.key: alone})))

    assert "  common factor of this run: x1.31 by the calibration loop" in message.splitlines()


def test_nothing_to_compare_with() -> None:
    """Both ways to record it."""
    assert str(nothing_to_compare(TEST, HERE)) == text("""
        nothing to compare with: this test has no structure and no timings recorded

          its structure, to be committed, and its timings of five processes on this machine:
            pytest --traces-update=structure tests/test_shop.py::test_checkout
            pytest --traces-record=5 tests/test_shop.py::test_checkout
    """)


def test_a_structure_that_was_never_recorded() -> None:
    """A strict session says which file lacks it."""
    assert str(unrecorded(TEST, "tests/test_shop.traces.json")) == text("""
        this test emits spans, and tests/test_shop.traces.json does not know their structure

          hint:  record it, and commit the file: pytest --traces-update=structure
                 tests/test_shop.py::test_checkout
    """)


ONE = PathStructure((1, 1), (1, 1), critical=True, work={"cpython-3.12": 1_000})
MANY = PathStructure((2, 4), (3, 3), critical=False, work={"cpython-3.12": 1_234})


@pytest.mark.parametrize(
    ("kind", "before", "after", "expected"),
    [
        ("added", None, MANY, "2 to 4 spans, none before"),
        ("gone", ONE, None, "no span, 1 span before"),
        ("count", MANY, ONE, "1 span, 2 to 4 before"),
        ("peak", MANY, ONE, "1 open at once, 3 before"),
        ("critical", ONE, MANY, "no longer on the critical path"),
        ("critical", MANY, ONE, "now on the critical path"),
        ("work", ONE, MANY, "1,234 events of cpython-3.12, 1,000 before"),
        ("work", ONE, ONE, "other work"),
    ],
)
def test_each_kind_of_difference_has_its_words(
    kind: ChangeKind, before: PathStructure | None, after: PathStructure | None, expected: str
) -> None:
    """What is now, and what was."""
    assert (
        change_text(change(kind, before, after)) == f"'POST /checkout > SELECT orders': {expected}"
    )


def test_a_command_can_be_copied_to_a_shell() -> None:
    """Parameters of tests are quoted where they have to be."""
    test = "tests/test_shop.py::test_cart[a b$]"

    assert f" '{test}'" in str(unrecorded(test, "tests/test_shop.traces.json"))
    assert str(nothing_to_compare(test, HERE)).count(f" '{test}'") == 2


def test_many_differences_are_counted() -> None:
    """Twenty are listed."""
    message = regression_message(Comparison(TEST, HERE, (change("added", None, ONE),) * 22))

    assert message.verdict.endswith("1 span, none before, and 21 more differences")
    assert message.facts[20] == "  certain  and 2 more differences"


def test_numbers_and_long_paths_are_short() -> None:
    """Three digits, and the ends of a path."""
    assert [times(one) for one in (1.3, 9.99, 13.44, 1_340)] == [
        "x1.30",
        "x9.99",
        "x13.4",
        "x1,340",
    ]
    assert path_text(tuple("abcdefgh")) == "'a > b > … 4 levels … > g > h'"


def test_names_are_cut_and_printable() -> None:
    """As in all messages: a statement is no line, and no terminal obeys a name."""
    long = "select " + "x, " * 2_000

    assert path_text(("a > b", long, "\x1b[31m")) == (
        f"'a \\> b > {repr(long)[:59]}… > '\\x1b[31m''"
    )


@pytest.mark.parametrize(("outcome", "confirms"), [("noisy", False), ("over", True)])
def test_what_is_over_by_the_square_of_its_noise_has_to_be_so_twice(
    outcome: Outcome, confirms: bool
) -> None:
    """What the baseline cannot tell from noise is no confirmation of what it can hardly tell."""
    first = SLOW._replace(ratio=7.0, cut=2.6)
    second = first._replace(outcome=outcome, ratio=6.7)

    assert Comparison(TEST, HERE, (), (first,), {SLOW.key: second}).fails is confirms


@pytest.mark.parametrize(("ratio", "confirms"), [(2.5, False), (2.7, True)])
def test_a_noisy_second_process_confirms_by_more_than_its_noise(
    ratio: float, confirms: bool
) -> None:
    """The first process has judged without such noise."""
    second = SLOW._replace(outcome="noisy", ratio=ratio, cut=2.6)
    found = Comparison(TEST, HERE, (), (SLOW,), {SLOW.key: second})

    assert found.fails is confirms
    assert bool(found.suspect) is not confirms
