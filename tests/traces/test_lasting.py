"""Limits on durations: what they are compared with, and what their failures say."""

from datetime import timedelta

import pytest

from pytest_traces import BadValue, DurationExceeded, Traces, glob, record, span
from pytest_traces.model import SpanData, Stamps
from pytest_traces.recording import Attempt, Clock, journal
from pytest_traces.report.slow import Shown, too_slow
from pytest_traces.timing.limits import Limit

MS = 1_000_000
START = 1_700_000_000_000
TICKS = 5_000 * MS


@pytest.fixture
def put(act: Traces):
    """Records spans by their paths, with times in ms: ``put("a > b", 5, 10)``; None: still open."""
    ids: dict[str, int] = {}
    count = 0

    def put(path, start, end, *, own=None, cpu=None, threads=(1, 1), **fields):
        nonlocal count
        count += 1
        above, _, name = path.rpartition(" > ")
        ids[path] = count
        stamps = None
        if own is not None:
            used = None if cpu is None else cpu * MS
            stamps = Stamps(
                TICKS + own[0] * MS, TICKS + own[1] * MS, 0, used or 0, threads[0], threads[1]
            )
        journal.put(
            SpanData(
                name=name,
                trace_id=f"{1:032x}",
                span_id=f"{count:016x}",
                parent_id=f"{ids[above]:016x}" if above else None,
                start_ns=(START + start) * MS,
                end_ns=None if end is None else (START + end) * MS,
                stamps=stamps,
                **fields,
            )
        )

    return put


@pytest.fixture
def checkout(put):
    """A request that takes 231 ms, most of them in a call."""
    put("POST /checkout", 0, 231, kind="server")
    put("POST /checkout > SELECT orders", 5, 19)
    put("POST /checkout > POST", 25, 223)
    put("POST /checkout > POST > POST /charge", 30, 220)
    put("POST /checkout > orders publish", 229, 230)


@pytest.fixture
def failure(act: Traces):
    """The message with which a limit fails."""

    def failure(*names, kind=DurationExceeded, **wishes) -> str:
        with pytest.raises(AssertionError) as caught:
            act.assert_duration(*names, **wishes)
        assert type(caught.value) is kind
        return str(caught.value)

    return failure


@pytest.fixture
def attempt(act: Traces) -> Attempt:
    """The first run of a test that may run five times."""
    found = act._frame.recording.attempt
    found.allowed, found.can_repeat = 5, True
    return found


TREE = """\
    POST /checkout        231 ms  ▕███████████████████████▏  self 18.0 ms
    ├─ SELECT orders     14.0 ms  ▕██                     ▏  on the critical path: 6 % of the whole
    ├─ POST               198 ms  ▕  ████████████████████ ▏  self 8.00 ms, on the critical path
    │  └─ POST /charge    190 ms  ▕  ████████████████████ ▏  on the critical path: 82 % of the whole
    └─ orders publish    1.00 ms  ▕                      ▏▏  on the critical path"""
CULPRIT = (
    "  'POST /charge' alone takes 190 ms; without it 'POST /checkout' would take about 41.0 ms"
)


def test_a_limit_that_is_met(act, checkout):
    """To take less than the limit is enough; nothing is said where there is room."""
    act.assert_duration("POST /checkout", under="694ms")
    act.assert_duration("POST /checkout", under=timedelta(seconds=1))
    act.assert_duration(glob("*"), under="1s", inside="POST /checkout")

    assert act._frame.recording.notes == []


def test_too_slow(checkout, failure):
    """The limit, what it took and by which clock, the bars, and which child ate the time."""
    assert failure("POST /checkout", under="200ms") == (
        f"'POST /checkout' took 231 ms, limit 200 ms (recorded times)\n\n{TREE}\n\n{CULPRIT}"
    )


def test_exactly_the_limit_is_too_slow(act, checkout, failure):
    """As in patterns, ``under`` means under."""
    failure("POST /checkout", under="231ms")
    act.assert_duration("POST /checkout", under="232ms")


def test_each_attempt_is_told(act, checkout, attempt, failure):
    """The best is shown; with the first attempt another one is wanted, with the last one none."""
    took = [231, 240, 233, 262, 238]
    shown = act.spans[0]
    for number, ms in enumerate(took, 1):
        attempt.number, attempt.doubted = number, None
        data = shown.data._replace(end_ns=shown.start_ns + ms * MS)
        with record(timeout="0s", sources=["handwritten"]) as again:
            again._frame.recording.attempt = attempt
            for one in (data, *(other.data for other in act.spans[1:])):
                journal.put(one)
            with pytest.raises(DurationExceeded) as caught:
                again.assert_duration("POST /checkout", under="200ms")
        assert (attempt.doubted is not None) is (number < 5)

    assert str(caught.value) == (
        "'POST /checkout' took 231 ms, limit 200 ms "
        "(recorded times, best of 5 attempts: 231, 240, 233, 262, 238 ms)\n"
        "\n"
        f"{TREE}\n"
        "\n"
        "  shown: attempt 1\n"
        f"{CULPRIT}"
    )


def test_a_single_attempt_says_what_five_would_do(checkout, attempt, failure):
    """Where the test can be run again at all."""
    attempt.allowed = 1

    assert failure("POST /checkout", under="200ms").endswith(
        "\n\n"
        "  hint:  a single reading may be slow by chance. If this test can be run again,\n"
        "         @pytest.mark.traces(attempts=5) fails only where each of 5 runs is over the limit"
    )
    assert attempt.doubted is None


def test_a_limit_that_an_earlier_run_has_met(act, put, attempt, failure):
    """Fails in no later run, which somebody else may have wanted."""
    put("a", 0, 5)
    act.assert_duration("a", under="10ms")
    act.assert_duration("a", under="10ms", of="sum")
    put("a", 10, 40)
    attempt.number = 2
    act.assert_duration("a", under="10ms")

    attempt.allowed = 2
    failure("a", under="10ms")  # the second time in this run, which the first had not


def test_while_work_is_counted(put, attempt, failure):
    """That makes the run slow, so it has no say: the next one has."""
    put("a", 0, 40)
    attempt.can_repeat, attempt.number, attempt.counting = True, 2, True

    failure("a", under="10ms")
    assert attempt.wanted == "durations are measured in a run in which nothing is counted"
    assert attempt.measuring

    attempt.wanted, attempt.measuring, attempt.number, attempt.counting = None, False, 3, False
    assert "limit 10.0 ms (recorded times)\n" in failure("a", under="10ms")
    assert attempt.wanted is None


def test_several_spans_too_slow(put, failure):
    """All are named, the worst is shown whole."""
    put("GET /cart", 0, 200)
    put("GET /cart > SELECT items", 0, 30)
    put("GET /cart > SELECT items", 40, 90)
    put("GET /cart > load", 100, 200)
    put("GET /cart > load > SELECT items", 100, 150)
    put("GET /cart > load > SELECT items", 150, 190)
    put("GET /cart > load > SELECT items > fetch", 151, 155)
    put("SELECT items", 300, 305)

    assert failure("SELECT items", under="20ms") == (
        "'GET /cart > SELECT items' took 50.0 ms, limit 20.0 ms (recorded times)\n"
        "\n"
        "    SELECT items   50.0 ms  ▕██████████████████████████████▏\n"
        "\n"
        "  too slow as well: 2 × 'GET /cart > load > SELECT items', 50.0 ms to 40.0 ms\n"
        "  too slow as well: 'GET /cart > SELECT items', 30.0 ms\n"
        "  no span was recorded below it"
    )


def test_spans_at_many_places(put, failure):
    """Eight of them are named."""
    put("top", 0, 900)
    for number in range(1, 12):
        put(f"top > {number}", 0, 50)
        put(f"top > {number} > a", 0, 50)

    text = failure("a", under="20ms")

    assert text.count("too slow as well: 'top") == 8
    assert "  too slow as well: spans at 2 more places\n" in text


def test_own_time_that_is_too_much(put, failure):
    """No child is blamed for it."""
    put("render", 0, 100)
    put("render > SELECT", 10, 30)

    assert failure("render", under="50ms").endswith(
        "\n\n  80.0 ms of that is its own time: no span below it was open"
    )


@pytest.mark.parametrize(
    ("spans", "own"),
    [
        ([("root > child", 10, 150)], "100 ms"),
        ([("root > child", 10, None)], "100 ms"),
        ([("root > child", 10, 20), ("root > child > late", 15, 150)], "90.0 ms"),
        ([("root > one", 10, 50), ("root > other", 45, 60)], "85.0 ms"),
    ],
)
def test_own_time_while_another_span_is_open(put, failure, spans, own):
    """It did not wait for its end; but that nothing was open would be wrong."""
    put("root", 0, 100)
    for path, start, end in spans:
        put(path, start, end)

    is_open = any(end is None for _, _, end in spans)
    text = failure("root", under="50ms", kind=AssertionError if is_open else DurationExceeded)
    assert text.splitlines()[-1] == (
        f"  {own} of that is its own time: it need not have waited for spans below it"
    )


def test_own_time_while_a_consumer_works(put, failure):
    """Nobody waits for what it does."""
    put("orders publish", 0, 100, kind="producer")
    put("orders publish > orders process", 10, 90, kind="consumer")

    assert failure("orders publish", under="50ms").splitlines()[-1] == (
        "  100 ms of that is its own time: it need not have waited for spans below it"
    )


DEEP = 20_000


def test_a_deep_recursion_is_told_in_time(act, failure):
    """Thousands of places, each with thousands of names above, take no time of each other."""
    deep(lambda number: (START + 20 * DEEP) * MS - number)

    text = failure("visit", under="20ms")

    assert text.count("too slow as well: 'visit") == 8
    assert f"  too slow as well: spans at {DEEP - 9:,} more places\n" in text


def test_a_deep_recursion_that_cannot_be_read_is_told_in_time(act, failure):
    """Three of the others are named."""
    deep(lambda number: START * MS - 1)

    text = failure("visit", under="20ms", kind=AssertionError)

    assert "\n  nor that of 'visit > visit', 'visit > visit > visit', " in text
    assert f" and {DEEP - 4:,} more" in text


def deep(end) -> None:
    """Spans below one another, the last one to start first to end."""
    for number in range(1, DEEP + 1):
        above = f"{number - 1:016x}" if number > 1 else None
        name, trace = "visit", f"{1:032x}"
        at, until = START * MS + number, end(number)
        journal.put(SpanData(name, trace, f"{number:016x}", above, at, until))


def test_many_children_together(put, failure):
    """Those of one name are one culprit."""
    put("render", 0, 100)
    for number in range(9):
        put("render > SELECT", 10 * number, 10 * number + 9)

    assert failure("render", under="50ms").endswith(
        "\n\n  9 × 'SELECT' together take 81.0 ms; without them 'render' would take about 19.0 ms"
    )


def test_of_self(act, checkout, failure):
    """The time in which no direct child was open."""
    act.assert_duration("POST /checkout", under="19ms", of="self")

    assert failure("POST /checkout", under="10ms", of="self").startswith(
        "'POST /checkout' took 18.0 ms by itself, limit 10.0 ms (recorded times)\n\n"
    )


def test_of_sum(act, put, failure):
    """All that fit, together."""
    put("top", 0, 100)
    for number in range(3):
        put("top > SELECT", 10 * number, 10 * number + 5)
    act.assert_duration("SELECT", under="16ms", of="sum")

    assert failure("SELECT", under="15ms", of="sum") == (
        "3 × 'SELECT' took 15.0 ms together, limit 15.0 ms (recorded times)\n"
        "\n"
        "    3 × SELECT   15.0 ms  ▕██████      ██████      ██████▏"
    )
    assert failure("top", under="15ms", of="sum").startswith("'top' took 100 ms together, ")


def test_of_cpu(act, put, failure):
    """What the thread used of the processor, where that was the span's own."""
    put("parse", 0, 100, own=(0, 100), cpu=30)
    put("parse > read", 0, 50, own=(0, 50), cpu=10)
    act.assert_duration("parse", under="31ms", of="cpu")

    assert failure("parse", under="20ms", of="cpu").startswith(
        "'parse' used the processor for 30.0 ms, limit 20.0 ms (CPU time of the thread)\n\n"
    )


def test_cpu_time_without_a_clock(checkout, failure):
    """An error that says so, and no failure of a clock."""
    assert failure("POST", under="1s", of="cpu", kind=AssertionError) == (
        "the CPU time of 'POST /checkout > POST' is not known\n"
        "\n"
        "  POST /checkout      server     231 ms\n"
        "  ├─ SELECT orders    internal  14.0 ms\n"
        "  ├─ POST             internal   198 ms\n"
        "  │  └─ POST /charge  internal   190 ms\n"
        "  └─ orders publish   internal  1.00 ms\n"
        "\n"
        "  cause: only spans of the OpenTelemetry SDK have one, with times that it takes itself\n"
        "\n"
        '  hint:  of="self" needs no such clock: it is the time without the children'
    )


def test_cpu_time_of_two_threads(put, failure):
    """It is neither's."""
    put("parse", 0, 100, own=(0, 100), cpu=30, threads=(1, 2))

    text = failure("parse", under="1s", of="cpu", kind=AssertionError)
    assert "\n  cause: it started in one thread and ended in another\n" in text


def test_cpu_time_beside_another_span(act, put, failure):
    """The views that leave that one out do not leave out that it ran."""
    put("parse", 0, 100, own=(0, 100), cpu=30)
    put("parse > read", 10, 20, own=(10, 20), cpu=3)
    put("other", 50, 150, own=(50, 150), cpu=30)

    text = failure("parse", under="1s", of="cpu", kind=AssertionError)
    assert "\n  cause: 'other' was open in the same thread meanwhile\n" in text
    with pytest.raises(AssertionError, match="the CPU time of 'parse' is not known"):
        act.without("other").assert_duration("parse", under="1s", of="cpu")
    act.ignoring("read").assert_duration("other", under="1s", of="total")


def test_several_cpu_times_are_unknown(put, failure):
    """All are named."""
    put("a", 0, 100)
    put("b", 0, 100)

    text = failure(glob("*"), under="1s", of="cpu", kind=AssertionError)
    assert text.startswith("the CPU time of 'a' is not known\n")
    assert "\n  nor that of 'b'\n" in text


def test_the_first_call(act, put, attempt, failure):
    """The cold one is judged alone, and once."""
    put("render", 0, 100)
    put("render", 200, 900)
    act.assert_duration("render", under="101ms", calls="first")

    text = failure("render", under="50ms", calls="first")
    assert text.startswith(
        "the first 'render' took 100 ms, limit 50.0 ms (recorded times, cold call)"
    )
    assert text.endswith(
        "a cold call is measured once, so its limit needs room: 7.5 times the best is usual"
    )
    assert attempt.doubted is None
    assert act._frame.recording.notes == []


def test_the_clock_moved(act, put, failure):
    """The own clock counts, and the message says what the other one shows."""
    put("GET /cart", 0, 3_600_000, own=(0, 20))
    put("GET /frozen", 10, 10, own=(0, 20))
    act.assert_duration("GET /cart", under="61ms")

    assert failure("GET /cart", under="10ms") == (
        "'GET /cart' took 20.0 ms, limit 10.0 ms (monotonic clock)\n"
        "\n"
        "    GET /cart   20.0 ms  ▕██████████████████████████████▏\n"
        "\n"
        "  the clock moved during this span: its recorded times say 60.0 min\n"
        "  no span was recorded below it"
    )
    assert "its recorded times say 0 ns" in failure("GET /frozen", under="10ms")


def test_an_unfinished_span(put, failure):
    """Meets no limit, however many others do."""
    put("GET /cart", 0, 1)
    put("GET /cart", 5, None)

    assert failure("GET /cart", under="10s", kind=AssertionError) == (
        "'GET /cart' never ended, so no limit on its duration is met\n"
        "\n"
        "  GET /cart  internal  1.00 ms\n"
        "  GET /cart  internal     open   still open\n"
        "\n"
        "  still open: 'GET /cart'"
    )


def test_a_span_that_ended_before_it_started(put, failure):
    """Is not fast."""
    put("GET /cart", 20, 5)

    assert failure("GET /cart", under="10s", kind=AssertionError).startswith(
        "'GET /cart' ended 15.0 ms before it started, so its duration is unknown\n\n"
    )


def test_nothing_fits(checkout, failure):
    """A limit on nothing fails, with what comes nearest and what was captured."""
    assert failure("GET /cart", under="1s", kind=AssertionError) == (
        "no span fits 'GET /cart'\n"
        "\n"
        "  POST /checkout      server     231 ms\n"
        "  ├─ SELECT orders    internal  14.0 ms\n"
        "  ├─ POST             internal   198 ms\n"
        "  │  └─ POST /charge  internal   190 ms\n"
        "  └─ orders publish   internal  1.00 ms\n"
        "\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    5 spans"
    )


def test_nothing_was_recorded(failure):
    """Nor does a limit hold then."""
    assert failure("GET /cart", under="1s", kind=AssertionError).startswith(
        "no span fits 'GET /cart': no span was recorded\n\n"
    )


def test_too_little_headroom_is_noted(act, checkout):
    """Once for each limit, in the report of the test."""
    act.assert_duration("POST /checkout", under="300ms")
    act.assert_duration("POST /checkout", under="300ms")

    assert act._frame.recording.notes == [
        "'POST /checkout': the limit of 300 ms is 1.3 times the best that was seen, 231 ms; expect "
        "half of the runs or more of an unchanged program to fail. Advised: 3 times, and attempts=5"
    ]


def test_a_span_that_takes_no_time_needs_no_room(act, put):
    """Nothing can be said of how much."""
    put("a", 0, 0)
    act.assert_duration("a", under="1ms")

    assert act._frame.recording.notes == []


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"under": 50}, 'under: 50 is not usable; a duration is written with its unit: "50ms" or timedelta(milliseconds=50)'),
        ({"under": "0s"}, "under: '0s' is not usable; nothing takes less than no time"),
        (
            {"under": "999us"},
            "under: '999us' is not usable; noise alone exceeds a limit under 1 ms now and then; force=True takes it",
        ),
        ({"under": "1s", "of": "all"}, "of: 'all' is not usable; it is one of total, self, sum, cpu"),
        ({"under": "1s", "calls": "last"}, "calls: 'last' is not usable; it is one of each, first"),
        ({"under": "1s", "of": "sum", "calls": "first"}, "calls: 'first' is not usable; of=\"sum\" is of all calls"),
        ({"under": "1s", "force": "yes"}, "force: 'yes' is not usable; it is True or False"),
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_used(wishes, message, act, checkout):
    """They are named, with what is allowed."""
    with pytest.raises(BadValue) as caught:
        act.assert_duration("POST /checkout", **wishes)

    assert str(caught.value) == message


def test_force(act, put, failure):
    """A limit under one millisecond is taken then."""
    put("a", 0, 0)
    act.assert_duration("a", under="1us", force=True)
    put("a", 0, 1)
    failure("a", under="1us", force=True)


def test_a_hidden_name_is_refused(act, checkout):
    """A view cannot limit what it leaves out."""
    with pytest.raises(ValueError, match="POST"):
        act.ignoring("POST").assert_duration("POST", under="1s")


def test_under_in_a_pattern(act, put):
    """Is judged by the same clock, and raises the same where nothing else is wrong."""
    put("GET /cart", 0, 3_600_000, own=(0, 20))
    act.assert_tree(span("GET /cart", under="21ms"))
    with pytest.raises(DurationExceeded) as caught:
        act.assert_tree(span("GET /cart", under="20ms"))

    assert str(caught.value) == (
        "'GET /cart' took 20.0 ms, limit 20.0 ms\n"
        "\n"
        "  ~ GET /cart  internal 60.0 min   took 20.0 ms, limit 20.0 ms\n"
        "\n"
        "  judged by: monotonic clock\n"
        "  'GET /cart': the clock moved, its recorded times say 60.0 min"
    )
    with pytest.raises(DurationExceeded):
        act.assert_subtree(span("GET /cart", under="20ms"))


def test_under_in_a_pattern_that_differs_otherwise(act, put):
    """Is no failure of the clock alone."""
    put("GET /cart", 0, 30)
    put("GET /back", 30, 5)
    wrong = [
        [span("GET /cart", under="20ms")],
        [span("GET /cart", under="20ms", kind="server"), "GET /back"],
        ["GET /cart", span("GET /back", under="20ms")],
    ]
    for tree in wrong:
        with pytest.raises(AssertionError) as caught:
            act.assert_tree(*[span(one) if isinstance(one, str) else one for one in tree])
        assert type(caught.value) is AssertionError


def spin():
    """Take 20 ms at least, by a clock that no library has replaced."""
    end = Clock.perf_counter_ns() + 20 * MS
    while Clock.perf_counter_ns() < end:
        pass


@pytest.mark.parametrize("way", ["freezegun", "ticking", "moved", "time-machine"])
def test_clocks_that_libraries_move(way):
    """Spans of the OpenTelemetry SDK are judged by a clock that they cannot reach."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = sdk.TracerProvider().get_tracer("app")
    with record(timeout="0s") as act:
        if way == "time-machine":
            time_machine = pytest.importorskip("time_machine")
            with time_machine.travel(0, tick=False), tracer.start_as_current_span("GET /cart"):
                spin()
        else:
            freezegun = pytest.importorskip("freezegun")
            # Event loops go on: servers of other tests may run in this process.
            ticking = way == "ticking"
            with freezegun.freeze_time("2030-01-01", tick=ticking, ignore=["asyncio"]) as clock:
                with tracer.start_as_current_span("GET /cart"):
                    spin()
                    if way == "moved":
                        clock.move_to("2030-01-02")

    act.assert_duration("GET /cart", under="60s")
    with pytest.raises(DurationExceeded, match=r"\(monotonic clock\)"):
        act.assert_duration("GET /cart", under="20ms")
    assert act.get("GET /cart").clock_moved or way == "ticking"


def test_many_attempts_of_several_units():
    """Each with its own unit then; ten are listed."""
    runs = [Shown(took, "'a' took so long", [], []) for took in (900_000, 2 * MS, *[3 * MS] * 9)]

    assert str(too_slow(Limit(1_000), runs, ["monotonic clock"])).splitlines()[0] == (
        "'a' took so long, limit 1.00 us (monotonic clock, best of 11 attempts: 900 us, 2.00 ms, "
        "3.00 ms, 3.00 ms, 3.00 ms, 3.00 ms, 3.00 ms, 3.00 ms, 3.00 ms, 3.00 ms, …)"
    )
