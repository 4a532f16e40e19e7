import pytest

from pytest_traces.propagation import extract_baggage, inject_baggage
from pytest_traces.settings import BadValue


def test_jaeger_has_a_header_for_each_member() -> None:
    """The value is URL-encoded, the key is a part of the header's name."""
    headers = {"uberctx-tenant": "acme%20%26%20sons", "uberctx-user": "7"}
    found = extract_baggage({"UberCtx-Tenant": "acme%20%26%20sons", "uberctx-user": "7"}, "jaeger")
    assert found == {"tenant": "acme & sons", "user": "7"}
    assert inject_baggage(found, "jaeger") == headers


def test_jaeger_has_a_header_for_all_members() -> None:
    """For a test, or for curl."""
    assert extract_baggage({"jaeger-baggage": "a=1, b=2"}, "jaeger") == {"a": "1", "b": "2"}


def test_opentracing_writes_values_as_they_are() -> None:
    """What cannot stand in a header as it is, is not written."""
    headers = {"ot-baggage-tenant": "acme & sons"}
    assert extract_baggage(headers, "ottrace") == {"tenant": "acme & sons"}
    assert inject_baggage({"tenant": "acme & sons"}, "ottrace") == headers
    for value in ("Amélie", "a\r\nx-admin: 1", " a"):
        with pytest.raises(BadValue, match="this format sends printable ASCII only"):
            inject_baggage({"a": value}, "ottrace")


@pytest.mark.parametrize("kind", ["jaeger", "ottrace"])
def test_what_is_no_member_is_dropped(kind: str) -> None:
    """A key that is no token; a header of another name; a header without a name."""
    prefix = {"jaeger": "uberctx-", "ottrace": "ot-baggage-"}[kind]
    found = extract_baggage({f"{prefix}a b": "1", prefix: "2", "": "c=3", "baggage": "d=4"}, kind)
    assert found == {}
    assert [one.rule for one in found.problems] == ["a key must be a token (RFC 9110, 5.6.2)"]


def test_there_is_no_more_room_than_for_w3c_s_baggage() -> None:
    """8192 bytes, 180 members."""
    rule = "what is beyond 8192 bytes or 180 members is dropped"
    many = extract_baggage({f"uberctx-k{n}": "1" for n in range(200)}, "jaeger")
    assert len(many) == 180
    long = extract_baggage({"uberctx-a": "1", "uberctx-b": "x" * 8190}, "jaeger")
    assert long == {"a": "1"}
    assert [one.rule for one in (*many.problems, *long.problems)] == [rule, rule]
