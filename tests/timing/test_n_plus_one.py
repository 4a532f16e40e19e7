"""Which operations repeat, below which span."""

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.timing.n_plus_one import repeats_in


def nobody(span, operation):
    return False


def forest_of(*rows):
    """Rows of number, parent's number, name and fields; times follow the order."""
    return assemble([
        SpanData(name, "ab" * 16, f"{number:016x}", parent and f"{parent:016x}", number * 10, number * 10 + 5,
                 **{"kind": "client", **fields})
        for number, parent, name, fields in rows
    ])  # fmt: skip


def found(*rows, at_least=3, allowed=nobody):
    return [
        (one.ancestor.name, len(one.calls), one.operation, len(one.also))
        for one in repeats_in(forest_of(*rows), at_least, allowed)
    ]


def calls(first, parent, count, name="SELECT", **fields):
    return [(first + i, parent, name, fields) for i in range(count)]


ROOT = (1, None, "root", {"kind": "server"})


def test_three_are_enough_and_two_are_not():
    """As many as are asked for."""
    assert found(ROOT, *calls(2, 1, 3)) == [("root", 3, "SELECT", 0)]
    assert found(ROOT, *calls(2, 1, 2)) == []
    assert found(ROOT, *calls(2, 1, 2), at_least=2) == [("root", 2, "SELECT", 0)]


def test_they_need_not_be_neighbours():
    """Other calls in between change nothing."""
    rows = [
        ROOT,
        (2, 1, "a", {}),
        (3, 1, "b", {}),
        (4, 1, "a", {}),
        (5, 1, "c", {}),
        (6, 1, "a", {}),
    ]

    assert found(*rows) == [("root", 3, "a", 0)]


def test_one_below_each_of_several_spans_is_found_at_their_parent():
    """Resolvers with one query each, whatever numbers are in their names."""
    rows = [ROOT]
    for i in range(4):
        rows += [
            (10 + 2 * i, 1, f"resolve {i}", {"kind": "internal"}),
            (11 + 2 * i, 10 + 2 * i, "SELECT", {}),
        ]

    assert found(*rows) == [("root", 4, "SELECT", 0)]


def test_another_kind_path_or_operation_is_something_else():
    """Each of the three counts by itself."""
    assert found(ROOT, *calls(2, 1, 2), *calls(4, 1, 2, kind="producer")) == []
    assert found(ROOT, *calls(2, 1, 2), (4, 1, "load", {"kind": "internal"}), *calls(5, 4, 2)) == []
    statements = [
        (number, 1, "SELECT", {"attributes": {"db.statement": f"select {name} from t"}})
        for number, name in ((2, "a"), (3, "b"), (4, "c"))
    ]
    assert found(ROOT, *statements) == []


def test_two_roots_have_nothing_in_common():
    """Requests with one query each."""
    rows = [
        row
        for i in range(4)
        for row in ((10 + 2 * i, None, "GET /", {}), (11 + 2 * i, 10 + 2 * i, "SELECT", {}))
    ]

    assert found(*rows) == []
    assert found(*calls(1, None, 5)) == []


def test_the_innermost_ancestor_is_told_once():
    """Not again for those that are above it; equal places are told as one."""
    rows = [
        ROOT,
        *((2 + i, 1, "handle", {"kind": "internal"}) for i in range(2)),
        *calls(10, 2, 3),
        *calls(20, 3, 5),
    ]

    assert found(*rows) == [("handle", 5, "SELECT", 1)]


def test_what_an_inner_ancestor_has_does_not_count_for_the_outer_one():
    """What is left does."""
    rows = [ROOT, *((2 + i, 1, "handle", {"kind": "internal"}) for i in range(4)), *calls(10, 2, 3)]
    rows += [(20 + i, 3 + i, "SELECT", {}) for i in range(3)]

    assert sorted(found(*rows)) == [("handle", 3, "SELECT", 0), ("root", 3, "SELECT", 0)]


def test_what_is_below_a_repeated_call_comes_with_it():
    """The server's spans are the client's matter; what repeats within one of them is not."""
    rows = [ROOT]
    for i in range(3):
        rows += [
            (10 + 10 * i, 1, "GET", {}),
            (11 + 10 * i, 10 + 10 * i, "GET /x", {"kind": "server"}),
        ]
        rows += calls(12 + 10 * i, 11 + 10 * i, 1 if i else 4)

    assert found(*rows) == [("GET /x", 4, "SELECT", 0), ("root", 3, "GET", 0)]


def test_a_call_that_repeats_further_down_covers_nothing_further_up():
    """One branch calls three times; each branch has one query below its calls."""
    rows = [ROOT]
    for branch in (10, 20, 30):
        rows += [
            (branch, 1, "step", {"kind": "internal"}),
            *calls(branch + 1, branch, 3 if branch == 10 else 1, "GET"),
        ]
        rows += [(branch + 5, branch + 1, "SELECT", {})]

    assert sorted(found(*rows)) == [("root", 3, "SELECT", 0), ("step", 3, "GET", 0)]


@pytest.mark.parametrize("key", ["http.url", "url.full", "server.address"])
def test_requests_to_several_hosts_are_several_things(key):
    """And so is what they do there, even if all of them call it the same; at one host it is one."""

    def rows(*hosts):
        for i, host in enumerate(hosts):
            value = host if key == "server.address" else f"http://{host}/{host}"
            yield 10 + 3 * i, 1, "GET", {"attributes": {key: value, "server.port": 80}}
            yield 11 + 3 * i, 10 + 3 * i, "GET /price", {"kind": "server"}
            yield 12 + 3 * i, 11 + 3 * i, "SELECT", {}

    several = [("root", 3, "GET", 0)] if key == "server.address" else []
    assert found(ROOT, *rows("a", "b", "c")) == several
    assert len(found(ROOT, *rows("a", "a", "a"))) == 1


def test_calls_that_were_tried_again_are_one():
    """Failed, and over before the next one began."""
    error = {"status": "error"}

    assert found(ROOT, (2, 1, "GET", error), (3, 1, "GET", error), (4, 1, "GET", {})) == []
    assert found(ROOT, (2, 1, "GET", error), (3, 1, "GET", error), (4, 1, "GET", error)) == []
    rows = [
        row for i in range(3) for row in ((10 + 2 * i, 1, "GET", error), (11 + 2 * i, 1, "GET", {}))
    ]
    assert found(ROOT, *rows) == [("root", 3, "GET", 0)]


def test_attempts_with_calls_below_them_are_one():
    """What is below a failed attempt counts for that attempt alone."""
    rows = [ROOT]
    for i in range(3):
        status = {"status": "ok" if i == 2 else "error"}
        rows += [(10 + 10 * i, 1, f"attempt {i}", {"kind": "internal", **status})]
        rows += calls(11 + 10 * i, 10 + 10 * i, 3 if i == 1 else 1, **status, name="GET")

    assert found(*rows) == []
    rows = [(number, parent, name, {**fields, "status": "unset"} if name == "GET" else fields)
            for number, parent, name, fields in rows]  # fmt: skip
    assert found(*rows) == [("attempt 1", 3, "GET", 0)]


def test_failures_with_other_values_are_no_retries():
    """Three items that are not there were asked for one by one."""
    rows = [
        (
            10 + i,
            1,
            "GET",
            {"status": "error", "attributes": {"http.method": "GET", "http.url": f"http://a/{i}"}},
        )
        for i in range(3)
    ]

    assert found(ROOT, *rows) == [("root", 3, "GET http://a/#", 0)]


def test_failures_at_once_are_no_retries():
    """The next one began before the failure."""
    spans = [
        SpanData(name, "ab" * 16, f"{number:016x}", None if number == 1 else f"{1:016x}", number, 100,
                 kind="client", status="error")
        for number, name in ((1, "root"), (2, "GET"), (3, "GET"), (4, "GET"))
    ]  # fmt: skip

    assert len(repeats_in(assemble(spans), 3, nobody)) == 1


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("GET / http send", {"kind": "internal"}),
        ("connect", {"attributes": {"db.system": "sqlite"}}),
        ("COMMIT", {"attributes": {"db.system.name": "sqlite"}}),
        ("shop", {"attributes": {"db.system": "sqlite", "db.statement": "SAVEPOINT sa_1"}}),
    ],
)
def test_what_frames_the_work_is_none(name, fields):
    """Messages of ASGI, connections, transactions."""
    assert found(ROOT, *calls(2, 1, 5, name=name, **fields)) == []


def test_internal_spans_count_where_nothing_is_below_them():
    """As those of a tracer written by hand, which knows no kinds."""
    assert found(ROOT, *calls(2, 1, 3, name="load", kind="internal")) == [("root", 3, "load", 0)]
    rows = [row for i in range(3) for row in ((10 + 2 * i, 1, "step", {"kind": "internal"}),
                                              (11 + 2 * i, 10 + 2 * i, "abc"[i], {}))]  # fmt: skip
    assert found(ROOT, *rows) == []


def test_what_is_allowed_may_repeat_with_all_that_is_below():
    """By span or by operation."""
    rows = [ROOT]
    for i in range(3):
        rows += [(10 + 2 * i, 1, "GET", {}), (11 + 2 * i, 10 + 2 * i, "GET /x", {"kind": "server"})]

    assert found(*rows, allowed=lambda span, operation: span.name == "GET") == []
    assert found(*rows, allowed=lambda span, operation: operation == "GET /x") == [
        ("root", 3, "GET", 0)
    ]


def brute_force(forest, at_least):
    """Deepest ancestors first, by looking at all pairs; without retries and coverage."""
    remaining = {}
    for span in forest.spans:
        names = [one.name for one in span.ancestors]
        if span.parent is not None and not span.children:
            remaining[span] = (tuple(names), span.name)
    groups = Counter()
    by_depth = sorted(forest.spans, key=lambda one: -len(list(one.ancestors)))
    for ancestor in by_depth:
        below = defaultdict(list)
        for span in ancestor.descendants:
            if span in remaining:
                below[remaining[span]].append(span)
        for members in below.values():
            if len(members) >= at_least:
                groups[ancestor.span_id, members[0].name, len(members)] += 1
                for span in members:
                    del remaining[span]
    return groups


@settings(deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 60), st.integers(2, 4))
def test_the_groups_are_those_of_a_slow_and_simple_search(seed, size, at_least):
    """On random trees of internal spans, in which nothing can be covered: only leaves count."""
    draw = random.Random(seed)
    rows = [ROOT] + [
        (i, draw.randint(max(1, i - 6), i - 1), draw.choice("ab"), {"kind": "internal"})
        for i in range(2, size)
    ]
    forest = forest_of(*rows)
    expected = brute_force(forest, at_least)

    actual = Counter()
    for one in repeats_in(forest, at_least, nobody):
        actual[len(one.calls)] += 1
        assert one.calls[0].name == one.operation
    # Equal places are told as one, the worst of them.
    assert set(actual) <= {count for _, _, count in expected}
    total = sum(1 + len(one.also) for one in repeats_in(forest, at_least, nobody))
    assert total == sum(expected.values())


@pytest.mark.parametrize("shape", ["wide", "deep", "chains", "comb"])
def test_a_hundred_thousand_spans(shape):
    """Wide, deep, a few deep chains with many operations at their ends, and a comb."""
    size = 100_000
    if shape == "wide":
        rows = [ROOT, *((i, 1, "SELECT", {}) for i in range(2, size))]
    elif shape == "deep":
        rows = [ROOT, *((i, i - 1, "SELECT", {}) for i in range(2, size))]
    elif shape == "comb":
        rows = [ROOT]
        for i in range(4, size, 3):
            rows += [
                (i - 2, max(1, i - 5), "step", {"kind": "internal"}),
                (i - 1, i - 2, "a", {}),
                (i, i - 2, "a", {}),
            ]
    else:
        rows = [ROOT]
        for chain in (1, 2, 3):
            first = chain * 30_000
            rows += [
                (first + i, first + i - 1 if i else 1, "step", {"kind": "internal"})
                for i in range(20_000)
            ]
            rows += [(first + 20_000 + i, first + 19_999, f"op{i}x", {}) for i in range(9_000)]

    repeats = repeats_in(forest_of(*rows), 3, nobody)

    assert len(repeats) == {"wide": 1, "deep": 0, "chains": 9_000, "comb": 0}[shape]
