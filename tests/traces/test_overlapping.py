"""Assertions on what ran at once, and what was waited for: their messages, whole."""

import textwrap

import pytest

from pytest_traces import CriticalPath, Parallelism, Segment, glob, record
from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData, Stamps
from pytest_traces.recording import Attempt

START = 1_700_000_000_000
MS = 1_000_000

CHECKOUT = [
    ("POST /checkout", 0, 231),
    ("POST /checkout > SELECT orders", 2, 16),
    ("POST /checkout > POST", 18, 216),
    ("POST /checkout > POST > POST /charge", 22, 212),
    ("POST /checkout > GET /stock", 20, 60),
    ("POST /checkout > publish", 229, 230, "producer"),
    ("POST /checkout > publish > handle", 230, 300, "consumer"),
]
GATHERED = [("r", 0, 100), ("r > GET", 10, 60), ("r > GET", 20, 90), ("r > GET", 90, 95)]


@pytest.fixture
def ran(act):
    """Adds spans by path, start and end in milliseconds, and perhaps a kind."""

    def ran(*rows, trace=1):
        ids = {}
        for number, (path, start, end, *kind) in enumerate(rows, 1):
            above, _, name = path.rpartition(" > ")
            ids[path] = trace * 1_000 + number
            times = {"start": START + start, "end": None if end is None else START + end}
            parent = {"parent_id": ids.get(above), "kind": kind[0] if kind else "internal"}
            act.add({"trace_id": trace, "span_id": ids[path], "name": name, **parent, **times})

    return ran


def failure(call):
    with pytest.raises(AssertionError) as caught:
        call()
    assert max(len(line) for line in str(caught.value).splitlines()) <= 100
    return str(caught.value)


def text(block):
    return textwrap.dedent(block).strip("\n")


def test_sequential_where_none_began_before_another_ended(act, ran):
    """The instant at which one ends and another begins is none at which both are open."""
    ran(("r", 0, 100), ("r > GET", 10, 60), ("r > GET", 60, 90), ("r > GET > GET", 61, 62))

    act.assert_sequential("GET")
    act.assert_sequential("r")
    act.assert_sequential(glob("G*"), inside="r", kind="internal")


def test_concurrent_where_sequential_was_wanted(act, ran):
    """Which ones overlap, and for how long."""
    ran(*GATHERED)

    assert failure(lambda: act.assert_sequential("GET")) == text("""
        expected 'GET' one after another, but 2 of 3 ran at the same time

            r         100 ms  ▕██████████████████████████████▏  self 15.0 ms
          ~ ├─ GET   50.0 ms  ▕   ███████████████            ▏
          ~ ├─ GET   70.0 ms  ▕      █████████████████████   ▏
            └─ GET   5.00 ms  ▕                           ██ ▏

          the first to overlap are two of 'r > GET', for 40.0 ms

          hint:  if that is meant: assert_concurrent with at_least=2
    """)


def test_different_names_that_should_be_in_sequence(act, ran):
    """They are told by their paths."""
    ran(("r", 0, 100), ("r > GET a", 10, 60), ("r > GET b", 59, 90))

    message = failure(lambda: act.assert_sequential(glob("GET *")))
    assert message.startswith(
        "expected glob('GET *') one after another, but 2 ran at the same time\n"
    )
    assert "  the first to overlap are 'r > GET a' and 'r > GET b', for 1.00 ms\n" in message


def test_one_without_length_within_another_is_not_in_sequence(act, ran):
    """It was over before the other one went on."""
    ran(("r", 0, 100), ("r > GET", 10, 60), ("r > GET", 20, 20))

    assert "two of 'r > GET': one took no time and lies within the other" in failure(
        lambda: act.assert_sequential("GET")
    )


def test_at_once(act, ran):
    """Of several names one each; of one name as many as wanted; keywords hold for all."""
    ran(*CHECKOUT)
    ran(*GATHERED, trace=2)

    act.assert_concurrent("POST", "GET /stock", kind="internal")
    act.assert_concurrent("POST /charge", "GET /stock", inside="POST /checkout")
    act.assert_concurrent("GET")
    act.assert_concurrent("GET", at_least=2)
    act.assert_concurrent("GET", "GET")


def test_sequential_where_concurrent_was_wanted(act, ran):
    """How far apart they are."""
    ran(*CHECKOUT[:5])

    assert failure(lambda: act.assert_concurrent("SELECT orders", "GET /stock")) == text("""
        expected 'SELECT orders' and 'GET /stock' at the same time, but they never overlap

            POST /checkout        231 ms  ▕██████████████████████████████▏  self 19.0 ms
          ~ ├─ SELECT orders     14.0 ms  ▕██                            ▏
            ├─ POST               198 ms  ▕  ██████████████████████████  ▏  self 8.00 ms
            │  └─ POST /charge    190 ms  ▕  ██████████████████████████  ▏
          ~ └─ GET /stock        40.0 ms  ▕  ██████                      ▏

          'POST /checkout > GET /stock' began 4.00 ms after 'POST /checkout > SELECT orders' had ended

          hint:  start them together: asyncio.gather, a task group or a pool of threads
    """)


def test_too_few_of_one_name_at_once(act, ran):
    """How many there were at most, and how many in all."""
    ran(*GATHERED)

    assert failure(lambda: act.assert_concurrent("GET", at_least=3)) == text("""
        expected 3 × 'GET' at the same time, but at most 2 of 3 were

            r         100 ms  ▕██████████████████████████████▏  self 15.0 ms
          ~ ├─ GET   50.0 ms  ▕   ███████████████            ▏
          ~ ├─ GET   70.0 ms  ▕      █████████████████████   ▏
          ~ └─ GET   5.00 ms  ▕                           ██ ▏

          the next one and the one before overlap, but not with enough others

          hint:  start them together: asyncio.gather, a task group or a pool of threads
    """)


@pytest.mark.parametrize(
    ("rows", "names", "verdict", "fact"),
    [
        (
            [("r", 0, 9), ("r > a", 1, 3), ("r > a", 3, 6)], ["a"],
            "expected 2 × 'a' at the same time, but all 2 ran one after another",
            "the next one began at the instant at which the one before ended",
        ),
        (
            [("r", 0, 9), ("r > a", 1, 3)], ["a"],
            "expected 2 × 'a' at the same time, but there is only one", None,
        ),
        (
            [("r", 0, 9), ("r > a", 1, 3)], ["r", "a"],
            "expected 'r' and 'a' at the same time, but they never overlap",
            "'r > a' ran inside 'r', not beside it",
        ),
        (
            [("r", 0, 9), ("r > a", 1, 3), ("r > b", 2, 5), ("r > c", 6, 7)], ["a", "b", "c"],
            "expected 'a', 'b' and 'c' at the same time, but at most 2 of them were: 'a' and 'b'",
            "'r > b' and 'r > a' overlap, but not with enough others",
        ),
        (
            [("r", 0, 9), ("r > a", 1, 2), ("r > b", 3, 4), ("r > c", 6, 7)], ["a", "b", "c"],
            "expected 'a', 'b' and 'c' at the same time, but no two of them overlap",
            "'r > b' began 1.00 ms after 'r > a' had ended",
        ),
    ],
)  # fmt: skip
def test_why_they_were_not_at_once(act, ran, rows, names, verdict, fact):
    """A span inside another one is not beside it; the nearest pair is told."""
    ran(*rows)

    lines = failure(lambda: act.assert_concurrent(*names)).splitlines()
    assert lines[0] == verdict
    assert fact is None or f"  {fact}" in lines


def test_a_call_that_is_not_there_cannot_overlap(act, ran):
    """Then that is the point, and not how they are started."""
    ran(("r", 0, 9), ("r > a", 1, 3), ("r > a", 4, 5))

    message = failure(lambda: act.assert_concurrent("a", at_least=3))
    assert message.splitlines()[0] == ("expected 3 × 'a' at the same time, but there are only 2")
    assert "hint" not in message


@pytest.mark.parametrize("moved", ["a", "b", "c"])
def test_the_one_that_was_moved_away_is_named(act, ran, moved):
    """Of three that should run at once."""
    rows = {"a": (1, 9), "b": (2, 9), "c": (3, 9)} | {moved: (20, 22)}
    ran(("r", 0, 30), *((f"r > {name}", *times) for name, times in rows.items()))

    message = failure(lambda: act.assert_concurrent("a", "b", "c"))
    others = [name for name in rows if name != moved]
    assert f"at most 2 of them were: '{others[0]}' and '{others[1]}'" in message
    act.assert_concurrent(*others)


def test_on_the_critical_path(act, ran):
    """A span that has a part of it itself, or one below it that has."""
    ran(*CHECKOUT)

    act.assert_on_critical_path("POST /charge")
    act.assert_on_critical_path("POST")
    act.assert_on_critical_path("POST /checkout")
    act.assert_on_critical_path("handle", until="last", kind="consumer")


def test_not_on_the_critical_path(act, ran):
    """Where the path is, and where the span stands."""
    ran(*CHECKOUT[:6])

    assert failure(lambda: act.assert_on_critical_path("GET /stock")) == text("""
        'GET /stock' is not on the critical path of 'POST /checkout'

            POST /checkout        231 ms  ▕███████████████████████▏  self 18.0 ms
            ├─ SELECT orders     14.0 ms  ▕██                     ▏  on the critical path: 6 % of the whole
            ├─ POST               198 ms  ▕ █████████████████████ ▏  self 8.00 ms, on the critical path
            │  └─ POST /charge    190 ms  ▕  ███████████████████  ▏  on the critical path: 82 % of the whole
          ~ ├─ GET /stock        40.0 ms  ▕ █████                 ▏
            └─ publish           1.00 ms  ▕                      ▏▏  on the critical path

          when 'GET /stock' ended, the path was in 'POST /charge', for 152 ms more
          82 % of the path is 'POST /charge'
    """)


@pytest.mark.parametrize(
    ("rows", "fact"),
    [
        (
            [("r", 0, 9), ("r > s", 1, 2, "producer"), ("r > s > q", 3, 4, "consumer"), ("r > s > q > x", 3, 4)],
            "'x' is consumed from a queue: its producer does not wait for it",
        ),
        (
            [("r", 0, 9), ("r > x", 1, 12)],
            "'x' ended 3.00 ms after the path; until=\"last\" follows it from there",
        ),
        (
            [("r", 0, 9), ("r > a", 1, 2), ("r > a > b", 6, 9), ("r > x", 3, 4)],
            "'x' ended when nobody may have waited for it",
        ),
        ([("r", 0, 0), ("r > x", 0, 0)], "'x' ended when nobody may have waited for it"),
    ],
)  # fmt: skip
def test_why_nobody_waited(act, ran, rows, fact):
    """Consumers, what outlives the path, and what ended while something lay in a queue."""
    ran(*rows)

    assert f"  {fact}" in failure(lambda: act.assert_on_critical_path("x")).splitlines()


def test_too_close_to_call(act, ran):
    """For the one that is on the path, and for the one that just is not."""
    ran(("r", 0, 100), ("r > a", 10, 60), ("r > b", 10, 80))

    for name in ("a", "b"):
        assert failure(lambda name=name: act.assert_on_critical_path(name)) == text(f"""
            too close to call whether '{name}' is on the critical path

                r       100 ms  ▕██████████████████████████████▏  self 30.0 ms
              ~ ├─ a   50.0 ms  ▕   ███████████████            ▏
              ~ └─ b   70.0 ms  ▕   █████████████████████      ▏  on the critical path: 70 % of the whole

              'b' took 70.0 ms; 'a', at the same time, ended after 50.0 ms of it
              which of them was waited for is only told where the longer took 1.5 times as long
        """)
    act.assert_on_critical_path(glob("[ab]"))


def test_a_server_that_ends_after_its_client(act, ran):
    """What it is below is no rival of it."""
    ran(("r", 0, 100), ("r > call", 10, 60, "client"), ("r > call > serve", 11, 62, "server"))

    act.assert_on_critical_path("serve")
    act.assert_on_critical_path("call")


@pytest.mark.parametrize(
    ("attempt", "wanted", "more"),
    [
        (Attempt(), False, None),
        (Attempt(can_repeat=True), False, "  hint:  @pytest.mark.traces(attempts=5) runs the test again until it is clear"),
        (Attempt(2, 5, can_repeat=True), True, "  attempt 2 of 5"),
        (Attempt(5, 5, can_repeat=True), False, "  attempt 5 of 5"),
    ],
)  # fmt: skip
def test_too_close_asks_for_another_attempt(act, ran, attempt, wanted, more):
    """While there is one left; then it fails."""
    act._frame.recording.attempt = attempt
    ran(("r", 0, 100), ("r > a", 10, 60), ("r > b", 10, 80))

    message = failure(lambda: act.assert_on_critical_path("b"))
    verdict = "too close to call whether 'b' is on the critical path"
    assert attempt.doubted == (verdict if wanted else None)
    assert more is None or message.splitlines()[-1] == more


def test_a_span_in_another_tree(act, ran):
    """A root of its own is on no other path, although it is on its own."""
    ran(("r", 0, 100), ("r > a", 10, 30))
    ran(("o", 10, 40), ("o > b", 20, 30), trace=2)

    assert failure(lambda: act.assert_on_critical_path("b")) == text("""
        'b' is not on the critical path of 'r'

            r       100 ms  ▕██████████████████████████████▏  self 80.0 ms
            └─ a   20.0 ms  ▕   ██████                     ▏
            o      30.0 ms  ▕   █████████                  ▏  self 20.0 ms
          ~ └─ b   10.0 ms  ▕      ███                     ▏

          the path is that of the first root to start; 'b' is not below it

          hint:  for the other tree: traces.only('o').assert_on_critical_path(...)
    """)
    act.only("o").assert_on_critical_path("b")


ALL = pytest.mark.parametrize(
    "call",
    [
        lambda act: act.assert_sequential("a"),
        lambda act: act.assert_concurrent("a", at_least=2),
        lambda act: act.assert_concurrent("a", "r"),
        lambda act: act.assert_on_critical_path("a"),
    ],
)


@ALL
def test_nothing_matches(act, ran, call):
    """No assertion holds for nothing; what was captured is told."""
    ran(("r", 0, 5))

    assert failure(lambda: call(act)) == text("""
        no span fits 'a'

          r  internal  5.00 ms

          what was captured:
            opentelemetry   left out by traces_sources
            hand-written    1 span
    """)


@ALL
def test_an_open_span_fails(act, ran, call):
    """Nobody knows when it ran."""
    ran(("r", 0, 9), ("r > a", 1, 3), ("r > a", 1, None))

    assert failure(lambda: call(act)).splitlines()[0] == "'r > a' has not ended"


@ALL
def test_a_span_that_ended_before_it_started_fails(act, monkeypatch, call):
    """Its times mean nothing."""
    times = {"r": (None, 0, 9), "a": ("r", 5, 3)}
    forest = assemble(SpanData(key, "1", key, *one) for key, one in times.items())
    monkeypatch.setattr(type(act), "_forest", lambda self: forest)

    verdict = "'r > a' ended before it started, so nothing can be said of when it ran"
    assert failure(lambda: call(act)).splitlines()[0] == verdict


@ALL
def test_what_a_view_leaves_out_cannot_be_asserted_on(act, ran, call):
    """It is an error."""
    ran(("r", 0, 9), ("r > a", 5, 8))

    with pytest.raises(ValueError, match="'a' is left out by"):
        call(act.ignoring("a"))


def test_open_spans_elsewhere_fail(act, ran):
    """They might bring one more."""
    ran(("r", 0, 9), ("r > a", 1, 3), ("s", 1, None))

    verdict = "what runs at the same time cannot be told while spans are open: 's'"
    assert failure(lambda: act.assert_sequential("a")).splitlines()[0] == verdict.replace(
        "runs", "ran"
    )
    verdict = "the critical path cannot be told while spans are open: 's'"
    assert failure(lambda: act.assert_on_critical_path("a")).splitlines()[0] == verdict


def test_a_path_that_can_be_read(act, ran):
    """A tuple of segments that tile the root, and a table."""
    ran(*CHECKOUT)
    path = act.critical_path()

    assert isinstance(path, CriticalPath)
    assert all(isinstance(one, Segment) for one in path)
    assert path[0].start_ns == START * MS
    assert [one.span.name for one in path][:3] == [
        "POST /checkout",
        "SELECT orders",
        "POST /checkout",
    ]
    assert str(path) == text("""
        critical path: 231 ms in 9 segments

                at        took   share
              0 ns     2.00 ms     1 %   'POST /checkout'
           2.00 ms     14.0 ms     6 %   'POST /checkout > SELECT orders'
           16.0 ms     2.00 ms     1 %   'POST /checkout'
           18.0 ms     4.00 ms     2 %   'POST /checkout > POST'
           22.0 ms      190 ms    82 %   'POST /checkout > POST > POST /charge'
            212 ms     4.00 ms     2 %   'POST /checkout > POST'
            216 ms     13.0 ms     6 %   'POST /checkout'
            229 ms     1.00 ms     0 %   'POST /checkout > publish'
            230 ms     1.00 ms     0 %   'POST /checkout'
    """)
    assert act.critical_path(until="last")[-1].span.name == "handle"


def test_of_which_trace(act, ran):
    """Where several have roots, one has to be given."""
    ran(("r", 0, 100), ("r > a", 10, 30))
    ran(("o", 10, 40), ("o > b", 20, 30), trace=2)

    for ask in (act.critical_path, act.parallelism):
        assert failure(ask) == text("""
            2 traces have roots, so say which one is meant

              r     internal   100 ms
              └─ a  internal  20.0 ms
              o     internal  30.0 ms
              └─ b  internal  10.0 ms

              their roots: 'r', 'o'

              hint:  give one: trace=traces.get('r').trace
        """)
    trace = act.get("o").trace
    assert [one.span.name for one in act.critical_path(trace)] == ["o", "b", "o"]
    assert act.parallelism(trace) == Parallelism(30 * MS, 30 * MS, 1.0, 1)
    assert act.only("r").parallelism().window_ns == 100 * MS


def test_of_nothing_there_is_no_path(act, ran):
    """Nothing was recorded, or nothing has ended."""
    assert failure(act.critical_path).splitlines()[0] == "no span was recorded"
    ran(("r", 0, None))
    assert failure(act.critical_path).splitlines()[0] == "no span has ended, of 1 span"
    assert failure(act.parallelism).splitlines()[0] == "no span has ended, of 1 span"


def test_tolerance_and_alignment(act):
    """For the clocks of several hosts."""
    for number, (name, parent, start, end, host) in enumerate(
        [
            ("r", None, 0, 100, "A"),
            ("a", 1, 0, 52, "A"),
            ("b", 1, 50, 99, "A"),
            ("s", 3, 45, 60, "B"),
        ],
        1,
    ):
        act.add(
            {
                "trace_id": 1, "span_id": number, "parent_id": parent, "name": name,
                "start": START + start, "end": START + end, "resource": {"host.name": host},
            }
        )  # fmt: skip

    def path(**given):
        return [
            (one.span.name, (one.end_ns - one.start_ns) / MS) for one in act.critical_path(**given)
        ]

    assert path() == [("r", 50), ("s", 10), ("b", 39), ("r", 1)]
    assert path(align=True) == [("r", 50), ("s", 15), ("b", 34), ("r", 1)]
    assert path(eps="2ms") == [("a", 50), ("s", 10), ("b", 39), ("r", 1)]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda act: act.critical_path(until="end"), "until: 'end' is not usable"),
        (lambda act: act.critical_path(eps=3), 'eps: 3 is not usable; a duration is written with its unit: "3ms"'),
        (lambda act: act.critical_path(align=1), "align: 1 is not usable; it is True or False"),
        (lambda act: act.critical_path("abc"), "trace='abc' is no trace"),
        (lambda act: act.assert_on_critical_path("a", until=None), "until: None is not usable"),
        (lambda act: act.assert_concurrent(), "assert_concurrent: name the spans"),
        (lambda act: act.assert_concurrent("a", at_least=1), "at_least: 1 is not usable; it takes at least 2"),
        (lambda act: act.assert_concurrent("a", at_least=True), "at_least: True is not usable"),
        (lambda act: act.assert_concurrent("a", "b", at_least=2), "with several names each is wanted once"),
        (lambda act: act.assert_concurrent("a", 3), "3 (int) is no name"),
        (lambda act: act.assert_sequential(b"a"), "b'a' (bytes) is no name"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked(act, call, error):
    """What was given, where, and what is allowed."""
    with pytest.raises((TypeError, ValueError)) as caught:
        call(act)
    assert error in str(caught.value)


def test_short_threads_are_a_matter_of_luck(act, monkeypatch):
    """It is noted where the assertion holds, and told where it does not."""

    def spans(*starts):
        for number, start in enumerate(starts, 1):
            stamps = Stamps(start * MS, (start + 3) * MS, 0, MS, number, number)
            times = (START + start) * MS, (START + start + 3) * MS
            yield SpanData("load", "1", str(number), None, *times, stamps=stamps)

    forest = assemble(spans(0, 2))
    monkeypatch.setattr(type(act), "_forest", lambda self: forest)
    act.assert_concurrent("load")
    remark = (
        "these spans ran in several threads for less than 20 ms each: "
        "whether threads that short overlap is a matter of luck"
    )
    assert act._frame.recording.notes == [f"assert_concurrent('load'): {remark}"]

    forest = assemble(spans(0, 5))
    with pytest.raises(AssertionError) as caught:
        act.assert_concurrent("load")
    assert f"  {remark}" in str(caught.value).splitlines()


def test_it_waits_for_what_is_still_open(patient, hire):
    """Until all of it has ended, whoever ends it."""
    worker = hire(patient)
    worker.start("a")
    worker.start("a", then=lambda: None)
    worker.end()

    patient.assert_concurrent("a")
    assert patient.only("a").find("a")


def test_a_block_has_it_too():
    """Everything works in ``record()``."""
    with record(timeout="0s", sources=["handwritten"]) as block:
        with block.start_span("r"):
            pass
        assert block.parallelism().peak <= 1
        block.assert_sequential("r")
