from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import SpanData

BASE = 10**18


def span(name: str, number: int, parent: int | None, start: int, end: int | None) -> SpanData:
    parent_id = None if parent is None else f"{parent:016x}"
    end_ns = None if end is None else BASE + end
    return SpanData(name, "ab" * 16, f"{number:016x}", parent_id, BASE + start, end_ns)


@pytest.fixture
def forest() -> Forest:
    return assemble(
        [
            span("root", 1, None, 0, 1_500_000),
            span("a", 2, 1, 10, 20),
            span("b", 3, 2, 11, 12),
            span("c", 4, 1, 30, None),
        ]
    )


def test_where_a_span_stands(forest: Forest) -> None:
    """Parent, children, ancestors, descendants, path and trace."""
    root, a, b, c = forest.spans
    assert b.parent is a
    assert root.children == [a, c]
    assert [one.name for one in b.ancestors] == ["a", "root"]
    assert [one.name for one in root.descendants] == ["a", "b", "c"]
    assert b.path == "root > a > b"
    assert root.trace.spans == forest.spans
    assert root.trace.roots == (root,)


def test_how_long_a_span_took(forest: Forest) -> None:
    """Exact in nanoseconds, rounded as a timedelta, None while it is open."""
    root, a, _, c = forest.spans
    assert root.duration_ns == 1_500_000
    assert root.duration == timedelta(milliseconds=1.5)
    assert (c.duration_ns, c.duration, c.self_time_ns, c.self_time) == (None, None, None, None)
    assert a.self_time_ns == 9
    assert root.self_time == timedelta(microseconds=1499.99)


def test_a_readable_repr(forest: Forest) -> None:
    """Name, kind and duration; no address, no id."""
    assert repr(forest.spans[0]) == "<Span 'root' internal 1.50 ms>"
    assert repr(forest.spans[3]) == "<Span 'c' internal open>"


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(0, 12) | st.none()), max_size=8))
def test_self_time_is_what_no_child_covers(children: list[tuple[int, int | None]]) -> None:
    """Counted one nanosecond at a time."""
    data = [span("root", 1, None, 0, 20)]
    data += [
        span("child", number, 1, start, None if took is None else start + took)
        for number, (start, took) in enumerate(children, 2)
    ]
    uncovered = sum(
        not any(took is not None and start <= t < start + took for start, took in children)
        for t in range(20)
    )

    root = next(one for one in assemble(data).spans if one.name == "root")
    assert root.self_time_ns == uncovered
