"""The critical path, against an oracle that goes back one unit of time after another."""

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pytest_traces.timing.critical_path import follow, on_path, shares
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import roots_of

KINDS = st.sampled_from(["internal", "internal", "producer", "consumer"])


@st.composite
def trees(draw):
    """Small trees: ties, zero lengths, ends before starts, skew, outliving children, queues."""
    rows = [("r", None, draw(st.integers(0, 3)), draw(st.integers(3, 12)))]
    for place in range(1, draw(st.integers(1, 8))):
        start = draw(st.integers(0, 14))
        end = draw(st.one_of(st.integers(start, 16), st.integers(0, 16), st.none()))
        name = draw(st.sampled_from("abc"))
        rows.append((name, draw(st.integers(0, place - 1)), start, end, draw(KINDS)))
    return rows


class Oracle:
    """The rules by the letter, without regard to effort."""

    def __init__(self, rows):
        self.rows = rows
        self.parent = {i: row[1] for i, row in enumerate(rows)}
        alive = [i for i, row in enumerate(rows) if row[3] is not None]
        self.start = {i: rows[i][2] for i in alive}
        self.end = {i: max(rows[i][2:4]) for i in alive}
        roots = [i for i in alive if self.parent[i] not in self.end]
        self.root = min(roots, key=lambda i: (self.start[i], -self.end[i], i))
        self.tree = [i for i in alive if self.root in self.chain(i)]
        self.est = {i: max(self.start[j] for j in self.chain(i)) for i in self.tree}
        self.waiter = {i: self.who_waits(i) for i in self.tree if self.end[i] > self.est[i]}

    def chain(self, i):
        """The span and its ancestors, up to the main root or to an open one."""
        chain = [i]
        while chain[-1] != self.root and self.parent[chain[-1]] in self.end:
            chain.append(self.parent[chain[-1]])
        return chain

    def is_apart(self, i):
        kind = [*self.rows[i], "internal"][4]
        above = None if i == self.root else self.parent[i]
        return kind == "consumer" and above is not None and self.rows[above][4:] == ("producer",)

    def who_waits(self, i):
        if i == self.root or self.is_apart(i):
            return None
        for below, above in pairwise(self.chain(i)):
            if self.is_apart(below):
                break
            if self.end[above] >= self.end[i]:
                return above
        return self.parent[i]

    def rank(self, i):
        return -self.end[i], self.est[i], self.rows[i][0], i

    def path(self, until, eps=0):
        """For each unit of time whose it is, backwards."""
        cur, units = self.root, {}
        if until == "last":
            tops = [
                i for i in self.tree if all(self.end[j] < self.end[i] for j in self.chain(i)[1:])
            ]
            cur = min(tops, key=self.rank)
        now = self.end[cur]
        while True:
            below = [
                i
                for i, waiter in self.waiter.items()
                if waiter == cur and now <= self.end[i] <= now + eps and self.est[i] < now
            ]
            if below:
                cur = min(below, key=self.rank)
            elif now > self.est[cur]:
                units[now - 1] = cur if now <= self.end[cur] else None
                now -= 1
            elif cur == self.root:
                return units
            else:
                cur = self.parent[cur]


def units_of(segments):
    """The segments cut into units of time; they tile, and neighbours differ."""
    assert all(one.end_ns == other.start_ns for one, other in pairwise(segments))
    assert all(one.span is not other.span for one, other in pairwise(segments))
    return {
        now: None if span is None else int(span.span_id, 16)
        for start, end, span in segments
        for now in range(start, end)
    }


@settings(max_examples=1_500)
@given(trees(), st.integers(0, 2))
@example([("r", None, 0, 10), ("a", 0, 2, 5), ("b", 1, 6, 9)], 0)
def test_it_is_what_the_rules_say(tree, rows, eps):
    """For the end of the root and for the last end, with and without tolerance."""
    waits, oracle = tree(*rows), Oracle(rows)

    assert int(waits.root.span_id, 16) == oracle.root
    assert {int(span.span_id, 16): begin for span, begin in waits.begin.items()} == oracle.est
    for until in ("root", "last"):
        found = follow(waits, until, eps)
        assert units_of(found.segments) == oracle.path(until, eps), until


@given(trees())
def test_it_tiles_the_root(tree, rows):
    """From its start to its end, without gaps; until the last end, from its start as well."""
    waits = tree(*rows)
    root, last = waits.root, max(waits.end.values())
    first = waits.begin[root]

    for until, end in (("root", waits.end[root]), ("last", last)):
        segments = follow(waits, until).segments
        if first == end:
            assert segments == ()
        else:
            assert (segments[0].start_ns, segments[-1].end_ns) == (first, end)


def test_no_span_below_a_consumer_holds_up_the_producer(tree):
    """Even if it outlives the consumer, whose own end is not waited for either."""
    waits = tree(
        ("r", None, 0, 30), ("send", 0, 10, 20, "producer"), ("take", 1, 12, 25, "consumer"),
        ("work", 2, 13, 28),
    )  # fmt: skip

    path = [(start, end, span and span.name) for start, end, span in follow(waits).segments]
    assert path == [(0, 10, "r"), (10, 20, "send"), (20, 30, "r")]


def test_the_part_below_one_span(tree):
    """It begins at the end of that span, and ends at its start."""
    waits = tree(("r", None, 0, 30), ("a", 0, 5, 20), ("b", 1, 8, 12), ("c", 0, 20, 30))
    a = next(span for span in waits.spans if span.name == "a")

    path = [(start, end, span and span.name) for start, end, span in follow(waits, top=a).segments]
    assert path == [(5, 8, "a"), (8, 12, "b"), (12, 20, "a")]


def test_owners_and_those_above_them(tree):
    """What is on the path, and how much of it each one has itself."""
    waits = tree(
        ("r", None, 0, 30), ("a", 0, 5, 20), ("b", 1, 5, 20), ("c", 0, 2, 4), ("d", 0, 0, 3)
    )
    segments = follow(waits).segments

    assert {span.name for span in on_path(segments)} == {"r", "a", "b", "c"}
    assert {span.name: own for span, own in shares(segments).items()} == {"r": 13, "b": 15, "c": 2}


def test_roots_in_their_order(timed):
    """The first to start, then the last to end, then the first recorded; open ones are none."""
    forest = timed(
        ("late", None, 5, 90), ("short", None, 0, 10), ("main", None, 0, 20), ("same", None, 0, 20),
        ("open", None, 0, None), ("below", 4, 3, 4),
    )  # fmt: skip

    names = [span.name for span in roots_of(forest.spans, Timeline(forest.spans))]
    assert names == ["main", "same", "short", "below", "late"]
