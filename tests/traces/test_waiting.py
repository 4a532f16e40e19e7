"""When an assertion may pass: at the first success, or when it is quiet; woken, not polling."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from pytest_traces import glob, record, span
from pytest_traces.recording import journal
from pytest_traces.traces.frame import Frame


class Waited(Exception):
    """Something waited that had nothing to wait for."""


def do_not_wait(ready: Callable[[], bool], *args: object) -> bool:
    if not ready():
        raise Waited
    return True


@pytest.fixture
def company():
    """Another thread that does nothing, so that there is somebody to wait for."""
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait, args=(30,))
    thread.start()
    yield
    leave.set()
    thread.join()


@pytest.fixture
def _no_waiting(company, monkeypatch):
    """Waiting is an error."""
    monkeypatch.setattr(journal, "wait", do_not_wait)


@pytest.fixture
def meanwhile():
    """Runs a function in a thread as soon as an assertion waits."""
    threads = []

    def meanwhile(act: Callable[[], object]) -> None:
        def work() -> None:
            deadline = time.monotonic() + 10
            while not journal.waiters and time.monotonic() < deadline:
                time.sleep(0.001)
            act()

        threads.append(threading.Thread(target=work))
        threads[-1].start()

    yield meanwhile
    for thread in threads:
        thread.join(30)


@pytest.fixture
def evaluations(monkeypatch):
    """How often the forest was looked at."""
    counted = []
    forest = Frame.forest

    def counting(frame):
        counted.append(frame)
        return forest(frame)

    monkeypatch.setattr(Frame, "forest", counting)
    return counted


def emit(act, name):
    with act.start_span(name):
        pass


OPEN_ENDED = [
    pytest.param(lambda act: act.get("late"), id="get"),
    pytest.param(lambda act: act.assert_count("late", at_least=1), id="at_least"),
    pytest.param(lambda act: act.assert_path("late"), id="assert_path"),
    pytest.param(lambda act: act.assert_subtree("late"), id="assert_subtree"),
]
CLOSING = [
    pytest.param(lambda act: act.assert_tree("work"), id="assert_tree"),
    pytest.param(lambda act: act.assert_count("work", 1), id="assert_count"),
    pytest.param(lambda act: act.assert_count("work", at_most=1), id="at_most"),
    pytest.param(lambda act: act.assert_none("other"), id="assert_none"),
    pytest.param(lambda act: act.assert_no_errors(), id="assert_no_errors"),
]


@pytest.mark.parametrize("assertion", OPEN_ENDED)
def test_open_ended_ones_return_at_the_first_success(
    assertion, patient, hire, meanwhile, evaluations
):
    """Though other spans stay open; the start of the span wakes them."""
    worker = hire(patient)
    worker.start("work")
    meanwhile(lambda: emit(patient, "late"))

    assertion(patient)

    assert [one.name for one in patient.unfinished] == ["work"]
    assert len(evaluations) <= 8
    worker.join()


@pytest.mark.parametrize("assertion", OPEN_ENDED)
@pytest.mark.usefixtures("_no_waiting")
def test_open_ended_ones_do_not_wait_for_what_is_there(assertion, patient, hire):
    """Whatever else is open."""
    hire(patient).start("work")
    emit(patient, "late")

    assertion(patient)


@pytest.mark.parametrize("assertion", CLOSING)
def test_closing_ones_wait_until_it_is_quiet(assertion, patient, hire, meanwhile, evaluations):
    """The end of the last open span wakes them."""
    worker = hire(patient)
    worker.start("work")
    meanwhile(worker.end)

    assertion(patient)

    assert patient.unfinished == ()
    assert len(evaluations) <= 10


def test_closing_ones_see_what_came_while_they_waited(patient, hire, meanwhile):
    """A span that would have been missed is not."""
    worker = hire(patient)
    worker.start("work", then=lambda: emit(patient, "bad"))
    meanwhile(worker.end)

    with pytest.raises(AssertionError, match="expected no span 'bad', got 1 span: 'work > bad'"):
        patient.assert_none("bad")


def test_a_tree_waits_for_what_is_missing(patient, company, meanwhile):
    """Between a producer and its consumer there may be an instant without open spans."""
    emit(patient, "produce")
    meanwhile(lambda: emit(patient, "consume"))

    patient.assert_tree("produce", "consume")


def test_an_exact_count_waits_for_what_is_missing(patient, company, meanwhile):
    """More may come, so it waits; of too many there will not be fewer."""
    emit(patient, "x")
    meanwhile(lambda: emit(patient, "x"))

    patient.assert_count("x", 2)


@pytest.mark.usefixtures("_no_waiting")
def test_nobody_waits_for_too_many(patient):
    """What is there does not go away."""
    emit(patient, "x")
    emit(patient, "x")

    for assertion in (
        lambda: patient.assert_count("x", 1),
        lambda: patient.assert_tree("x"),
        lambda: patient.assert_none("x"),
    ):
        with pytest.raises(AssertionError):
            assertion()


@pytest.mark.usefixtures("_no_waiting")
def test_nobody_waits_where_it_is_quiet(patient):
    """Assertions that hold return at once."""
    emit(patient, "work")

    for parameter in CLOSING:
        (assertion,) = parameter.values
        assertion(patient)


def test_nobody_waits_where_no_other_thread_runs(patient, monkeypatch):
    """Nothing can come while the only thread waits."""
    monkeypatch.setattr(journal, "wait", do_not_wait)
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread()])

    with pytest.raises(AssertionError, match="no span fits 'x'"):
        patient.get("x")
    with pytest.raises(AssertionError, match="no span was recorded"):
        patient.assert_tree("x")


@pytest.mark.usefixtures("company")
def test_absence_fails_while_spans_are_open():
    """When the time is over; it names them, and where they were started."""
    with record(timeout="10ms") as act:
        held = act.start_span("work")
        thread = threading.Thread(target=held.__enter__, name="worker")
        thread.start()
        thread.join()
        for assertion in (
            lambda: act.assert_none("other"),
            lambda: act.assert_count("work", 1),
            lambda: act.assert_count("work", at_most=2),
            lambda: act.assert_no_errors(),
        ):
            with pytest.raises(AssertionError) as caught:
                assertion()
            verdict, fact = str(caught.value).split("\n\n")
            assert verdict == "absence cannot be asserted while spans are open: 'work'"
            assert fact.startswith("  still open: 'work', started in thread 'worker' ")
        held.__exit__(None, None, None)
        act.assert_none("other")


@pytest.mark.usefixtures("company")
def test_a_failure_says_what_was_waited_for():
    """And how long, and by which setting."""
    with record(timeout="10ms", sources=["handwritten"]) as act:
        held = act.start_span("work")
        thread = threading.Thread(target=held.__enter__, name="worker")
        thread.start()
        thread.join()
        with pytest.raises(AssertionError) as caught:
            act.get("late")
        held.__exit__(None, None, None)

    text = str(caught.value)
    assert text.startswith("no span fits 'late'")
    assert "\n  still open: 'work', started in thread 'worker' " in text
    assert "\n    waited          up to 10.0 ms for open spans" in text


@pytest.mark.usefixtures("_no_waiting")
def test_blocks_of_this_thread_are_not_waited_for(patient):
    """They cannot end before the assertion does."""
    with patient.start_span("outer"), patient.start_span("inner"):
        patient.assert_none("other")
        patient.assert_count("inner", 1)
        with pytest.raises(AssertionError, match=r"2 never ended \('outer', 'inner'\)"):
            patient.assert_tree("outer\n  inner")


@pytest.mark.usefixtures("_no_waiting")
def test_the_current_span_of_a_library_is_not_waited_for():
    """Nor what is above it."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = trace.TracerProvider().get_tracer("app")
    with (
        record(timeout="60s") as act,
        tracer.start_as_current_span("request"),
        tracer.start_as_current_span("step"),
    ):
        act.assert_none("other")
        act.assert_count("step", 1)


def test_the_blocks_of_other_threads_are_waited_for(patient, hire, meanwhile):
    """Also those that are open inside of a block of this one."""
    worker = hire(patient)
    with patient.start_span("mine"):
        worker.start("theirs")
        meanwhile(worker.end)
        patient.assert_none("other")
        assert [one.name for one in patient.unfinished] == ["mine"]


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize(
    "expected",
    ["work (unfinished)\ndone", span("work", unfinished=True), span(glob("w*"), unfinished=True)],
)
def test_a_span_that_is_expected_to_be_open_is_not_waited_for(expected, patient, hire):
    """By its name or by a pattern."""
    hire(patient).start("work")
    emit(patient, "done")

    patient.assert_tree(expected, *([] if isinstance(expected, str) else ["done"]))


@pytest.mark.usefixtures("_no_waiting")
def test_what_a_view_leaves_out_is_not_waited_for(patient, hire):
    """Spans that are lifted out, and all of a subtree that is pruned."""
    worker = hire(patient)
    worker.start("poll")
    with patient.start_span("pruned"):
        above = patient.get("pruned")
    child = {"trace_id": above.trace_id, "parent_id": above.span_id, "span_id": 1, "name": "child"}
    child["start_ns"] = child["end_ns"] = above.start_ns
    patient.add({**child, "end_ns": None})

    patient.ignoring("poll").without("pruned").assert_none("other")

    patient.add(child)


def test_what_is_elsewhere_is_waited_for(patient, hire, meanwhile):
    """A view of some subtrees may get another one yet."""
    worker = hire(patient)
    emit(patient, "mine")
    worker.start("theirs")
    meanwhile(worker.end)

    patient.only("mine").assert_count("mine", 1)

    assert patient.unfinished == ()


@pytest.mark.usefixtures("_no_waiting")
def test_spans_before_clear_are_not_waited_for(patient, hire):
    """They are forgotten."""
    hire(patient).start("work")
    patient.clear()

    patient.assert_none()


@pytest.mark.usefixtures("_no_waiting")
def test_a_recording_that_is_over_is_not_waited_for(hire):
    """Nothing comes any more, and what was open stays so."""
    with pytest.raises(Waited), record(timeout="60s") as act:
        worker = hire(act)
        worker.start("work")
    worker.join()

    assert [one.name for one in act.unfinished] == ["work"]
    with pytest.raises(AssertionError, match="no span fits 'late'"):
        act.get("late")
    with pytest.raises(
        AssertionError, match="absence cannot be asserted while spans are open: 'work'"
    ):
        act.assert_none("other")
    act.assert_tree("work (unfinished)")


def test_the_end_of_a_block_waits_until_it_is_quiet(hire, meanwhile):
    """So that a worker can finish what the block began."""
    with record(timeout="60s") as act:
        worker = hire(act)
        worker.start("work")
        meanwhile(worker.end)

    act.assert_tree("work")


@pytest.mark.usefixtures("_no_waiting")
def test_the_end_of_a_block_that_failed_does_not_wait(hire):
    """Its error comes first."""
    with pytest.raises(ZeroDivisionError), record(timeout="60s") as act:
        hire(act).start("work")
        raise ZeroDivisionError


def test_another_limit_is_another_view(patient, hire):
    """``eventually`` changes it for that view alone."""
    worker = hire(patient)
    worker.start("work")

    with pytest.raises(AssertionError, match="absence cannot be asserted"):
        patient.eventually("1ms").assert_none("other")
    worker.join()
    patient.assert_none("other")


@pytest.mark.usefixtures("company")
def test_a_problem_ends_the_waiting(patient, meanwhile):
    """What could not be recorded is reported at once."""
    spans = []
    patient.watch(spans)
    meanwhile(lambda: spans.append({"name": "broken"}))

    with pytest.raises(AssertionError, match="not everything could be recorded"):
        patient.get("late")


@pytest.mark.usefixtures("company")
def test_a_watched_list_wakes_by_polling(patient, meanwhile):
    """It gives no sign of its own."""
    spans = []
    patient.watch(spans)
    ids = {"trace_id": 1, "span_id": 1, "name": "x", "start_s": 1_700_000_000}
    meanwhile(lambda: spans.append({**ids, "end": None}))
    assert patient.get("x").end_ns is None
    meanwhile(lambda: spans[0].update(end=1_700_000_001_000))

    patient.assert_tree("x")


def test_where_an_event_loop_runs_nothing_blocks(patient, company, hire, monkeypatch):
    """It would stop the very loop that must end the span; the message says what to do."""
    monkeypatch.setattr(journal, "wait", do_not_wait)
    worker = hire(patient)
    worker.start("work")

    async def main() -> list[str]:
        texts = []
        for assertion in (
            lambda: patient.assert_tree("work"),
            lambda: patient.assert_none("other"),
            lambda: patient.get("late"),
        ):
            with pytest.raises(AssertionError) as caught:
                assertion()
            texts.append(" ".join(str(caught.value).split()))
        return texts

    for text in asyncio.run(main()):
        assert "still open: 'work'" in text
        assert text.endswith(
            "hint: an event loop runs in this thread, so an assertion cannot wait: first await "
            'traces.settled("2s")'
        )


def test_where_an_event_loop_runs_assertions_hold_all_the_same(patient, company, monkeypatch):
    """With nothing open there is nothing to wait for."""
    monkeypatch.setattr(journal, "wait", do_not_wait)

    async def main() -> None:
        emit(patient, "work")
        patient.assert_tree("work")
        patient.assert_none("other")
        patient.get("work")
        with pytest.raises(AssertionError, match="no span fits 'late'") as caught:
            patient.get("late")
        assert "event loop" not in str(caught.value)

    asyncio.run(main())


def test_what_ends_between_two_looks_is_checked(act, grow, monkeypatch):
    """An assertion holds only if it has looked."""
    grow("a")
    looks = iter([act.spans, []])
    monkeypatch.setattr(act, "_open_spans", lambda *_: next(looks, []))

    with pytest.raises(AssertionError, match="'a'"):
        act.assert_none("a")
