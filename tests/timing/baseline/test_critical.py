"""What is surely on the critical path, and what is too close to call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.baseline.critical import surely_critical
from pytest_traces.timing.critical_path import follow, on_path
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits


def sure(forest):
    found = surely_critical(forest, Timeline(forest.spans))
    return {span.name: answer for span, answer in found.items()}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        # one after the other: all
        ([("r", 0, 90), ("r > a", 0, 30), ("r > b", 40, 80)], {"r": True, "a": True, "b": True}),
        # the longer of two is waited for
        ([("r", 0, 90), ("r > a", 0, 80), ("r > b", 0, 20)], {"r": True, "a": True, "b": False}),
        # not twice as long
        ([("r", 0, 90), ("r > a", 0, 80), ("r > b", 0, 50)], {"r": True}),
        # twice as long, but by less than the interpreter takes to switch
        ([("r", 0, 9), ("r > a", 0, 4), ("r > b", 0, 1)], {"r": True}),
        # the other could as well have been over before
        ([("r", 0, 90), ("r > a", 0, 40), ("r > b", 39, 85)], {"r": True, "b": True}),
        # a long one beside two short ones
        ([("r", 0, 99), ("r > a", 5, 60), ("r > b", 0, 20), ("r > c", 30, 99)], {"r": True}),
        # below what is not waited for nothing is, either
        (
            [("r", 0, 90), ("r > a", 0, 80), ("r > b", 0, 20), ("r > b > c", 1, 9)],
            {"r": True, "a": True, "b": False, "c": False},
        ),
        # what outlives its parent may matter to anybody
        ([("r", 0, 90), ("r > a", 0, 30), ("r > a > b", 10, 40)], {}),
        ([("r", 10, 90), ("r > a", 0, 30)], {}),
        # an open span may, too
        ([("r", 0, 90), ("r > a", 0, None)], {}),
        ([("r", 0, None)], {}),
        # several roots
        ([("r", 0, 90), ("s", 0, 50)], {}),
        # at an instant of its own beside another
        ([("r", 0, 90), ("r > a", 5, 5), ("r > b", 5, 5)], {"r": True, "b": True}),
    ],
)  # fmt: skip
def test_cases(grow, lines, expected):
    """Each of them, and nothing about the others."""
    found = sure(grow(*lines))
    if ("r > a", 5, 5) in lines:  # of two that are alike, either
        found["b"] = found.pop("a", found.get("b"))
    assert found == expected


def test_nobody_waits_for_a_consumer(grow):
    """Below its producer, however long it takes; what is below it neither."""
    forest = grow(
        ("r", 0, 50), ("r > p", 1, 2), ("r > p > c", 3, 90), ("r > p > c > d", 4, 200),
        kinds={"r > p": "producer", "r > p > c": "consumer"},
    )  # fmt: skip

    assert sure(forest) == {"r": True, "p": True, "c": False, "d": False}


@st.composite
def trees(draw):
    """Spans within their parents, with many ties."""
    lines, known = [("s0", 0, 200)], [("s0", 0, 200)]
    for number in range(1, draw(st.integers(1, 12))):
        path, low, high = draw(st.sampled_from(known))
        start = draw(st.integers(low, high))
        one = (f"{path} > s{number}", start, draw(st.integers(start, high)))
        lines.append(one)
        known.append(one)
    return lines


@given(trees())
def test_what_is_sure_is_what_the_critical_path_says(grow, lines):
    """Compared with the path itself, for spans that take time."""
    forest = grow(*lines)
    timeline = Timeline(forest.spans)
    on = on_path(follow(Waits(forest.roots[0], timeline)).segments)

    for span, answer in surely_critical(forest, timeline).items():
        if span.duration_ns:
            assert answer == (span in on), span.path


def test_wide_and_deep(grow):
    """20,000 spans in a row, and 20,000 in one another."""
    wide = [("r", 0, 20_001), *((f"r > n{i}", i, i + 1) for i in range(20_000))]
    assert set(sure(grow(*wide)).values()) == {True}

    deep, path = [], ""
    for depth in range(3_000):
        path = f"{path} > n" if path else "n"
        deep.append((path, depth, 9_000 - depth))
    forest = grow(*deep)
    assert len(surely_critical(forest, Timeline(forest.spans))) == 3_000
