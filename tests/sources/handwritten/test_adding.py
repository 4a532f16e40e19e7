"""``add`` records one span of the application's own making."""

from types import SimpleNamespace

import pytest

from pytest_traces import BadValue, UnreadableSpan, record

START = 1_700_000_000_000


def test_spans_are_joined_by_their_ids(act, fields):
    """However the ids are written, and in any order."""
    act.add({**fields, "span_id": "0C", "parent_id": 10, "name": "select"})
    act.add({**fields, "span_id": 11, "parent_id": "A", "name": "pay"})
    act.add({**fields, "span_id": "a", "parent_id": "", "name": "book"})

    act.assert_tree("""
        book
        ├─ pay
        └─ select
    """)


def test_a_parent_may_be_the_object_itself(act, fields):
    """As many tracers keep it."""
    parent = SimpleNamespace(**fields)
    child = SimpleNamespace(**{**fields, "span_id": 2, "name": "select"}, parent=parent)
    act.add(parent)
    act.add(child)

    act.assert_path("book", "select")


def test_the_unit_is_that_of_the_call(act):
    """Milliseconds, unless it says otherwise."""
    for number, unit in enumerate(["ns", "us", "ms", "s"]):
        start = START * 10 ** (6 - 3 * number) if number < 3 else START // 1_000
        act.add({"trace_id": 1, "span_id": number + 1, "name": unit, "start": start, "end": start},
                unit=unit)  # fmt: skip

    assert {span.start_ns for span in act.spans} == {START * 10**6}


def test_a_span_that_cannot_be_read_is_an_error_here(act, fields):
    """The test itself gave it, so the error is raised where it did."""
    del fields["span_id"]
    with pytest.raises(UnreadableSpan, match="it has no span_id") as caught:
        act.add(fields)
    assert caught.value.field == "span_id"
    assert caught.value.given is fields
    assert act.spans == ()
    act.assert_none()


def test_a_bad_unit_is_refused(act, fields):
    """It names those there are."""
    with pytest.raises(BadValue, match="a unit is one of ns, us, ms, s"):
        act.add(fields, unit="sec")


def test_a_recording_that_is_over_takes_no_span(fields):
    """It says so."""
    with record() as inner:
        pass
    with pytest.raises(RuntimeError) as caught:
        inner.add(fields)
    assert str(caught.value) == "add: the recording is over; nothing can be added to it"


def test_the_source_is_handwritten(act, fields):
    """And can be selected by it."""
    act.add(fields)

    assert act.get("book", source="handwritten").source == "handwritten"
    act.assert_none(source="opentelemetry")
