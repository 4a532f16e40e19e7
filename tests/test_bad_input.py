"""What is written wrongly is refused with the whole story: each message word for word."""

from datetime import timedelta

import pytest

from pytest_traces import (
    BadValue,
    OutlineError,
    PatternError,
    Traces,
    concurrent,
    glob,
    in_order,
    record,
    sequential,
    span,
)

START = 1_700_000_000_000


@pytest.fixture
def act():
    """A booking with two selects."""
    with record(timeout="0s", sources=["handwritten"]) as act:
        for number, (name, parent) in enumerate(
            [("book", None), ("select", 1), ("select", 1), ("pay", 1)], 1
        ):
            times = {"start": START + number, "end": START + number + 1}
            act.add({"trace_id": 1, "span_id": number, "parent_id": parent, "name": name, **times})
        yield act


@pytest.mark.parametrize(
    ("outline", "message"),
    [
        (
            "book\n   select\n  pay",
            "line 3, column 3 of the outline: this line is indented like none above it\n"
            "      pay\n"
            "      ^\n"
            "  nearest valid form:\n"
            "       pay",
        ),
        (
            "book\n  ...\n    pay",
            "line 3, column 5 of the outline: nothing can stand below '...'\n"
            "        pay\n"
            "        ^\n"
            "  nearest valid form:\n"
            "      pay",
        ),
        (
            "book\n  select\n\tpay",
            "line 3, column 1 of the outline: a tab among other indentation\n"
            "      pay\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      pay",
        ),
        (
            "book\n@3 pay",
            "line 2, column 1 of the outline: level 3 has no line of level 2 above it\n"
            "      @3 pay\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      @1 pay",
        ),
        (
            "book\n@1 select\n  pay",
            "line 3, column 3 of the outline: the lines above it state their level\n"
            "      pay\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      @1 pay",
        ),
        (
            "book\n├─ 0 × select\n└─ pay",
            "line 2, column 4 of the outline: to expect none of a span, leave its line out\n"
            "      ├─ 0 × select\n"
            "         ^\n"
            "  nearest valid form:\n"
            "      ├─ 1 × select",
        ),
        (
            "book\n  3 × ...",
            "line 2, column 3 of the outline: '...' stands for any number of spans\n"
            "      3 × ...\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      ...",
        ),
        (
            "book\n  'pay",
            "line 2, column 3 of the outline: a name that begins with a quote is written as a Python "
            "string\n"
            "      'pay\n"
            "      ^\n"
            "  nearest valid form:\n"
            '      "\'pay"',
        ),
        (
            "book\n└─ … 3 spans as expected",
            "line 2, column 4 of the outline: a line that leaves spans out stands for nothing; '...' "
            "allows others\n"
            "      └─ … 3 spans as expected\n"
            "         ^\n"
            "  nearest valid form:\n"
            "      └─ ...",
        ),
        (
            "  book\n- ├─ select\n  └─ pay",
            "line 2, column 1 of the outline: an outline has no marks at its side\n"
            "      - ├─ select\n"
            "      ^\n"
            "  nearest valid form:\n"
            "        ├─ select",
        ),
        (
            "book\n  3 x select",
            "line 2, column 3 of the outline: a count is a number, a blank, the sign × and a "
            "blank\n"
            "      3 x select\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      3 × select",
        ),
        (
            "book\n|-- select",
            "line 2, column 1 of the outline: branches are drawn with ├─ and └─, or by "
            "indentation alone\n"
            "      |-- select\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      └─ select",
        ),
        (
            "book\n  ..",
            "line 2, column 3 of the outline: '...' allows others; a span of this name is '..' "
            "in quotes\n"
            "      ..\n"
            "      ^\n"
            "  nearest valid form:\n"
            "      ...",
        ),
        (
            "book\n├─ select  client    2.1 ms\n└─ pay",
            "line 2, column 10 of the outline: an outline has the names alone, without kind and "
            "duration\n"
            "      ├─ select  client    2.1 ms\n"
            "               ^\n"
            "  nearest valid form:\n"
            "      ├─ select",
        ),
    ],
)
def test_an_outline_that_cannot_be_read(outline, message, act):
    """The line, the column, the reason, the nearest that could be read."""
    for read in (act.assert_tree, act.assert_subtree):
        with pytest.raises(OutlineError) as caught:
            read(outline)
        assert str(caught.value) == message


def test_the_parts_of_an_outline_error(act):
    """They are there for tools."""
    with pytest.raises(OutlineError) as caught:
        act.assert_tree("book\n   select\n  pay")
    error = caught.value
    assert (error.line, error.column, error.nearest) == (3, 3, "   pay")
    assert error.text == "book\n   select\n  pay"
    assert isinstance(error, ValueError)


CHILD = "a child is a span(...), a name, a group such as in_order(...), or ..."
NAME = "a name is a string, re.compile(...), glob(...) or an object with =="
KINDS = "internal, server, client, producer, consumer"


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: span("a", 5), TypeError, f"span('a'): child 1 is 5 (int); {CHILD}"),
        (lambda: span("a", "b", None), TypeError, f"span('a'): child 2 is None (NoneType); {CHILD}"),
        (lambda: span("a", ["b"]), TypeError,
         f"span('a'): child 1 is ['b'] (list); {CHILD}; unpack it with *"),
        (lambda: span(5), TypeError, f"span: 5 (int) is no name; {NAME}"),
        (lambda: span(["a"]), TypeError, f"span: ['a'] (list) is no name; {NAME}"),
        (lambda: span(span("a")), TypeError,
         "span(span('a')): the first argument is a name, then come the children"),
        (lambda: span(...), TypeError,
         "span(Ellipsis): the first argument is a name, then come the children"),
        (lambda: span("a", kind="SERVER"), BadValue,
         f"kind: 'SERVER' is not usable; a kind is one of {KINDS}"),
        (lambda: span("a", status="failed"), BadValue,
         "status: 'failed' is not usable; a status is one of unset, ok, error"),
        (lambda: span("a", source="otel"), BadValue,
         "source: 'otel' is not usable; the sources are opentelemetry, sentry, handwritten, otlp, test, file"),
        (lambda: span("a", exception=5), TypeError,
         f"exception: 5 (int) is neither a type of exception nor a name; {NAME}"),
        (lambda: span("a", exception=KeyError("b")), TypeError,
         "exception: KeyError('b') is one exception; give the type, KeyError"),
        (lambda: span("a", under=50), BadValue,
         'under: 50 is not usable; a duration is written with its unit: "50ms" or '
         "timedelta(milliseconds=50)"),
        (lambda: span("a", under=0.5), BadValue,
         'under: 0.5 is not usable; a duration is written with its unit: "0.5s" or '
         "timedelta(seconds=0.5)"),
        (lambda: span("a", under="50"), BadValue,
         "under: '50' is not usable; a duration is written like \"50ms\", with a unit of ns, us, ms, s "
         "or min"),
        (lambda: span("a", under=timedelta(-1)), BadValue,
         "under: datetime.timedelta(days=-1) is not usable; a duration cannot be negative"),
        (lambda: span("a", attributes=["x"]), TypeError,
         "attributes=['x']: attributes are a mapping of names to values"),
        (lambda: span("a", events="x"), TypeError, "events='x': events are a list"),
        (lambda: span("a", links={"trace_id": 1}), TypeError, "links={'trace_id': 1}: links are a list"),
        (lambda: glob(5), TypeError, "glob(5): a glob is a string, such as '* http send'"),
        (lambda: span("a").times(0), PatternError, "'a': to expect none, use assert_none('a')"),
        (lambda: span("a").times(0, 0), PatternError, "'a': to expect none, use assert_none('a')"),
        (lambda: span("a") * 0, PatternError, "'a': to expect none, use assert_none('a')"),
        (lambda: span("a").times(-1), PatternError, "'a': a count cannot be negative, as -1 is"),
        (lambda: span("a").times(0, -2), PatternError, "'a': a count cannot be negative, as -2 is"),
        (lambda: -2 * span("a"), PatternError, "'a': a count cannot be negative, as -2 is"),
        (lambda: span("a").times(3, 2), PatternError, "'a': no number lies between 3 and 2"),
        (lambda: span("a").times("2"), PatternError, "'a': a count is an integer, not '2'"),
        (lambda: span("a") * 2.0, PatternError, "'a': a count is an integer, not 2.0"),
        (lambda: span("a").times(True), PatternError, "'a': a count is an integer, not True"),
        (lambda: span("a").times(None, 2), PatternError, "'a': a count is an integer, not None"),
        (lambda: in_order(), PatternError, "in_order() is empty; a group holds at least one span"),
        (lambda: sequential("a", ...), TypeError,
         "sequential(...): a group holds spans, not groups and not '...'"),
        (lambda: concurrent("a", in_order("b")), TypeError,
         "concurrent(...): a group holds spans, not groups and not '...'"),
        (lambda: in_order("a", 5), TypeError, f"in_order: child 2 is 5 (int); {CHILD}"),
    ],
)  # fmt: skip
def test_a_pattern_that_makes_no_sense(make, kind, message):
    """Refused where it is written, not where it is matched."""
    with pytest.raises(kind) as caught:
        make()
    assert type(caught.value) is kind
    assert str(caught.value) == message


@pytest.mark.parametrize("low", [1, 3])
def test_counts_that_make_sense(low):
    """For contrast: any number, a range, none or more."""
    assert (span("a").times(low).low, span("a").times(low).high) == (low, low)
    assert (span("a").times(0, None).low, span("a").times(0, None).high) == (0, None)
    assert (span("a").times(low, 4).low, (low * span("a")).high) == (low, low)
    assert ((span("a") * 3).optional.low, (span("a") * 3).optional.high) == (0, 3)


@pytest.mark.parametrize(
    "call",
    [
        lambda act: span("a", knd="server"),
        lambda act: act.get("a", knd="server"),
        lambda act: act.find("a", knd="server"),
        lambda act: act.only("a", knd="server"),
        lambda act: act.assert_count("a", 1, knd="server"),
        lambda act: act.assert_none("a", knd="server"),
        lambda act: act.assert_tree("a", knd="server"),
        lambda act: act.assert_no_errors(knd="server"),
        lambda act: act.start_span("a", knd="server"),
        lambda act: record(knd="server"),
    ],
)
def test_an_unknown_keyword(call, act: Traces):
    """No function takes any keyword it does not know."""
    with pytest.raises(TypeError, match=r"^\S+ got an unexpected keyword argument 'knd'"):
        call(act)


@pytest.mark.parametrize(
    "expected",
    [
        span("book", in_order("select"), "select", "pay"),
        span("book", in_order("select"), span(glob("*")).times(0, None)),
        span("book", in_order("select", "pay"), sequential("select")),
    ],
)
def test_an_ambiguous_group(expected, act):
    """A span that a member matches belongs to the group, so nothing beside may want it."""
    with pytest.raises(PatternError) as caught:
        act.assert_tree(expected)
    text = str(caught.value)
    assert text.startswith("ambiguous: 'select' matches 'select' in in_order(...) and ")
    assert text.endswith(
        "beside it; a group owns every sibling that a member matches, so make the other one more "
        "specific"
    )


def test_an_ambiguous_group_word_for_word(act):
    """It names the span, the member and the other pattern."""
    with pytest.raises(PatternError) as caught:
        act.assert_tree(span("book", in_order("select"), span("select", attributes={}), "pay"))
    assert str(caught.value) == (
        "ambiguous: 'select' matches 'select' in in_order(...) and 'select' beside it; a group owns "
        "every sibling that a member matches, so make the other one more specific"
    )
