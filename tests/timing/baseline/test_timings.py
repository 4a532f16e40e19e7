"""The timings of runs, and how runs become one."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.baseline.measure import PathMeasure
from pytest_traces.timing.baseline.timings import (
    KEPT,
    PathTiming,
    Run,
    replaced,
    timing_of,
    united,
    without,
)

A, B = ("a",), ("a", "b")


def took(*self_ns):
    return PathMeasure(len(self_ns), (1, 1), True, None, self_ns)


def test_the_best_and_the_middle_of_each_path():
    """Of what its spans took together in a repeat; only repeats that have it count."""
    repeats = [{A: took(5), B: took(10, 20)}, {A: took(9)}, {A: took(6)}, {A: took(7)}]

    assert timing_of(repeats) == {A: PathTiming(5, 6, 4), B: PathTiming(30, 30, 1)}
    assert timing_of(repeats[:3])[A] == PathTiming(5, 6, 3)
    assert timing_of([]) == {}


def run(key, recorded="1", tests=None, **fields):
    return Run(key, recorded, None, tests or {"t": {A: PathTiming(1, 1, 1)}}, **fields)


def test_the_last_ten_runs_are_kept():
    """The oldest first, whatever order they come in."""
    runs = [run(f"k{n:02}", recorded=f"2026-{n:02}") for n in range(1, 14)]
    found = united(reversed(runs))

    assert [one.key for one in found] == [f"k{n:02}" for n in range(4, 14)]
    assert len(found) == KEPT


def test_many_runs_of_one_test_leave_the_others():
    """Of each test the last ten are kept, and a run while it has a test."""
    both = {"t": {A: PathTiming(1, 1, 1)}, "u": {A: PathTiming(1, 1, 1)}}
    runs = [run("a", "2026-01", both), run("b", "2026-02")]
    runs += [run(f"k{n:02}", f"2026-03-{n:02}") for n in range(KEPT)]

    found = united(runs)

    assert [one.key for one in found] == ["a", *(f"k{n:02}" for n in range(KEPT))]
    assert list(found[0].tests) == ["u"]
    assert united([run("a")._replace(tests={})]) == ()


@given(st.lists(st.tuples(st.integers(0, 19), st.sets(st.sampled_from("tuv"))), max_size=60),
       st.randoms(use_true_random=False))  # fmt: skip
def test_each_test_has_its_last_ten_runs_however_they_are_merged(parts, random):
    """In two steps or in one, in any order."""
    all_runs = [
        run(f"k{n:02}", f"{n:02}")._replace(tests={t: {A: PathTiming(1, 1, 1)} for t in tests})
        for n, tests in parts
    ]
    found = united(all_runs)

    for test in "tuv":
        numbers = sorted({n for n, tests in parts if test in tests})
        assert [one.key for one in found if test in one.tests] == [
            f"k{n:02}" for n in numbers[-KEPT:]
        ]
    random.shuffle(all_runs)
    middle = len(all_runs) // 2
    assert united((*united(all_runs[:middle]), *united(all_runs[middle:]))) == found


def test_a_new_baseline_replaces_what_it_has_measured():
    """Of its own tests alone, and not what it has measured before."""
    both = {"t": {A: PathTiming(9, 9, 9)}, "u": {A: PathTiming(9, 9, 9)}}
    runs = [run("a", "1", both), run("b", "2"), run("new.1", "3")]
    new = run("new.2", "4")

    found = replaced(runs, new, {"new.1"})

    assert [(one.key, list(one.tests)) for one in found] == [
        ("a", ["u"]),
        ("new.1", ["t"]),
        ("new.2", ["t"]),
    ]


def test_a_new_baseline_replaces_an_older_one_of_the_same_name():
    """Its first process has no others beside it; parts of one run with other tests are kept."""
    old = run("new.1", "1", {"t": {A: PathTiming(9, 9, 9)}, "u": {A: PathTiming(9, 9, 9)}})
    new = run("new.1", "3")

    (found,) = replaced([old, run("new.2", "2")], new, set())

    assert found.tests == {"t": new.tests["t"], "u": old.tests["u"]}


def test_parts_of_one_run_are_united():
    """Of a test that two have, the one with more repeats counts; the end is the last one."""
    one = run("k", "1", {"a": {A: PathTiming(9, 9, 5)}, "b": {A: PathTiming(1, 1, 1)}})
    two = run("k", "2", {"a": {A: PathTiming(1, 1, 2)}, "c": {A: PathTiming(1, 1, 1)}})
    two = two._replace(revision="abc", fields={"new": 1})

    expected = Run("k", "2", "abc", {**two.tests, **one.tests}, {"new": 1})
    assert united([one, two]) == united([two, one]) == (expected,)


numbers = st.integers(1, 3)
unknown = st.dictionaries(st.sampled_from("xy"), st.sampled_from([0, 1, None, [2]]))
timings = st.builds(PathTiming, numbers, numbers, numbers, unknown)
runs = st.lists(
    st.builds(
        Run,
        st.sampled_from("klm"),
        st.sampled_from(["1", "2", "3"]),
        st.sampled_from([None, "abc", "def"]),
        st.dictionaries(
            st.sampled_from("tu"), st.dictionaries(st.sampled_from([A, B]), timings, min_size=1)
        ),
        st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
    ),
    max_size=5,
)


@given(runs, runs, runs)
def test_the_order_of_merging_is_no_matter(one, two, three):
    """Nor in which steps it is done, nor what comes twice."""
    assert united(one + two) == united(two + one)
    assert united((*united(one + two), *three)) == united((*one, *united(two + three)))
    assert united((*united(one), *united(one))) == united(one)


def test_tests_that_are_gone_leave_all_runs():
    """A run without any test goes, too."""
    runs = [run("k"), run("l", tests={"t": {A: PathTiming(1, 1, 1)}, "u": {}})]

    assert [(one.key, list(one.tests)) for one in without(runs, {"t"})] == [("l", ["u"])]
