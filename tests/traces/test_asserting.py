"""assert_tree, assert_subtree and assert_path: where each passes, fails, and selects nothing."""

import re

import pytest

from pytest_traces import OutlineError, PatternError, glob, in_order, span

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
    "expected",
    [
        ["book\n├─ load\n│  └─ 2 × select\n└─ pay"],
        ["book\n  pay\n  load\n    select\n    select"],
        ["book\n  ..."],
        ["...\nbook\n  ..."],
        [..., "book\n  ..."],
        [span("book", span("load", span("select") * 2), "pay")],
        [span("book", in_order(span("load", ...), "pay")), span("x").optional],
        [span("book", span("load", span("select").times(1, 2)), span("pay"), span("x").optional)],
        [span(glob("b*"), span(re.compile("l.*"), ...), ..., kind="server"), span("y").optional],
    ],
)
def test_a_tree_that_matches(expected, act):
    """As an outline in every notation, as patterns, open and closed."""
    act.assert_tree(*expected)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        (["book"], "the trace differs from the expected tree"),
        (["book\n  load\n    2 × select\n  pay\nother"], "'other' is missing"),
        (["book\n  load\n    3 × select\n  pay"], "'select' ran 2 times"),
        (["book\n  load\n    2 × select\n  pay (unfinished)"], "'book > pay' has ended"),
        (
            [span("book", span("load", span("select") * 2), span("pay", kind="server"))],
            "'book > pay': kind",
        ),
    ],
)
def test_a_tree_that_does_not_match(expected, verdict, act):
    """It begins with what is wrong."""
    with pytest.raises(AssertionError) as caught:
        act.assert_tree(*expected)
    assert str(caught.value).startswith(verdict)


def test_a_tree_where_nothing_was_recorded(act):
    """Even if everything in it is optional."""
    for expected in ("book", span("book").optional, "...\nbook"):
        with pytest.raises(AssertionError) as caught:
            act.assert_tree(expected)
        assert str(caught.value) == (
            f"no span was recorded\n\n{CAPTURED.format(spans='nothing added')}"
        )


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize("expected", [[], [""], ["\n\n"], [...], ["..."], ["...", ...]])
def test_an_empty_expectation_is_refused(expected, act):
    """Anything would fulfil it; the recorded tree can be pasted instead."""
    with pytest.raises(AssertionError) as caught:
        act.assert_tree(*expected)
    assert str(caught.value) == (
        "nothing is expected, which anything would fulfil\n\n"
        "  the recorded tree, ready to be pasted:\n\n"
        "    book\n"
        "    ├─ load\n"
        "    │  └─ 2 × select\n"
        "    └─ pay"
    )


def test_an_empty_expectation_of_nothing_is_refused_too(act):
    """There is assert_none for that."""
    with pytest.raises(AssertionError) as caught:
        act.assert_tree()
    assert str(caught.value) == (
        "nothing is expected, which anything would fulfil\n\n"
        f"{CAPTURED.format(spans='nothing added')}"
    )


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    "expected",
    [
        "load\n  2 × select",
        "load\n  ...",
        "pay",
        span("load", span("select") * 2),
        span("select", attributes={"rows": 3}),
        span(glob("*"), kind="client", status="error"),
    ],
)
def test_a_subtree_that_is_there(expected, act):
    """Anywhere in the forest."""
    act.assert_subtree(expected)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        ("load", "no subtree matches; the nearest: 2 unexpected ('select')"),
        ("load\n  select", "no subtree matches; the nearest: 'select' ran 2 times"),
        ("load\n  2 × select\n  pay", "no subtree matches; the nearest: 'pay' is missing"),
        ("lod\n  ...", "no subtree matches; the nearest: "),
        ("zzz", "no span matches 'zzz'"),
        (
            span("pay", kind="server"),
            "no subtree matches; the nearest: 'book > pay': kind: expected",
        ),
    ],
)
def test_a_subtree_that_is_not_there(expected, verdict, act):
    """The nearest one is compared."""
    with pytest.raises(AssertionError) as caught:
        act.assert_subtree(expected)
    assert str(caught.value).startswith(verdict)


def test_a_subtree_where_nothing_was_recorded(act):
    """It says so."""
    with pytest.raises(AssertionError) as caught:
        act.assert_subtree("book")
    assert "no span" in str(caught.value).splitlines()[0]
    assert CAPTURED.format(spans="nothing added") in str(caught.value)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    "steps",
    [
        ["book"],
        ["select"],
        ["book", "load", "select"],
        ["load", "select"],
        ["book", ..., "select"],
        ["book", ..., "load", "select"],
        ["book", ..., "load", ..., "select"],
        [glob("b*"), re.compile("l.+"), span("select", attributes={"rows": 1})],
    ],
)
def test_a_path_that_is_there(steps, act):
    """Beginning and ending at any level; ``...`` stands for any levels, also for none."""
    act.assert_path(*steps)


@pytest.mark.usefixtures("book")
@pytest.mark.parametrize(
    ("steps", "verdict"),
    [
        (["pay", "select"], "no 'select' directly below 'book > pay'"),
        (["book", "select"], "no 'select' directly below 'book'"),
        (["book", "load", "pay"], "no 'pay' directly below 'book > load'"),
        (["load", ..., "pay"], "no 'pay' anywhere below 'book > load'"),
        (["select", ..., "book"], "no 'book' anywhere below 'book > load > select'"),
        (["zzz", "book"], "no span matches 'zzz', where the path begins"),
        ([span("pay", kind="server")], "no span matches 'pay', where the path begins"),
    ],
)
def test_a_path_that_is_not_there(steps, verdict, act):
    """It says how far it goes."""
    with pytest.raises(AssertionError) as caught:
        act.assert_path(*steps)
    assert str(caught.value) == f"{verdict}\n\n{TREE}\n\n{CAPTURED.format(spans='5 spans')}"


def test_a_path_where_nothing_was_recorded(act):
    """It says so."""
    with pytest.raises(AssertionError) as caught:
        act.assert_path("book", "load")
    assert "no span" in str(caught.value).splitlines()[0]
    assert CAPTURED.format(spans="nothing added") in str(caught.value)


NOT_A_NAME = "is no name; a name is a string, re.compile(...), glob(...) or an object with =="


@pytest.mark.parametrize(
    ("method", "args", "kind", "message"),
    [
        ("assert_tree", [5], TypeError,
         "assert_tree: argument 1 is 5 (int); expected is an outline (text), a span(...), a group "
         "such as in_order(...), or ..."),
        ("assert_tree", ["book", ["pay"]], TypeError,
         "assert_tree: argument 2 is ['pay'] (list); expected is an outline (text), a span(...), a "
         "group such as in_order(...), or ..."),
        ("assert_tree", ["book\n   a\n  b"], OutlineError,
         "line 3, column 3 of the outline: this line is indented like none above it\n"
         "      b\n"
         "      ^\n"
         "  nearest valid form:\n"
         "       b"),
        ("assert_subtree", [5], TypeError,
         "assert_subtree: 5 (int) is neither a span(...) nor an outline"),
        ("assert_subtree", [glob("b*")], TypeError,
         "assert_subtree: glob('b*') (Glob) is neither a span(...) nor an outline; for a name "
         "pattern write span(...)"),
        ("assert_subtree", ["a\nb"], PatternError,
         "assert_subtree: the outline has 2 roots; a subtree has one"),
        ("assert_subtree", [""], PatternError,
         "assert_subtree: the outline has 0 roots; a subtree has one"),
        ("assert_subtree", [span("a") * 2], PatternError,
         "span('a').times(2, 2): a subtree is there or not; to count use assert_count"),
        ("assert_subtree", [span("a").optional], PatternError,
         "span('a').times(0, 1): a subtree is there or not; to count use assert_count"),
        ("assert_path", [], TypeError, "assert_path: name at least one span"),
        ("assert_path", [..., "a"], TypeError, "assert_path: a path begins with a span, not with ..."),
        ("assert_path", ["a", ...], TypeError, "assert_path: a path ends with a span, not with ..."),
        ("assert_path", ["a", 5], TypeError, f"assert_path: step 2: 5 (int) {NOT_A_NAME}"),
        ("assert_path", ["a", span("b", "c")], TypeError,
         "assert_path: step 2 is span('b', <1 children>); a step is a name or a span(...) without "
         "children"),
    ],
)  # fmt: skip
def test_what_is_no_expectation_is_refused(method, args, kind, message, act):
    """The whole message, whatever was recorded."""
    with pytest.raises(kind) as caught:
        getattr(act, method)(*args)
    assert str(caught.value) == message
