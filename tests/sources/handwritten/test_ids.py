"""Ids in every spelling."""

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.fields import MISSING
from pytest_traces.sources.handwritten.ids import read_parent_id, read_span_id, read_trace_id

UUID = uuid.UUID("12345678-9abc-def0-0fed-cba987654321")


class Parent:
    """A span of an application, as far as its children are concerned."""

    def __init__(self, span_id: object) -> None:
        self.span_id = span_id


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("ab" * 16, "ab" * 16),
        ("AB" * 16, "ab" * 16),
        (" 0x" + "Ab" * 16, "ab" * 16),
        ("a1b2c3d4e5f60718", "0" * 16 + "a1b2c3d4e5f60718"),
        ("7", "0" * 31 + "7"),
        (0xAB, "0" * 30 + "ab"),
        (2**128 - 1, "f" * 32),
        (UUID, "123456789abcdef00fedcba987654321"),
        (str(UUID).upper(), "123456789abcdef00fedcba987654321"),
        ({"trace_id": "AB"}, "0" * 30 + "ab"),
        ({"traceId": 171}, "0" * 30 + "ab"),
        ({"id": 171}, "0" * 30 + "ab"),
    ],
)
def test_trace_ids_become_32_lower_case_digits(written, read):
    """Text in any case, numbers, UUIDs, ids of 64 bits, and objects that have the id."""
    assert read_trace_id(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("cd" * 8, "cd" * 8),
        ("CD" * 8, "cd" * 8),
        ("0xcd", "0" * 14 + "cd"),
        (205, "0" * 14 + "cd"),
        (2**64 - 1, "f" * 16),
    ],
)
def test_span_ids_become_16_lower_case_digits(written, read):
    """Text in any case, with or without 0x, and numbers."""
    assert read_span_id(written) == read


def test_a_uuid_as_span_id_is_folded_to_64_bits():
    """The same one however the UUID is written, so that children still find their parent."""
    spellings = [UUID, str(UUID), str(UUID).upper(), UUID.hex, UUID.int]

    assert {read_span_id(one) for one in spellings} == {read_parent_id(UUID)}
    assert len(read_span_id(UUID)) == 16


@pytest.mark.parametrize("version", [uuid.uuid1, uuid.uuid4])
def test_uuids_of_one_host_stay_different(version):
    """Those of version 1 share their second half, others nothing."""
    made = [version() for _ in range(50)]

    assert len({read_span_id(one) for one in made}) == 50


def test_a_uuid_of_two_equal_halves_is_an_id():
    """Folding must not make zeros of it, which are no id."""
    assert read_span_id("ab" * 16) == "ab" * 8


@pytest.mark.parametrize(
    "written",
    ["", "  ", "0", "0" * 16, "0x", "xyz", "ab-cd", "a" * 17, "a" * 33, -1, 0, 2**128, True, 1.5, None,
     b"ab", [1], object],
)  # fmt: skip
def test_what_is_no_span_id_is_refused(written):
    """Zeros, other characters, too many digits, other types."""
    with pytest.raises(BadValue, match=re.escape("up to 16 hex digits")) as caught:
        read_span_id(written)
    assert caught.value.where == "span_id"
    assert caught.value.value == written


def test_the_message_of_a_bad_id_is_whole():
    """It names the field, what was given and what an id is."""
    with pytest.raises(BadValue) as caught:
        read_trace_id("abc xyz")
    assert str(caught.value) == (
        "trace_id: 'abc xyz' is not usable; an id is a UUID, or up to 32 hex digits that are not "
        "all zeros, as text or as an integer"
    )


@pytest.mark.parametrize(
    "written",
    [None, MISSING, "", 0, False, "0", "0" * 16, "0x0000000000000000", uuid.UUID(int=0)],
)  # fmt: skip
def test_no_parent_in_every_spelling(written):
    """Tracers write None, nothing, or zeros where there is no parent."""
    assert read_parent_id(written) is None


@pytest.mark.parametrize(
    "written",
    ["CD", 205, Parent("cd"), Parent(205), {"span_id": "cd"}, {"spanId": "cd"}, {"id": 205},
     {"context": {"span_id": "cd"}}],
)  # fmt: skip
def test_a_parent_is_an_id_or_the_span_itself(written):
    """An object or a mapping stands for the id it has."""
    assert read_parent_id(written) == "0" * 14 + "cd"


def test_a_parent_without_an_id_is_refused():
    """An object that is no span is not taken for a root."""
    with pytest.raises(BadValue) as caught:
        read_parent_id({"name": "click"})
    assert str(caught.value) == (
        "parent_id: {'name': 'click'} is not usable; a parent is given by its id, or as the span "
        "itself, which has an id"
    )


@given(st.integers(1, 2**128 - 1))
def test_trace_ids_round_trip(number):
    """Number, text in both cases and UUID are one id."""
    spellings = [number, f"{number:x}", f"{number:032X}", uuid.UUID(int=number)]

    assert {read_trace_id(one) for one in spellings} == {f"{number:032x}"}


@given(st.integers(1, 2**64 - 1))
def test_span_ids_round_trip(number):
    """An id is the same as a parent's id as it is as the span's own."""
    spellings = [number, f"{number:x}", f"{number:016X}", f"0x{number:x}"]

    assert {read_span_id(one) for one in spellings} == {f"{number:016x}"}
    assert {read_parent_id(one) for one in spellings} == {f"{number:016x}"}
