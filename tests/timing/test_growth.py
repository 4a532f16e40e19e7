"""Which counts grow with the size, and how."""

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.timing.growth import Sample, grows, growths, rate, steady


def nobody(span, operation):
    return False


def samples_of(*counts, sizes=(2, 8)):
    """Below a root, each name as often as its count; one mapping of names for each size."""
    known = {}
    samples = []
    for size, names in zip(sizes, counts, strict=True):
        spans = [SpanData("root", "ab" * 16, f"{1:016x}", None, 0, 1)]
        for name, count in names.items():
            for _ in range(count):
                number = len(spans) + 1
                spans.append(
                    SpanData(name, "ab" * 16, f"{number:016x}", f"{1:016x}", number, number)
                )
        samples.append(Sample(size, assemble(spans), known))
    return samples


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((2, 8), True), ((2, 2), False), ((8, 2), False), ((0, 1), True), ((9, 1, 2), True), ((2, 9, 2), False),
        ((1, 0, 1), True), ((3, 3, 3), False),
    ],
)  # fmt: skip
def test_grows(counts, expected):
    """The greatest size is compared with the smaller one that has the fewest."""
    assert grows(counts) is expected


@pytest.mark.parametrize(
    ("sizes", "counts", "expected"),
    [
        ((2, 8), (2, 8), "1 per item"),
        ((2, 8), (5, 11), "1 per item"),
        ((2, 8), (6, 24), "3 per item"),
        ((2, 8), (1, 2), "1 per 6 items"),
        ((2, 8), (2, 6), "about 0.67 per item"),
        ((2, 8), (4, 64), "with the square of the size"),
        ((2, 8), (1, 28), "with the square of the size"),
        ((2, 8), (8, 512), "faster than the square"),
        ((2, 8), (0, 8), "only at 8"),
        ((1, 2, 8), (9, 2, 8), "1 per item"),
    ],
)
def test_rate(sizes, counts, expected):
    """In words; a part that is the same at every size is left out."""
    assert rate(sizes, counts) == expected


def test_what_grows_and_what_is_steady():
    """The one that grows; of the rest, how many spans at how many places."""
    samples = samples_of({"a": 2, "b": 3, "c": 5}, {"a": 8, "b": 3, "c": 1})
    (growth,) = growths(samples, nobody)

    assert growth.spot[0].names == ("root", "a")
    assert growth.counts == (2, 8)
    assert len(growth.calls) == 8
    assert steady(samples, [growth]) == (5, 3)


def test_nothing_grows():
    """Equal counts, and less."""
    assert growths(samples_of({"a": 2, "b": 3}, {"a": 2, "b": 1}), nobody) == []


def test_kinds_grow_by_themselves():
    """As many spans of another kind make up for none of this one."""
    known = {}
    samples = [
        Sample(
            size,
            assemble(
                [SpanData("a", "ab" * 16, f"{i:016x}", None, i, i, kind=kind) for i in (1, 2)]
            ),
            known,
        )
        for size, kind in ((2, "client"), (8, "server"))
    ]

    (growth,) = growths(samples, nobody)
    assert growth.spot[1] == "server"
    assert growth.counts == (0, 2)


def test_what_grows_at_the_end_of_a_very_deep_chain():
    """A hundred thousand spans in all, each place found once."""
    known = {}
    size = 50_000
    chains = [
        [SpanData(f"level{i}x", f"{1:032x}", f"{i:016x}", f"{i - 1:016x}" if i > 1 else None, i, i)
         for i in range(1, size + 1)]
        for _ in (2, 8)
    ]  # fmt: skip
    chains[1] += [
        SpanData(f"leaf{i}x", f"{1:032x}", f"{size + i:016x}", f"{size:016x}", i, i)
        for i in range(1, 50)
    ]
    samples = [Sample(2, assemble(chains[0]), known), Sample(8, assemble(chains[1]), known)]

    assert len(growths(samples, nobody)) == 49
