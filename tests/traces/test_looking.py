"""Looking at what was recorded."""

import re
from datetime import timedelta

import pytest

from pytest_traces import Trace, glob, record


@pytest.mark.usefixtures("book")
def test_spans_come_in_the_order_of_their_start(act, grow):
    """Whatever the order in which they were recorded."""
    grow("early", start=1_600_000_000_000, end=1_600_000_000_001)

    assert [one.name for one in act.spans] == ["early", "book", "load", "select", "select", "pay"]


@pytest.mark.usefixtures("book")
def test_roots_and_unfinished_spans(act, grow):
    """Those without a parent, and those without an end."""
    grow("book > late", end=None)
    grow("alone", end=None)

    assert [one.name for one in act.roots] == ["book", "alone"]
    assert [one.name for one in act.unfinished] == ["late", "alone"]


def test_iteration_gives_traces(act, grow):
    """One for each trace id, each with its roots and all its spans."""
    grow("a", "a > b")
    grow("c", trace_id=2)

    first, second = act
    assert isinstance(first, Trace)
    assert [one.name for one in first.spans] == ["a", "b"]
    assert [one.name for one in first.roots] == ["a"]
    assert [one.name for one in second.spans] == ["c"]
    assert first.trace_id != second.trace_id
    assert act.get("b").trace == first


@pytest.mark.usefixtures("book")
def test_a_span_knows_its_place(act):
    """Parent, children, ancestors, descendants, path."""
    load = act.get("load")

    assert load.parent.name == "book"
    assert [one.name for one in load.children] == ["select", "select"]
    assert [one.name for one in load.children[0].ancestors] == ["load", "book"]
    assert [one.name for one in act.get("book").descendants] == ["load", "select", "select", "pay"]
    assert load.children[0].path == "book > load > select"
    assert load.duration == timedelta(milliseconds=1)
    assert load.duration_ns == 1_000_000


@pytest.mark.usefixtures("book")
def test_the_tree_as_text(act):
    """In order of start, with kind, duration and what is remarkable."""
    assert str(act) == (
        "  book              server    1.00 ms   [agency]\n"
        "  ├─ load           internal  1.00 ms\n"
        "  │  └─ 2 × select  client    2.00 ms\n"
        "  └─ pay            client    1.00 ms   [bank] error: no money"
    )
    assert repr(act) == "<Traces 5 spans>"


def test_nothing_as_text(act):
    """It says so."""
    assert str(act) == "no span was recorded"
    assert repr(act) == "<Traces 0 spans>"
    assert act.section() == ""
    assert (act.spans, act.roots, act.unfinished, list(act), act.findings) == ((), (), (), [], ())


@pytest.mark.usefixtures("book")
def test_the_outline_is_canonical_and_can_be_pasted_back(act):
    """Names alone, siblings by name, identical ones once."""
    outline = act.outline()

    assert outline == "book\n├─ load\n│  └─ 2 × select\n└─ pay"
    act.assert_tree(outline)


def test_there_is_no_outline_of_nothing(act):
    """It fails, and says what was captured."""
    with pytest.raises(AssertionError) as caught:
        act.outline()
    assert str(caught.value) == (
        "no span was recorded, so there is no outline\n\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    nothing added"
    )


@pytest.mark.usefixtures("book")
def test_get_gives_the_one_span(act):
    """Selected by a name or by anything else."""
    assert act.get("pay").status_description == "no money"
    assert act.get(status="error").name == "pay"
    assert act.get(attributes={"rows": 3}).name == "select"


@pytest.mark.usefixtures("book")
def test_get_refuses_several(act):
    """It names them, and a keyword that could tell them apart."""
    with pytest.raises(AssertionError) as caught:
        act.get("select")
    assert str(caught.value) == (
        "2 spans fit 'select', expected one\n\n"
        "  'book > load > select'\n"
        "  'book > load > select'\n\n"
        "  hint:  add a keyword: kind=, status=, attributes=, service=, scope=, source=, inside="
    )


@pytest.mark.parametrize(
    ("name", "keywords", "verdict"),
    [
        ("selct", {}, "no span fits 'selct'; nearest: 'book > load > select'"),
        ("PAY", {}, "no span fits 'PAY'; nearest: 'book > pay'"),
        ("zzz", {}, "no span fits 'zzz'"),
        (glob("pay?"), {}, "no span fits glob('pay?'); nearest: 'book > pay'"),
        (re.compile("pai"), {}, "no span fits re.compile('pai')"),
        (
            "pay",
            {"kind": "server"},
            "no span fits 'pay' with kind='server'; nearest: 'book > pay', kind: expected 'server', "
            "got 'client'",
        ),
        (
            "pay",
            {"status": "ok", "service": "bank"},
            "no span fits 'pay' with status='ok', service='bank'; nearest: 'book > pay', status: "
            "expected 'ok', got 'error'",
        ),
        (
            "select",
            {"attributes": {"rows": 2}},
            "no span fits 'select' with attributes={'rows': 2}; nearest: 'book > load > select', "
            "rows: expected 2, got 3",
        ),
        (
            "select",
            {"inside": "pay"},
            "no span fits 'select' inside 'pay'; nearest: 'book > load > select', not inside 'pay'",
        ),
    ],
)
@pytest.mark.usefixtures("book")
def test_get_names_the_nearest_where_there_is_none(name, keywords, verdict, act):
    """And why it does not fit."""
    with pytest.raises(AssertionError) as caught:
        act.get(name, **keywords)
    text = str(caught.value)
    assert text.splitlines()[0] == verdict
    assert "  book              server    1.00 ms" in text
    assert "hand-written    5 spans" in text


def test_get_says_that_nothing_was_recorded(act):
    """And what was captured."""
    with pytest.raises(AssertionError) as caught:
        act.get("pay")
    assert str(caught.value) == (
        "no span fits 'pay': no span was recorded\n\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    nothing added"
    )


@pytest.mark.usefixtures("book")
def test_find_gives_a_list(act):
    """An empty one, if there is none."""
    assert [one.name for one in act.find("select")] == ["select", "select"]
    assert act.find("other") == []


def test_findings_are_what_is_wrong_with_the_data(act, grow):
    """An id that two spans share, for example."""
    grow("a", span_id=7)
    grow("b", span_id=7)

    (finding,) = act.findings
    assert finding.kind == "duplicate"
    assert {one.name for one in finding.spans} == {"a", "b"}


def test_looking_goes_on_after_the_block():
    """The recording is over and stays what it was."""
    with record() as act, act.start_span("x"):
        pass
    with record() as other, other.start_span("y"):
        pass

    assert [one.name for one in act.spans] == ["x"]
    assert act.outline() == "x"
    assert act.get("x").name == "x"


def test_what_comes_in_while_one_looks_is_seen(grow, act):
    """A forest that was built before is not kept for too long."""
    grow("a")
    assert len(act.spans) == 1
    grow("b", end=None)
    assert len(act.spans) == 2
    with record() as inner:
        assert inner.spans == ()
        grow("c")
        assert len(inner.spans) == 1
        grow("d")
    assert len(inner.spans) == 2
    assert len(act.spans) == 4


def test_the_end_of_a_block_is_seen_where_the_numbers_happen_to_agree(grow):
    """The journal is shared: its size alone does not tell what is in a recording."""
    grow("a", "b")
    with record(sources=["handwritten"]) as inner:
        grow("c", "d", "e")
        assert len(inner.spans) == 3
        grow("f", "g")

    assert [one.name for one in inner.spans] == ["c", "d", "e", "f", "g"]
