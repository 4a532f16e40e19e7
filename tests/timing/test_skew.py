"""Clocks of several hosts."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.skew import align, host_of, host_offsets

HOST = "host.name"


def aligned(timed, tree, rows, hosts):
    forest = timed(*rows, resource=[{HOST: host} for host in hosts])
    waits = tree(forest)
    timeline = align(waits)
    return {span.name: timeline.interval(span) for span in waits.spans}, host_offsets(waits)


def test_a_host_that_is_behind_is_moved_as_little_as_needed(timed, tree):
    """All its spans move by one offset."""
    rows = [
        ("r", None, 0, 100), ("call", 0, 10, 60), ("serve", 1, 2, 40), ("work", 2, 5, 20),
        ("again", 0, 70, 90), ("serve again", 4, 65, 80),
    ]  # fmt: skip
    found, offsets = aligned(timed, tree, rows, "AABBAB")

    assert offsets == {("A", "B"): 8}
    assert found == {
        "r": (0, 100), "call": (10, 60), "serve": (10, 48), "work": (13, 28),
        "again": (70, 90), "serve again": (73, 88),
    }  # fmt: skip


def test_calls_in_both_directions_are_one_pair(timed, tree):
    """What B calls of A says the same of their clocks."""
    rows = [("r", None, 0, 100), ("serve", 0, 110, 160), ("back", 1, 20, 30)]
    found, offsets = aligned(timed, tree, rows, "ABA")

    assert offsets == {("A", "B"): -90}
    assert found["serve"] == (20, 70)


def test_offsets_add_up_from_host_to_host(timed, tree):
    """A host that only a moved host calls moves with it."""
    rows = [("r", None, 0, 100), ("b", 0, 200, 250), ("c", 1, 430, 450)]
    found, _ = aligned(timed, tree, rows, "ABC")

    assert found == {"r": (0, 100), "b": (50, 100), "c": (80, 100)}


def test_what_fits_no_offset_is_left_alone(timed, tree):
    """Two calls that contradict each other; a child longer than its caller; a queue."""
    contradiction = [("r", None, 0, 10), ("a", 0, 20, 29), ("b", 0, -20, -11)]
    outlives = [("r", None, 0, 10), ("a", 0, 20, 50)]
    queue = [("r", None, 0, 10, "producer"), ("a", 0, 20, 25, "consumer")]

    for rows, hosts in ((contradiction, "ABB"), (outlives, "AB"), (queue, "AB")):
        found, _ = aligned(timed, tree, rows, hosts)
        assert found == {name: (start, end) for name, _, start, end, *_ in rows}


@given(st.integers(-50, 50))
def test_any_skew_of_a_call_is_healed(timed, tree, skew):
    """The call lies within its caller, and moved no further than to its edge."""
    found, offsets = aligned(
        timed, tree, [("r", None, 0, 30), ("a", 0, 10 + skew, 20 + skew)], "AB"
    )

    start, end = found["a"]
    assert 0 <= start < end <= 30
    assert abs(offsets["A", "B"]) == max(0, abs(skew) - 10)


def test_what_tells_hosts_apart(timed):
    """The resource, or else the service; spans without either share a clock."""
    rows = [("a", None, 0, 1)] * 5
    forest = timed(
        *rows,
        resource=[
            {HOST: "h", "host.id": "i"},
            {"host.id": "i"},
            {"service.instance.id": 7},
            {},
            {},
        ],
        service=["x", "x", "x", "x", None],
    )

    assert [host_of(span) for span in forest.spans] == ["h", "i", "7", "x", ""]
