from typing import Any

import pytest

from pytest_traces.propagation import (
    BAGGAGE_FORMATS,
    BaggageMember,
    extract_baggage,
    inject_baggage,
)
from pytest_traces.settings import BadValue

BAD_VALUE = "a value must be ASCII without spaces, '\"', ',', ';' and '\\', which are percent-encoded (W3C Baggage, 3.3.1.3)"


def test_keys_and_values() -> None:
    """It is a mapping, equal to a dict; with properties beside."""
    found = extract_baggage({"Baggage": "tenant = acme ; tier = gold;vip,user=Am%C3%A9lie"})
    assert found == {"tenant": "acme", "user": "Amélie"}
    assert found.members == (
        BaggageMember("tenant", "acme", (("tier", "gold"), ("vip", None))),
        BaggageMember("user", "Amélie"),
    )
    assert (found["user"], len(found), list(found)) == ("Amélie", 2, ["tenant", "user"])
    assert repr(found) == "<Baggage {'tenant': 'acme', 'user': 'Amélie'}>"


def test_several_headers_are_one_list() -> None:
    """In their order; an empty one has nothing."""
    found = extract_baggage([("baggage", "a=1"), ("baggage", " "), ("baggage", "b=2")])
    assert found == {"a": "1", "b": "2"}
    assert found.problems == ()


def test_of_a_key_that_is_there_twice_the_last_value_counts() -> None:
    """Both members are kept, in their order."""
    found = extract_baggage({"baggage": "a=1;p,a=2"})
    assert found == {"a": "2"}
    assert found.members == (BaggageMember("a", "1", (("p", None),)), BaggageMember("a", "2"))


@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("%20%22%2C%3B%5C", ' ",;\\'),
        ("a=b=c", "a=b=c"),
        ("a+b", "a+b"),
        ("%FF", "\N{REPLACEMENT CHARACTER}"),
        ("", ""),
    ],
)
def test_values_are_percent_decoded(value: str, decoded: str) -> None:
    """What is no UTF-8 becomes the replacement character; a plus is a plus."""
    assert extract_baggage({"baggage": f"k={value};p={value}"}).members == (
        BaggageMember("k", decoded, (("p", decoded),)),
    )


def test_keys_are_tokens_and_not_decoded() -> None:
    """A percent sign in one is a percent sign."""
    assert extract_baggage({"baggage": "a%20b=1"}) == {"a%20b": "1"}


@pytest.mark.parametrize(
    ("member", "rule", "kept"),
    [
        ("", "a list must have no empty member (W3C Baggage, 3.3.1)", None),
        ("b", "a member must be a key, '=' and a value (W3C Baggage, 3.3.1)", None),
        ("=1", "a key must be a token of RFC 7230 (W3C Baggage, 3.3.1.2)", None),
        ("b c=1", "a key must be a token of RFC 7230 (W3C Baggage, 3.3.1.2)", None),
        ("b=é", BAD_VALUE, None),
        ("b=1 2", BAD_VALUE, None),
        ("b=\\", BAD_VALUE, None),
        ("b=50%", "a percent sign must be percent-encoded itself (W3C Baggage, 3.3.1.3)", "50%"),
        ("b=1;", "a property must be a key, or a key, '=' and a value (W3C Baggage, 3.3.1.4)", "1"),
        ("b=1;p=\"", "a property must be a key, or a key, '=' and a value (W3C Baggage, 3.3.1.4)", "1"),
    ],
)  # fmt: skip
def test_a_broken_member_goes_and_the_others_stay(member: str, rule: str, kept: str | None) -> None:
    """With the rule, and where it is broken."""
    found = extract_baggage({"baggage": f"a=1,{member},c=3"})
    assert found == {"a": "1", "c": "3"} | ({} if kept is None else {"b": kept})
    (problem,) = found.problems
    assert problem.rule == rule
    assert problem.value[slice(*problem.span or ())] == member


def test_what_is_too_long_is_cut_between_members() -> None:
    """8192 bytes of all headers, and 180 members."""
    rule = "what is beyond 8192 bytes or 180 members may be dropped (W3C Baggage, 3.3.2)"
    long = extract_baggage({"baggage": f"a=1,b={'x' * 8187}"})
    assert long == {"a": "1"}
    assert [problem.rule for problem in long.problems] == [rule]
    assert len(extract_baggage({"baggage": f"a=1,b={'x' * 8186}"})) == 2
    assert extract_baggage([("baggage", f"b={'x' * 8186}"), ("baggage", "aaaa=1")]).keys() == {"b"}
    assert extract_baggage({"baggage": "x" * 8193}) == {}
    many = extract_baggage({"baggage": ",".join(f"k{n}=1" for n in range(181))})
    assert len(many) == 180
    assert [problem.rule for problem in many.problems] == [rule]


def test_a_baggage_is_written_as_it_was_read() -> None:
    """With properties and duplicates."""
    header = {"baggage": "a=1;p=%20;q,a=Am%C3%A9lie"}
    assert inject_baggage(extract_baggage(header)) == header
    assert inject_baggage({"tenant": "acme & sons"}) == {"baggage": "tenant=acme%20%26%20sons"}
    assert inject_baggage({}) == {}


def test_whole_members_are_left_out_where_there_is_no_room() -> None:
    """From the end."""
    many = inject_baggage({f"k{n}": "1" for n in range(200)})["baggage"].split(",")
    assert (len(many), many[-1]) == (180, "k179=1")
    assert inject_baggage({"a": "1", "b": "x" * 8187}) == {"baggage": "a=1"}
    assert len(inject_baggage({"a": "1", "b": "x" * 8186})["baggage"]) == 8192
    assert inject_baggage({"b": "x" * 8192}) == {}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a b": "1"}, "baggage: 'a b' is not usable; a key is a token: letters, digits and !#$%&'*+-.^_`|~"),
        ({1: "1"}, "baggage: 1 is not usable; a key is a token: letters, digits and !#$%&'*+-.^_`|~"),
        ({"a": 1}, "baggage: 1 is not usable; a value is a text that UTF-8 can encode"),
        ({"a": None}, "baggage: None is not usable; a value is a text that UTF-8 can encode"),
        ({"a": "\ud800"}, "baggage: '\\ud800' is not usable; a value is a text that UTF-8 can encode"),
        ([BaggageMember("a", "1", (("p q", None),))], "baggage: 'p q' is not usable; a key is a token: letters, digits and !#$%&'*+-.^_`|~"),
        ("a=1", "baggage: 'a' is not usable; it is a mapping of texts, or BaggageMembers"),
        (42, "baggage: 42 is not usable; it is a mapping of texts, or BaggageMembers"),
    ],
)  # fmt: skip
def test_what_the_header_cannot_hold_is_not_written(given: Any, message: str) -> None:
    """It says what, and what is allowed."""
    with pytest.raises(BadValue) as caught:
        inject_baggage(given)
    assert str(caught.value) == message


@pytest.mark.parametrize("use", [extract_baggage, inject_baggage])
def test_another_format_is_refused(use: Any) -> None:
    """Three formats have a baggage of their own."""
    assert BAGGAGE_FORMATS == ("baggage", "jaeger", "ottrace")
    with pytest.raises(BadValue) as caught:
        use({}, "jäger")
    assert str(caught.value) == (
        "format: 'jäger' is not usable; did you mean 'jaeger'? the formats of baggage are "
        "baggage, jaeger, ottrace"
    )
    with pytest.raises(BadValue, match=r"; the formats of baggage are baggage, jaeger, ottrace$"):
        use({}, None)
