"""assert_count and assert_none: where each passes, fails, and selects nothing."""

import re

import pytest

from pytest_traces import BadValue, glob

CAPTURED = (
    "  what was captured:\n"
    "    opentelemetry   left out by traces_sources\n"
    "    hand-written    {spans}"
)
TREE = (
    "  book              server    1.00 ms   [agency]\n"
    "  ├─ load           internal  1.00 ms\n"
    "  │  └─ 2 × select  client    2.00 ms\n"
    "  └─ pay            client    1.00 ms   [bank] error: no money"
)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("select", {"n": 2}),
        ("select", {"at_least": 1}),
        ("select", {"at_least": 2}),
        ("select", {"at_most": 2}),
        ("select", {"at_most": 5}),
        ("select", {"at_least": 1, "at_most": 2}),
        ("book", {"n": 1}),
        (glob("*"), {"n": 5}),
        (None, {"n": 3, "kind": "client"}),
    ],
)
def test_a_count_that_holds(name, wanted, act):
    """Exactly, at least, at most, between."""
    act.assert_count(name, **wanted)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("name", "wanted", "verdict"),
    [
        ("select", {"n": 1}, "'select' ran 2 times, expected 1"),
        ("select", {"n": 3}, "'select' ran 2 times, expected 3"),
        ("select", {"at_least": 3}, "'select' ran 2 times, expected at least 3"),
        ("select", {"at_most": 1}, "'select' ran 2 times, expected 1"),
        ("select", {"at_least": 3, "at_most": 5}, "'select' ran 2 times, expected 3 to 5"),
        ("book", {"n": 2}, "'book' ran 1 time, expected 2"),
        (glob("*"), {"at_most": 4}, "glob('*') ran 5 times, expected 1 to 4"),
        (None, {"n": 2, "kind": "client"}, "any span with kind='client' ran 3 times, expected 2"),
        ("selct", {"n": 1}, "no span fits 'selct'; nearest: 'book > load > select'; expected 1"),
        ("zzz", {"at_least": 2}, "no span fits 'zzz'; expected at least 2"),
        ("zzz", {"at_most": 2}, "no span fits 'zzz'; expected 1 to 2"),
    ],
)
def test_a_count_that_does_not_hold(name, wanted, verdict, act):
    """The first line says what ran how often; where nothing fits, at most fails too."""
    with pytest.raises(AssertionError) as caught:
        act.assert_count(name, **wanted)
    assert str(caught.value).splitlines()[0] == verdict


@pytest.mark.usefixtures("book")
def test_a_count_says_where_the_spans_are(act, grow):
    """The whole message."""
    grow("select")
    with pytest.raises(AssertionError) as caught:
        act.assert_count("select", 1)
    assert str(caught.value) == (
        f"'select' ran 3 times, expected 1\n\n"
        f"{TREE}\n"
        f"  select            internal  1.00 ms\n\n"
        f"  2 below 'book > load'\n"
        f"  1 as a root\n\n"
        f"{CAPTURED.format(spans='6 spans')}"
    )


def test_a_count_where_nothing_was_recorded(act):
    """It fails, whatever is expected."""
    for wanted in ({"n": 1}, {"at_least": 1}, {"at_most": 1}):
        with pytest.raises(AssertionError, match="no span fits 'x': no span was recorded"):
            act.assert_count("x", **wanted)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({}, "assert_count: say how many: n, at_least= or at_most="),
        ({"n": 0}, "n: 0 is not usable; a count is at least 1; to expect none, use assert_none"),
        ({"at_least": 0}, "at_least: 0 is not usable; a count is at least 1; to expect none, use assert_none"),
        ({"at_most": 0}, "at_most: 0 is not usable; a count is at least 1; to expect none, use assert_none"),
        ({"n": -1}, "n: -1 is not usable; a count is a positive integer"),
        ({"at_most": -2}, "at_most: -2 is not usable; a count is a positive integer"),
        ({"n": "2"}, "n: '2' is not usable; a count is a positive integer"),
        ({"n": 2.0}, "n: 2.0 is not usable; a count is a positive integer"),
        ({"n": True}, "n: True is not usable; a count is a positive integer"),
        ({"n": 2, "at_most": 3}, "n: 2 is not usable; it is exact; leave at_least= and at_most= out"),
        ({"at_least": 3, "at_most": 2}, "at_most: 2 is not usable; it lies below at_least=3"),
    ],
)  # fmt: skip
def test_a_count_that_makes_no_sense_is_refused(wanted, message, act):
    """No number, none, negative ones, other types, contradictions."""
    with pytest.raises(ValueError, match=re.escape(message.split(";")[0])) as caught:
        act.assert_count("x", **wanted)
    assert str(caught.value) == message
    assert isinstance(caught.value, BadValue) or not wanted


@pytest.mark.usefixtures("book")
def test_none_that_holds(act):
    """No span fits."""
    act.assert_none("checkout")
    act.assert_none("book", kind="client")
    act.assert_none(status="ok")
    act.assert_none("select", inside="pay")


def test_none_without_a_name_wants_nothing_at_all(act):
    """It is the one assertion that an empty recording fulfils."""
    act.assert_none()
    act.assert_none("x")


@pytest.mark.usefixtures("book")
def test_none_inside_a_span_that_is_not_there(act):
    """Nothing is absent from nowhere: a name that is misspelt must not pass."""
    with pytest.raises(AssertionError) as caught:
        act.assert_none("select", inside="bok")
    assert str(caught.value).splitlines()[:3] == [
        "no span is named 'bok', so nothing could have been inside it",
        "",
        "  book              server    1.00 ms   [agency]",
    ]


def test_none_inside_a_span_of_an_empty_recording(act):
    """Likewise where nothing was recorded at all."""
    with pytest.raises(AssertionError, match="no span was recorded"):
        act.assert_none("select", inside="book")


@pytest.mark.usefixtures("book")
def test_none_that_does_not_hold(act):
    """The first span is named, then where all of them are."""
    with pytest.raises(AssertionError) as caught:
        act.assert_none("select")
    assert str(caught.value) == (
        "expected no span 'select', got 2 spans: 'book > load > select'\n\n"
        f"{TREE}\n\n"
        "  2 below 'book > load'"
    )


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("args", "keywords", "verdict"),
    [
        (["pay"], {}, "expected no span 'pay', got 1 span: 'book > pay'"),
        ([], {}, "expected no span, got 5 spans: 'book'"),
        ([], {"status": "error"}, "expected no span with status='error', got 1 span: 'book > pay'"),
        ([glob("s*")], {"inside": "load"},
         "expected no span glob('s*') inside 'load', got 2 spans: 'book > load > select'"),
    ],
)  # fmt: skip
def test_none_names_what_was_not_expected(args, keywords, verdict, act):
    """By name, by field, by place, or anything."""
    with pytest.raises(AssertionError) as caught:
        act.assert_none(*args, **keywords)
    assert str(caught.value).splitlines()[0] == verdict


def test_none_counts_spans_that_never_ended(act, grow):
    """They have started, so they are there."""
    grow("x", end=None)

    with pytest.raises(AssertionError, match="expected no span 'x', got 1 span: 'x'"):
        act.assert_none("x")
