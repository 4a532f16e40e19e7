import pytest

from pytest_traces.propagation.carriers import Header
from pytest_traces.propagation.formats.tracestate import LIMIT, read_tracestate, write_tracestate
from pytest_traces.settings import BadValue

BAD_KEY = "a key must begin with a lower-case letter or a digit and have at most 256 characters of a-z, 0-9, _ - * / @ (W3C Trace Context, 3.3.2.2.1)"
BAD_VALUE = "a value must have 1 to 256 printable ASCII characters without ',' and '=' (W3C Trace Context, 3.3.2.2.2)"
LONGEST = ",".join(f"{number:0256}={'v' * 256}" for number in range(32))


def read(*values: str):
    return read_tracestate([Header("tracestate", value) for value in values])


@pytest.mark.parametrize(
    ("value", "members"),
    [
        ("", ()),
        (" , ,\t,", ()),
        ("a=1", (("a", "1"),)),
        ("a=1 \t, \tb=2", (("a", "1"), ("b", "2"))),
        ("a= 1 ", (("a", " 1"),)),
        ("0a_-*/@=!~", (("0a_-*/@", "!~"),)),
        ("a@b@c=1", (("a@b@c", "1"),)),
        (f"{'k' * 256}={'v' * 256}", (("k" * 256, "v" * 256),)),
    ],
)
def test_a_list_of_members(value: str, members: tuple) -> None:
    """Empty members mean nothing; spaces before a value belong to it, those after do not."""
    assert read(value) == (members, ())


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("a=1,b", "a member must be a key, '=' and a value (W3C Trace Context, 3.3.2.2)", "b"),
        ("a=1, foo =2", BAD_KEY, "foo =2"),
        ("A=1", BAD_KEY, "A=1"),
        ("@a=1", BAD_KEY, "@a=1"),
        ("=1", BAD_KEY, "=1"),
        (f"{'k' * 257}=1", BAD_KEY, f"{'k' * 257}=1"),
        ("a=1,b=,c=3", BAD_VALUE, "b="),
        ("a=1=1", BAD_VALUE, "a=1=1"),
        ("a=é", BAD_VALUE, "a=é"),
        (f"a={'v' * 257}", BAD_VALUE, f"a={'v' * 257}"),
        (",".join(f"a{n}=1" for n in range(33)), "the list must have at most 32 members (W3C Trace Context, 3.3.2)", "a32=1"),
        (LONGEST + ",", "a list of 32 members has at most 16447 characters (W3C Trace Context, 3.3.2)", None),
    ],
)  # fmt: skip
def test_one_broken_member_discards_the_list(value: str, rule: str, part: str | None) -> None:
    """A receiver must not keep the rest."""
    members, (problem,) = read(value)
    assert members == ()
    assert problem.rule == rule
    assert (None if problem.span is None else value[slice(*problem.span)]) == part


def test_the_longest_list_is_read() -> None:
    """32 members of the longest keys and values."""
    assert len(LONGEST) == LIMIT
    assert len(read(LONGEST)[0]) == 32


def test_several_headers_are_one_list() -> None:
    """In their order, and with one limit."""
    assert read("a=1", "", "b=2") == ((("a", "1"), ("b", "2")), ())
    members, (problem,) = read(*(f"a{n}=1,b{n}=1" for n in range(17)))
    assert members == ()
    assert problem.value == "a16=1,b16=1"


def test_of_a_key_that_is_there_twice_the_newest_is_kept() -> None:
    """The newest stands first."""
    members, (problem,) = read("a=1,b=2,a=3")
    assert members == (("a", "1"), ("b", "2"))
    assert problem.rule == "a key must not be there twice (W3C Trace Context, 3.5)"
    assert problem.value[slice(*problem.span or ())] == "a=3"


@pytest.mark.parametrize(
    ("members", "rule"),
    [
        ((("A", "1"),), BAD_KEY),
        ((("a", "1 "),), BAD_VALUE),
        ((("a", "1,b=2"),), BAD_VALUE),
        ((("a", "1"), ("a", "2")), "a key must not be there twice (W3C Trace Context, 3.5)"),
        (tuple((f"a{n}", "1") for n in range(33)), "the list must have at most 32 members (W3C Trace Context, 3.3.2)"),
    ],
)  # fmt: skip
def test_what_the_header_cannot_hold_is_not_written(members: tuple, rule: str) -> None:
    """By the same rules as it is read."""
    with pytest.raises(BadValue) as caught:
        write_tracestate(members)
    assert caught.value.allowed == rule
