import pytest

from pytest_traces.propagation import InvalidContext
from pytest_traces.propagation.formats.datadog_member import (
    DatadogMember,
    read_member,
    write_member,
)

MEMBER = DatadogMember(2, "rum", "a0000000000000ff", (("_dd.p.dm", "-4"), ("_dd.p.usr.id", "b=")))
TEXT = "s:2;o:rum;p:a0000000000000ff;t.dm:-4;t.usr.id:b~"


def test_what_is_read_is_what_is_written() -> None:
    """In the order of dd-trace-py; a tilde stands for the equals sign, which W3C forbids."""
    assert read_member(TEXT) == MEMBER
    assert write_member(MEMBER) == TEXT
    assert read_member("") == DatadogMember()
    assert write_member(DatadogMember()) == ""


def test_what_w3c_forbids_becomes_an_underscore() -> None:
    """So that the list stays valid."""
    assert write_member(DatadogMember(origin="a,b;c~ü")) == "o:a_b_c__"


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("invalid", "the member must be name:value, with semicolons (Datadog, Trace Context Propagation)"),
        ("s:high", "the sampling priority must be a whole number (Datadog, Trace Context Propagation)"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(value: str, rule: str) -> None:
    """The member alone is invalid, not the list it is in."""
    with pytest.raises(InvalidContext) as caught:
        read_member(value)
    assert (caught.value.value, caught.value.rule) == (value, rule)
