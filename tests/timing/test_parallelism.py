"""Parallelism, against a count of single nanoseconds."""

from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_traces.timing.parallelism import Parallelism, parallelism


@st.composite
def trees(draw):
    rows = [("r", None, draw(st.integers(0, 3)), draw(st.integers(2, 12)))]
    for place in range(1, draw(st.integers(1, 8))):
        start = draw(st.integers(0, 14))
        end = draw(st.one_of(st.none(), st.integers(0, 16)))
        rows.append(("s", draw(st.integers(0, place - 1)), start, end))
    return rows


@given(trees())
def test_a_span_works_while_it_is_open_and_no_child_is(tree, rows):
    """Within the time of the root; what is below an open span is another tree."""
    alive = {0}
    for place, (_, parent, _, end) in enumerate(rows[1:], 1):
        if end is not None and parent in alive:
            alive.add(place)

    def is_open(place, now):
        return rows[place][2] <= now < rows[place][3]

    at_work = [
        sum(
            is_open(place, now)
            and not any(is_open(other, now) for other in alive if rows[other][1] == place)
            for place in alive
        )
        for now in range(*rows[0][2:4])
    ]
    waits, window = tree(*rows), rows[0][3] - rows[0][2]
    assume(waits.root.name == "r" and window > 0)

    average = sum(at_work) / window
    assert parallelism(waits) == Parallelism(window, sum(at_work), average, max(at_work))


def test_a_root_that_took_no_time(tree):
    """Nothing is divided by zero."""
    assert parallelism(tree(("r", None, 5, 5), ("a", 0, 5, 9))) == Parallelism(0, 0, 0.0, 0)
