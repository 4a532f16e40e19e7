"""What is compared, what is certain, and what an update keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.baseline.measure import PathMeasure
from pytest_traces.timing.baseline.structure import (
    PathStructure,
    StructureChange,
    compare,
    structure_of,
    updated,
)

A, B = ("a",), ("a", "b")
ONE = PathStructure((1, 1), (1, 1), True)


def measured(count=1, peak=(1, 1), critical=True, work=None):
    return PathMeasure(count, peak, critical, work, (1,) * count)


def test_equal_repeats_are_one_structure():
    """Numbers are numbers where all repeats agree."""
    repeats = [{A: measured(work=7)}] * 3

    assert structure_of(repeats, "cpython-3.12") == {
        A: PathStructure((1, 1), (1, 1), True, {"cpython-3.12": 7})
    }


def test_repeats_that_differ_give_ranges():
    """A path that one repeat has not, is there 0 times in it; what differs is not known."""
    repeats = [
        {A: measured(2, (1, 1), True, 7), B: measured()},
        {A: measured(4, (1, 3), None, 8)},
    ]

    assert structure_of(repeats, "x") == {
        A: PathStructure((2, 4), (1, 3), None),
        B: PathStructure((0, 1), (1, 1), True),
    }


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (ONE, ONE, []),
        (None, ONE, ["added"]),
        (ONE, None, ["gone"]),
        (PathStructure((0, 2), (1, 1)), None, []),
        (ONE, PathStructure((2, 2), (1, 1), True), ["count"]),
        (ONE, PathStructure((1, 2), (1, 1), True), ["count"]),
        (ONE, PathStructure((0, 1), (1, 1), True), ["count"]),
        (PathStructure((1, 5), (1, 1)), PathStructure((2, 4), (1, 1)), []),
        (PathStructure((9, 9), (3, 3)), PathStructure((9, 9), (1, 1)), ["peak"]),
        (PathStructure((9, 9), (1, 1)), PathStructure((9, 9), (2, 3)), ["peak"]),
        # in some repeats only, or by luck
        (PathStructure((9, 9), (3, 3)), PathStructure((9, 9), (1, 3)), []),
        (PathStructure((9, 9), (1, 2)), PathStructure((9, 9), (1, 1)), []),
        (ONE, PathStructure((1, 1), (1, 1), False), ["critical"]),
        (ONE, PathStructure((1, 1), (1, 1), None), []),
        (PathStructure((1, 1), (1, 1), None), ONE, []),
        (
            PathStructure((1, 1), (1, 1), work={"x": 7}),
            PathStructure((1, 1), (1, 1), work={"x": 8}),
            ["work"],
        ),
        # another interpreter counts other events
        (
            PathStructure((1, 1), (1, 1), work={"x": 7}),
            PathStructure((1, 1), (1, 1), work={"y": 8}),
            [],
        ),
        (
            PathStructure((1, 1), (1, 1), True),
            PathStructure((2, 2), (2, 2), False),
            ["count", "peak", "critical"],
        ),
    ],
)
def test_only_what_is_certain_is_a_difference(before, after, kinds):
    """What luck may change is none, and an update keeps it as it is."""
    old = {} if before is None else {A: before}
    now = {} if after is None else {A: after}

    assert compare(old, now) == [StructureChange(kind, A, before, after) for kind in kinds]
    if not kinds:
        kept = updated(old, now)[A]
        assert (kept.count, kept.peak, kept.critical) == (
            before.count, before.peak, before.critical,
        )  # fmt: skip
    assert compare(updated(old, now), now) == []


def test_differences_come_in_order_of_the_paths():
    """Parents before what is below them."""
    changes = compare({}, {B: ONE, A: ONE, ("Z",): ONE})

    assert [change.path for change in changes] == [("Z",), A, B]


def test_an_update_takes_what_has_changed_and_keeps_the_rest():
    """A path with another number is taken whole; work of other interpreters stays."""
    old = {
        A: PathStructure((1, 1), (1, 2), True, {"x": 1}),
        B: PathStructure((1, 1), (1, 1), True, {"x": 1}),
    }
    now = {
        A: PathStructure((1, 1), (1, 1), False, {"y": 2}),
        B: PathStructure((3, 3), (2, 2), None, {"y": 2}),
    }

    assert updated(old, now) == {
        A: PathStructure((1, 1), (1, 2), False, {"x": 1, "y": 2}),
        B: PathStructure((3, 3), (2, 2), None, {"y": 2}),
    }


ranges = st.tuples(st.integers(1, 4), st.integers(0, 2)).map(lambda one: (one[0], sum(one)))
structures = st.dictionaries(
    st.sampled_from([A, B, ("c",)]),
    st.builds(
        PathStructure,
        ranges,
        ranges,
        st.sampled_from([True, False, None]),
        st.dictionaries(st.sampled_from("xy"), st.integers(0, 2)),
    ),
)


@given(structures, structures)
def test_after_an_update_nothing_is_different(old, now):
    """And the same run again changes nothing."""
    kept = updated(old, now)

    assert compare(kept, now) == []
    assert updated(kept, now) == kept


@given(structures)
def test_nothing_differs_from_itself(structure):
    """An update with it keeps it."""
    assert compare(structure, structure) == []
    assert updated(structure, structure) == structure
