"""Headers as they were sent: pairs in their order, and values by name."""

import pytest

from pytest_traces import SentHeaders

HEADERS = SentHeaders([("Host", "payments"), ("Accept", "a"), ("accept", "b"), ("Empty", "")])


def test_they_are_the_pairs_that_left():
    """In their order, in their case, repeated ones repeated."""
    assert HEADERS == (("Host", "payments"), ("Accept", "a"), ("accept", "b"), ("Empty", ""))
    assert HEADERS[0] == ("Host", "payments")
    assert HEADERS[-1:] == (("Empty", ""),)
    assert ("Host", "payments") in HEADERS


def test_a_value_is_found_by_its_name_in_any_case():
    """Those of a repeated one are joined, and apart in values_of."""
    assert HEADERS["host"] == "payments"
    assert HEADERS["ACCEPT"] == "a, b"
    assert HEADERS.values_of("Accept") == ("a", "b")
    assert "empty" in HEADERS
    assert HEADERS.get("empty") == ""


def test_what_was_not_sent():
    """Is no key, and has no value."""
    assert "baggage" not in HEADERS
    assert HEADERS.get("baggage") is None
    assert HEADERS.get("baggage", "none") == "none"
    assert HEADERS.values_of("baggage") == ()
    with pytest.raises(KeyError, match="baggage"):
        HEADERS["baggage"]
