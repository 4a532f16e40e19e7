"""How large a forest is, and what it weighs."""

from pytest_traces.assembly import assemble
from pytest_traces.encoding.otlp_size import request_size
from pytest_traces.model import SpanData
from pytest_traces.timing.budget import extent_of, weight_of


def forest_of(*rows):
    """Rows of name, number, parent's number and attributes; times follow the order."""
    return assemble([
        SpanData(name, "ab" * 16, f"{number:016x}", parent and f"{parent:016x}", number, number + 1,
                 attributes=attributes, scope="app", resource={"service.name": "shop"})
        for name, number, parent, attributes in rows
    ])  # fmt: skip


def test_the_extent_of_one_span():
    """One level, no children."""
    extent = extent_of(forest_of(("a", 1, None, {})))

    assert (extent.spans, extent.depth, extent.fanout) == (1, 1, 0)
    assert extent.deepest is extent.widest
    assert extent.names == [("a", 1)]


def test_the_extent_of_several_roots():
    """The deepest and the widest span of all of them, the first one among equals."""
    forest = forest_of(
        ("a", 1, None, {}), ("b", 2, None, {}), ("c", 3, 1, {}), ("c", 4, 2, {}), ("c", 5, 2, {}), ("d", 6, 4, {}),
        ("e", 7, 5, {}),
    )  # fmt: skip
    extent = extent_of(forest)

    assert (extent.spans, extent.depth, extent.fanout) == (7, 3, 2)
    assert (extent.deepest.name, extent.widest.name) == ("d", "b")
    assert extent.names[0] == ("c", 3)


def test_the_weight_is_told_by_name_and_by_attribute():
    """The heaviest first; the parts and what they share are the whole."""
    forest = forest_of(
        ("a", 1, None, {"text": "x" * 100}),
        ("b", 2, 1, {}),
        ("b", 3, 1, {"n": 1, "text": "y" * 200}),
    )
    weight = weight_of(forest)

    assert weight.bytes == request_size(span.data for span in forest.spans)
    assert weight.bytes == weight.shared + sum(size for _, size, _ in weight.names)
    assert [(name, count) for name, _, count in weight.names] == [("b", 2), ("a", 1)]
    assert [(name, count) for name, _, count in weight.attributes] == [("text", 2), ("n", 1)]


def test_a_hundred_thousand_levels():
    """Without recursion."""
    size = 100_000
    forest = forest_of(*(("a", i, i - 1 or None, {}) for i in range(1, size + 1)))

    assert extent_of(forest)[:2] == (size, size)
    assert weight_of(forest).bytes > 50 * size
