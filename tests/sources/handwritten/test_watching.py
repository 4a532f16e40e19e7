"""A watched list gives its spans as the application appends them."""

import threading
from collections import deque

import pytest

from pytest_traces import BadValue, Traces, record

LEFT = (
    "not everything could be recorded\n\n"
    "watch: items have left the list since it was last looked at, and others may have come and gone "
    "unseen; tap the function that records a span instead"
)


def names(act: Traces) -> list[str]:
    return [span.name for span in act.spans]


def test_what_is_appended_later_is_recorded(act, make):
    """What was in the list before is not."""
    spans = [make("before")]
    act.watch(spans)
    spans.append(make("a"))
    assert names(act) == ["a"]

    spans += [make("b"), make("c")]

    assert names(act) == ["a", "b", "c"]
    act.assert_none("before")


def test_the_unit_is_that_of_the_watch(act):
    """Times are bare numbers in this unit."""
    spans: list[object] = []
    act.watch(spans, unit="s")
    start = 1_700_000_000
    spans.append({"trace_id": 1, "span_id": 1, "name": "a", "start": start, "end": start + 2})

    assert act.get("a").duration_ns == 2_000_000_000


def test_a_span_that_was_open_when_it_was_first_seen_ends_later(act, make):
    """The object in the list is looked at again."""
    spans: list[object] = []
    act.watch(spans)
    span = make("a", end=None)
    spans.append(span)
    assert [one.name for one in act.unfinished] == ["a"]

    span["end"] = span["start"] + 5

    assert act.unfinished == ()
    act.assert_tree("a")


def test_an_open_span_that_becomes_unreadable_is_reported(act, make):
    """It is looked at once more only."""
    spans: list[object] = []
    act.watch(spans)
    span = make("a", end=None)
    spans.append(span)
    assert names(act) == ["a"]

    span["end"] = "soon"

    for _ in range(2):
        with pytest.raises(AssertionError) as caught:
            act.assert_none("b")
        assert str(caught.value).count("watch: not a span: end: 'soon' is not usable") == 1


@pytest.mark.parametrize(
    "lose", [list.clear, lambda spans: spans.pop(0), lambda spans: spans.pop()]
)
def test_items_that_leave_the_list_are_reported(lose, act, make):
    """Others may have come and gone meanwhile."""
    spans: list[object] = []
    act.watch(spans)
    spans += [make("a"), make("b")]
    assert names(act) == ["a", "b"]

    lose(spans)

    with pytest.raises(AssertionError) as caught:
        act.assert_none("c")
    assert str(caught.value) == LEFT


def test_a_list_that_was_cleared_and_filled_again_is_noticed(act, make):
    """Its length alone would not give it away."""
    spans: list[object] = []
    act.watch(spans)
    spans += [make("a"), make("b")]
    assert names(act) == ["a", "b"]

    spans[:] = [make("c"), make("d"), make("e")]

    with pytest.raises(AssertionError) as caught:
        act.assert_none("f")
    assert str(caught.value) == LEFT


def test_what_comes_after_a_loss_is_recorded_again(act, make):
    """For a look at least: assertions go on to report the loss."""
    spans: list[object] = []
    act.watch(spans)
    spans.append(make("a"))
    assert names(act) == ["a"]
    spans.clear()
    assert names(act) == ["a"]
    spans.append(make("b"))

    assert names(act) == ["a", "b"]


@pytest.mark.parametrize("given", [(), deque(), {}, "spans", None])
def test_only_a_list_can_be_watched(given, act):
    """The error says what else to do."""
    with pytest.raises(BadValue) as caught:
        act.watch(given)
    assert str(caught.value) == (
        f"watch: {given!r} is not usable; what can be watched is a list; else tap the function that "
        "records a span instead"
    )


def test_a_bad_unit_is_refused(act):
    """At once, not at the first span."""
    with pytest.raises(BadValue, match="a unit is one of ns, us, ms, s"):
        act.watch([], unit="h")


def test_a_recording_that_is_over_watches_nothing():
    """It says so."""
    with record() as inner:
        pass
    with pytest.raises(RuntimeError) as caught:
        inner.watch([])
    assert str(caught.value) == "watch: the recording is over; nothing can be added to it"


def test_the_end_of_the_recording_takes_what_is_there(make):
    """Nobody has looked before; nothing that is appended afterwards is taken."""
    spans: list[object] = []
    with record() as inner:
        inner.watch(spans)
        spans.append(make("a"))
    spans.append(make("b"))

    inner.assert_tree("a")


def test_two_watches_of_one_list_record_each_span_once(act, make):
    """The same span told twice is one."""
    spans: list[object] = []
    act.watch(spans)
    act.watch(spans)
    spans.append(make("a"))

    act.assert_tree("a")


def test_a_nested_recording_has_what_was_appended_in_its_block(act, make):
    """The list is watched by the outer one; what was there before is not of the block."""
    spans: list[object] = []
    act.watch(spans)
    spans.append(make("before"))
    with record() as inner:
        spans.append(make("during"))
    spans.append(make("after"))

    assert names(inner) == ["during"]
    assert names(act) == ["before", "during", "after"]


def test_clear_forgets_what_is_in_the_list(act, make):
    """Also what nobody has looked at yet."""
    spans: list[object] = []
    act.watch(spans)
    spans.append(make("before"))
    act.clear()
    spans.append(make("after"))

    assert names(act) == ["after"]


def test_spans_that_another_thread_appends_are_awaited(make):
    """A list gives no sign, so it is looked at again and again."""
    spans: list[object] = []
    seen = threading.Event()

    def append() -> None:
        seen.wait(5)
        spans.append(make("a"))

    with record(timeout="5s") as inner:
        inner.watch(spans)
        worker = threading.Thread(target=append)
        worker.start()
        seen.set()
        assert inner.get("a").name == "a"
        worker.join()


def test_a_span_that_records_another_while_it_is_read_does_no_harm(act, make):
    """A property of the application may do anything, even come back here."""
    spans: list[object] = []

    class Chatty:
        trace_id, span_id, start, end = 1, 500, make("")["start"], None

        @property
        def name(self) -> str:
            assert act.spans is not None
            return "chatty"

    act.watch(spans)
    spans.append(Chatty())

    assert names(act) == ["chatty"]
