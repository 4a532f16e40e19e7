"""error_events and assert_no_errors: each error once, with its span or why there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import ErrorEvent, Traces, glob, record, span
from pytest_traces.model import ErrorData
from pytest_traces.recording import journal

START = 1_700_000_000_000
MS = 1_000_000

Report = Callable[..., None]


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of spans by hand and of errors that somebody else reports."""
    with record(timeout="0s", sources=["handwritten", "sentry"]) as act:
        yield act


@pytest.fixture
def report(act: Traces) -> Report:
    """Adds an error as a source would: of a span, or of none."""

    def report(
        kind: str | None,
        message: str | None,
        of: str | None = None,
        at: int = 500,
        **fields: Any,
    ) -> None:
        if of is not None:
            span = act.get(of)
            fields["key"] = (span.trace_id, span.span_id)
        error = ErrorData(next(journal.numbers), "sentry", kind, message, (START + at) * MS)
        act._frame.recording.errors.append(error._replace(**fields))

    return report


def raised(kind: str, message: str, at: int | None = None) -> dict[str, Any]:
    """An exception event, as OpenTelemetry writes it."""
    attributes = {"exception.type": kind, "exception.message": message}
    event = {"name": "exception", "attributes": attributes}
    return event if at is None else {**event, "time": START + at}


@pytest.fixture
def order(grow: Callable[..., None]) -> None:
    """A request whose select fails; the exception goes up through all spans."""
    error = [raised("shop.OutOfStock", "no more of 7", at=50)]
    failed = {"status": "error", "status_description": "OutOfStock: no more of 7"}
    grow("POST /order", kind="server", events=[raised("shop.OutOfStock", "no more of 7", 70)],
         **failed)  # fmt: skip
    grow("POST /order > load")
    grow("POST /order > reserve", events=[raised("shop.OutOfStock", "no more of 7", 60)], **failed)
    grow("POST /order > reserve > SELECT stock", kind="client", events=error, **failed)


def said(act: Traces, **keywords: Any) -> str:
    """The whole failure."""
    with pytest.raises(AssertionError) as caught:
        act.assert_no_errors(**keywords)
    return str(caught.value)


def listed(act: Traces) -> list[tuple[str | None, str | None, str | None]]:
    """Type, source and span of each error."""
    return [(one.type, one.source, one.span and one.span.name) for one in act.error_events]


def test_an_exception_event_is_an_error(act, grow):
    """With all that it says, the time of its span where it has none."""
    grow("a", events=["retry", raised("ValueError", "x")])

    (error,) = act.error_events

    assert error == ErrorEvent(
        type="ValueError", message="x", span=act.get("a"), unlinked=None, source="handwritten",
        level="error", handled=None, time_ns=(START + 2) * MS,
    )  # fmt: skip


def test_what_an_exception_event_need_not_say(act, grow):
    """A type or a message is enough, and so is its name."""
    grow("a", events=[{"name": "exception", "attributes": {"exception.message": "x"}}])
    grow("b", events=[{"name": "failed", "attributes": {"exception.type": "KeyError"}}])
    grow("c", events=["exception"])

    assert [(one.type, one.message, one.text) for one in act.error_events] == [
        (None, "x", "x"),
        ("KeyError", None, "KeyError"),
        (None, None, "exception"),
    ]


@pytest.mark.usefixtures("order")
def test_an_exception_that_several_spans_recorded_is_told_by_each(act):
    """In order of time, so that the span it came from is the first."""
    assert listed(act) == [
        ("shop.OutOfStock", "handwritten", "SELECT stock"),
        ("shop.OutOfStock", "handwritten", "reserve"),
        ("shop.OutOfStock", "handwritten", "POST /order"),
    ]


def test_at_one_instant_the_deepest_comes_first(act, grow):
    """Where the clock stands still the order of spans decides."""
    for path in ("a", "a > b", "a > b > c"):
        grow(path, events=[raised("ValueError", "x", 5)])

    assert [one.span.name for one in act.error_events] == ["c", "b", "a"]


def test_a_report_of_a_span_is_told_once(act, grow, report):
    """It is an event of the span, too, but one error; what the report knows is kept."""
    grow("a")
    report("ValueError", "x", of="a", at=9, handled=True, level="fatal")

    assert len(act.get("a").events) == 1
    (error,) = act.error_events
    assert (error.source, error.level, error.handled) == ("sentry", "fatal", True)
    assert error.time_ns == (START + 9) * MS


def test_a_report_of_what_the_span_has_recorded_itself(act, grow, report):
    """One error, told with the module of its class, whichever of the two knows it."""
    grow("a", events=[raised("shop.OutOfStock", "x"), raised("KeyError", "x", 9)])
    grow("b", events=[raised("OutOfStock", "x")])
    report("OutOfStock", "x", of="a", at=1)
    report("shop.OutOfStock", "x", of="b", at=2)

    assert listed(act) == [
        ("shop.OutOfStock", "sentry", "a"),
        ("shop.OutOfStock", "sentry", "b"),
        ("KeyError", "handwritten", "a"),
    ]


def test_reports_that_are_alike_are_each_an_error(act, grow, report):
    """A call that was tried three times has failed three times."""
    grow("a")
    for at in range(3):
        report("TimeoutError", "x", of="a", at=at)

    assert listed(act) == [("TimeoutError", "sentry", "a")] * 3


def test_other_messages_are_other_errors(act, grow, report):
    """And so are other classes of the same name."""
    grow("a", events=[raised("shop.Gone", "x", 1), raised("shop.Gone", "y", 2)])
    report("bank.Gone", "x", of="a")

    assert [one.text for one in act.error_events] == [
        "Gone: x",
        "Gone: y",
        "Gone: x",
    ]


def test_a_report_of_an_id_that_two_spans_share(act, report):
    """It is one error, of the first of the two."""
    both = {"trace_id": 1, "span_id": 5, "name": "charge"}
    act.add({**both, "kind": "client", "start": START, "end": START + 9})
    act.add({**both, "kind": "server", "start": START + 1, "end": START + 8})
    client = act.get("charge", kind="client")
    report("ValueError", "x", key=(client.trace_id, client.span_id))

    (error,) = act.error_events
    assert error.span.kind == "client"


def test_a_message_is_no_exception(act, grow, report):
    """It has no type, and is an event of its span, of a kind of its own."""
    grow("a")
    report(None, "the cache is cold", of="a")

    (error,) = act.error_events
    assert (error.type, error.text, error.span.name) == (None, "the cache is cold", "a")
    (event,) = act.get("a").events
    assert (event.name, event.attributes["error.message"]) == ("error.message", "the cache is cold")
    with pytest.raises(AssertionError):
        act.assert_subtree(span("a", exception=Exception))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"unlinked": "no span was active"}, "no span was active"),
        ({}, "the report names no span"),
        ({"key": ("ab" * 16, "cd" * 8)}, "the span that it names was not recorded"),
    ],
)
def test_an_error_without_a_span_says_why(fields, why, act, report):
    """In words."""
    report("ValueError", "x", **fields)

    (error,) = act.error_events
    assert (error.span, error.unlinked) == (None, why)


def test_an_error_of_a_span_that_began_before(act, grow, report):
    """What is looked at has no such span, but its name is known."""
    grow("a")
    key = (act.get("a").trace_id, act.get("a").span_id)
    act.clear()
    report("ValueError", "x", key=key)

    (error,) = act.error_events
    assert error.unlinked == "its span, 'a', began before what is looked at"


def test_an_error_of_a_source_that_is_left_out(grow):
    """It is none of this recording's, nor is its event."""
    with record(timeout="0s", sources=["handwritten"]) as act:
        error = ErrorData(next(journal.numbers), "sentry", "ValueError", "x", START * MS)
        act._frame.recording.errors.append(error)

        assert act.error_events == []


def test_errors_that_were_cleared(act, grow, report):
    """What happened before is forgotten."""
    grow("a")
    report("ValueError", "x", of="a")
    report("ValueError", "y")
    act.clear()

    assert act.error_events == []


def test_views_show_the_errors_of_their_spans(act, grow, report):
    """What is linked to no span is in no subtree, but it is not in one that is cut off, either."""
    grow("a", "b", "b > c")
    for name in ("a", "b", "c"):
        report("ValueError", name, of=name)
    report("ValueError", "unlinked")

    def messages(view: Traces) -> list[str | None]:
        return [one.message for one in view.error_events]

    assert messages(act) == ["c", "a", "b", "unlinked"]
    assert messages(act.only("a")) == ["a"]
    assert set(messages(act.only("b"))) == {"b", "c"}
    assert set(messages(act.without("b"))) == {"a", "unlinked"}
    assert set(messages(act.ignoring("b"))) == {"a", "b", "c", "unlinked"}
    assert messages(act.setup) == []


def test_an_error_as_text(act, grow, report):
    """Without ids, on one line."""
    grow("a", "a > b")
    report("ValueError", "no\nsuch  order", of="b")
    report(None, "x" * 100, unlinked="no span was active", at=600)

    assert list(map(repr, act.error_events)) == [
        "<ErrorEvent 'ValueError: no such order' in a > b>",
        f"<ErrorEvent '{'x' * 79}…' linked to no span: no span was active>",
    ]


def test_an_error_is_frozen(act, report):
    """And can be put into sets."""
    report("ValueError", "x")
    (error,) = act.error_events

    with pytest.raises(AttributeError):
        error.type = "KeyError"
    assert {error} == set(act.error_events)


def test_no_errors_that_holds(act, grow, report):
    """Neither a status nor an event nor a report says that something went wrong."""
    grow("a", status="ok")
    grow("b", events=["retry"])
    report("DeprecationWarning", "x", of="a", level="warning")
    report(None, "hello", level="info")

    act.assert_no_errors()


@pytest.mark.usefixtures("book")
def test_no_errors_with_a_status(act):
    """The whole message."""
    assert said(act) == (
        "an error in 'book > pay': no money\n"
        "\n"
        "  book              server    1.00 ms   [agency]\n"
        "  ├─ load           internal  1.00 ms\n"
        "  │  └─ 2 × select  client    2.00 ms\n"
        "  └─ pay            client    1.00 ms   [bank] error: no money"
    )


@pytest.mark.usefixtures("order")
def test_no_errors_with_an_exception_that_goes_up(act):
    """It is one error: the span that it came from is named, and has it in the tree."""
    assert said(act) == (
        "an error in 'POST /order > reserve > SELECT stock': OutOfStock: no more of 7\n"
        "\n"
        "  POST /order         server    1.00 ms   error\n"
        "  ├─ load             internal  1.00 ms\n"
        "  └─ reserve          internal  1.00 ms   error\n"
        "     └─ SELECT stock  client    1.00 ms   error\n"
        "        ! OutOfStock: no more of 7"
    )


@pytest.mark.usefixtures("order")
def test_no_errors_where_only_its_origin_is_allowed(act):
    """The spans above have the error all the same, and the hint knows how to allow it there."""
    assert said(act, allow="SELECT stock").splitlines()[0] == (
        "an error in 'POST /order > reserve': OutOfStock: no more of 7"
    )
    assert said(act, allow="SELECT stock").endswith(
        "\n\n"
        "  hint:  the same error is allowed in 'SELECT stock' alone, and goes on from there; wherever "
        "it is:\n"
        "         allow=[OutOfStock]"
    )
    act.assert_no_errors(allow=["SELECT stock", "reserve", "POST /order"])


def test_no_errors_with_the_messages_of_asgi(act, grow):
    """The answer of an exception that is allowed is an error of its message, and noise."""
    grow("GET /boom", kind="server", status="error", events=[raised("ValueError", "kaputt", at=50)])
    grow("GET /boom > GET /boom http send", status="error")

    assert said(act, allow=[ValueError]).endswith(
        "\n\n"
        "  hint:  these spans repeat the status of the answer; leave them out: traces_ignore = asgi in"
        " the\n"
        "         ini file, or traces.ignoring(glob('* http send'), glob('* http receive'))"
    )
    act.ignoring(glob("* http send")).assert_no_errors(allow=[ValueError])


def test_no_errors_with_a_status_alone(act, grow):
    """Where types are allowed, the hint says that names can be."""
    grow("GET /boom", kind="server", events=[raised("ValueError", "kaputt", at=50)])
    grow("GET", status="error")

    assert said(act, allow=[ValueError]).endswith(
        "\n\n"
        "  hint:  a status alone is no exception, and is allowed by the name of its span: "
        "allow=['GET']"
    )
    assert "hint:" not in said(act)
    act.assert_no_errors(allow=[ValueError, "GET"])


def test_no_errors_with_several(act, grow):
    """The first in the verdict, then the others; each is below its span."""
    grow("a", error=ValueError("x"))
    grow("b", status="error")
    grow("c", events=[{"name": "exception", "attributes": {"exception.type": "KeyError"}}])

    assert said(act) == (
        "3 errors, the first in 'a': ValueError: x\n"
        "\n"
        "  a  internal  1.00 ms   error\n"
        "  ! ValueError: x\n"
        "  b  internal  1.00 ms   error\n"
        "  c  internal  1.00 ms\n"
        "  ! KeyError\n"
        "\n"
        "  'b': status error\n"
        "  'c': KeyError"
    )


def test_no_errors_with_many(act, grow, report):
    """Some are named, the others counted."""
    grow("a")
    for number in range(9):
        report("ValueError", str(number), of="a", at=number)

    assert said(act) == (
        "9 errors, the first in 'a': ValueError: 0\n"
        "\n"
        "  a  internal  1.00 ms\n"
        "  ! ValueError: 0\n"
        "  ! ValueError: 1\n"
        "  ! 7 more errors\n"
        "\n"
        "  'a': ValueError: 1\n"
        "  'a': ValueError: 2\n"
        "  'a': ValueError: 3\n"
        "  'a': ValueError: 4\n"
        "  'a': ValueError: 5\n"
        "  and 3 more: traces.error_events"
    )


def test_no_errors_with_one_that_is_reported_of_a_span(act, grow, report):
    """An exception and a message are below it alike."""
    grow("a", "a > b")
    report("ValueError", "no such order", of="b", at=1)
    report(None, "the cache is cold", of="a", at=2)

    assert said(act) == (
        "2 errors, the first in 'a > b': ValueError: no such order\n"
        "\n"
        "  a     internal  1.00 ms\n"
        "  ! the cache is cold\n"
        "  └─ b  internal  1.00 ms\n"
        "     ! ValueError: no such order\n"
        "\n"
        "  'a': the cache is cold"
    )


def test_no_errors_with_one_that_is_linked_to_no_span(act, grow, report):
    """It says why."""
    grow("a")
    report("ValueError", "x", unlinked="no span was active")

    assert said(act) == (
        "an error that is linked to no span: ValueError: x\n"
        "\n"
        "  a  internal  1.00 ms\n"
        "\n"
        "  not linked: no span was active"
    )


def test_no_errors_with_some_that_are_linked_to_no_span(act, grow, report):
    """Each says why."""
    grow("a")
    report("ValueError", "x", at=1, unlinked="no span was active")
    report("KeyError", "y", at=2, key=("ab" * 16, "cd" * 8))
    report("IndexError", "z", of="a", at=3)

    assert said(act) == (
        "3 errors, the first linked to no span: ValueError: x\n"
        "\n"
        "  a  internal  1.00 ms\n"
        "  ! IndexError: z\n"
        "\n"
        "  not linked: no span was active\n"
        "  linked to no span: KeyError: y (the span that it names was not recorded)\n"
        "  'a': IndexError: z"
    )


def test_no_errors_where_nothing_but_an_error_was_recorded(act, report):
    """There is no tree, but what was captured."""
    report("ValueError", "x", unlinked="no span was active")

    text = said(act)
    assert text.startswith(
        "an error that is linked to no span: ValueError: x\n"
        "\n"
        "  not linked: no span was active\n"
        "\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
    )


def test_no_errors_where_nothing_was_recorded(act):
    """Nothing went right, either."""
    assert said(act).startswith("no span was recorded\n\n  what was captured:\n")


def test_a_long_message_is_cut(act, grow, report):
    """To one line of 100 columns, in the verdict, in the tree, and below it."""
    grow("POST /order", "POST /order > reserve")
    report("ValueError", "no such order\n" + "very " * 50, of="reserve", at=1)
    report("KeyError", "long " * 50, of="POST /order", at=2)

    lines = said(act).splitlines()

    assert max(map(len, lines)) == 100
    assert lines[0].startswith(
        "2 errors, the first in 'POST /order > reserve': ValueError: no such"
    )
    assert all(line.endswith("…") for line in (lines[0], lines[3], lines[5], lines[7]))


def test_of_a_large_tree_only_the_way_to_the_errors_is_shown(act, grow):
    """What else there is, is counted."""
    grow("root", *(f"root > n{number}" for number in range(40)), "root > n7 > x", "root > n7 > y")
    grow("root > n7 > bad", error=ValueError("x"))

    assert said(act) == (
        "an error in 'root > n7 > bad': ValueError: x\n"
        "\n"
        "  root       internal  1.00 ms\n"
        "  ├─ n7      internal  1.00 ms\n"
        "  │  ├─ bad  internal  1.00 ms   error\n"
        "  │  │  ! ValueError: x\n"
        "  │  └─ … 2 other spans\n"
        "  └─ … 39 other spans"
    )


def test_a_view_that_selects_nothing(act, grow):
    """It has no errors, which says nothing."""
    grow("a")

    with pytest.raises(AssertionError, match=re.escape("only('b') selects no span")):
        act.only("b").assert_no_errors()


def test_no_errors_of_a_view(act, grow, report):
    """What is elsewhere is no matter of its; what is nowhere is none of a subtree's."""
    grow("a", "b")
    report("ValueError", "x", of="b")
    act.only("a").assert_no_errors()
    act.without("b").assert_no_errors()

    report("KeyError", "y", unlinked="no span was active")
    act.only("a").assert_no_errors()
    with pytest.raises(AssertionError, match="an error that is linked to no span: KeyError: y"):
        act.without("b").assert_no_errors()
    with pytest.raises(AssertionError, match="an error in 'b': ValueError: x"):
        act.only("b").assert_no_errors()


def test_open_spans_may_still_fail(act, grow):
    """So nothing can be said."""
    grow("a", end=None)

    with pytest.raises(AssertionError, match="absence cannot be asserted while spans are open"):
        act.assert_no_errors()


@pytest.mark.parametrize(
    "allow",
    [
        "a",
        ["a", "x"],
        glob("*"),
        re.compile("a|b"),
        ValueError,
        (ValueError, KeyError),
        Exception,
        {"a"},
    ],
)
@pytest.mark.parametrize("reported", [True, False])
def test_errors_that_are_allowed(allow, reported, act, grow, report):
    """Names in any way, types of exceptions and their bases; whoever told of it."""
    if reported:
        grow("a")
        report("ValueError", "x", of="a")
    else:
        grow("a", error=ValueError("x"))

    act.assert_no_errors(allow=allow)


@pytest.mark.parametrize("allow", [(), "b", KeyError, glob("A")])
def test_errors_that_are_not_allowed(allow, act, grow):
    """Others do not excuse this one."""
    grow("a", error=ValueError("x"))

    with pytest.raises(AssertionError, match="an error in 'a': ValueError: x"):
        act.assert_no_errors(allow=allow)


class OutOfStock(LookupError):
    """An error of the application's own."""


@pytest.mark.parametrize("allow", [OutOfStock, LookupError, [KeyError, Exception]])
def test_types_allow_errors_without_a_span(allow, act, grow, report):
    """Names cannot: no span has it."""
    grow("a")
    report(f"{__name__}.OutOfStock", "x")

    act.assert_no_errors(allow=allow)
    for name in ("a", glob("*"), KeyError):
        with pytest.raises(AssertionError, match="linked to no span"):
            act.assert_no_errors(allow=name)


def test_a_type_does_not_allow_a_message(act, grow, report):
    """It has none."""
    grow("a")
    report(None, "x", of="a")

    with pytest.raises(AssertionError, match="an error in 'a': x"):
        act.assert_no_errors(allow=BaseException)
    act.assert_no_errors(allow="a")


@pytest.mark.parametrize("status", [{}, {"status": "error", "status_description": "failed"}])
def test_a_type_allows_the_status_that_came_of_it(status, act, grow):
    """But not another exception of the same span."""
    grow("a", events=[raised("ValueError", "x")], **status)
    act.assert_no_errors(allow=ValueError)

    grow("b", events=[raised("ValueError", "x"), raised("KeyError", "y")], **status)
    with pytest.raises(AssertionError, match="an error in 'b': KeyError: y"):
        act.assert_no_errors(allow=ValueError)


def test_a_warning_explains_no_status(act, grow, report):
    """Something else must have gone wrong."""
    grow("a", status="error")
    report("UserWarning", "x", of="a", level="warning")

    with pytest.raises(AssertionError, match="an error in 'a': status error"):
        act.assert_no_errors()


NEITHER = (
    "is neither a type of exception nor a name; a name is a string, re.compile(...), glob(...) or "
    "an object with =="
)


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        (5, f"allow: 5 (int) {NEITHER}"),
        ([None], f"allow: None (NoneType) {NEITHER}"),
        (int, f"allow: <class 'int'> (type) {NEITHER}"),
        (KeyError("x"), "allow: KeyError('x') is one exception; give the type, KeyError"),
    ],
)  # fmt: skip
def test_what_can_allow_nothing_is_refused(allow, message, act, grow):
    """Numbers, other types, None."""
    grow("a")
    with pytest.raises(TypeError) as caught:
        act.assert_no_errors(allow=allow)
    assert str(caught.value) == message


def test_with_the_sdk_of_opentelemetry():
    """An exception goes up through spans of which each records it; it is one error."""
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("app")
    with record(timeout="0s", sources=["opentelemetry"]) as app:
        with (
            pytest.raises(OutOfStock),
            tracer.start_as_current_span("POST /order"),
            tracer.start_as_current_span("reserve"),
            tracer.start_as_current_span("SELECT stock"),
        ):
            raise OutOfStock("no more of 7")

    # Older versions of the SDK leave out the module.
    types = [(one.type or "").removeprefix(f"{__name__}.") for one in app.error_events]
    assert types == ["OutOfStock"] * 3
    assert [one.span and one.span.name for one in app.error_events] == [
        "SELECT stock", "reserve", "POST /order",
    ]  # fmt: skip
    text = re.sub(r" +[\d.]+ .?s\b", " TIME", said(app))
    assert text == (
        "an error in 'POST /order > reserve > SELECT stock': OutOfStock: no more of 7\n"
        "\n"
        "  POST /order         internal TIME   error\n"
        "  └─ reserve          internal TIME   error\n"
        "     └─ SELECT stock  internal TIME   error\n"
        "        ! OutOfStock: no more of 7"
    )
    app.assert_subtree(span("SELECT stock", exception=LookupError))
    app.assert_subtree(span("SELECT stock", exception="OutOfStock"))
    with pytest.raises(AssertionError):
        app.assert_subtree(span("SELECT stock", exception=KeyError))
    app.assert_no_errors(allow=LookupError)


@pytest.mark.parametrize("wanted", [OutOfStock, LookupError, "OutOfStock", glob("*.OutOfStock")])
def test_patterns_find_what_was_reported(wanted, act, grow, report):
    """It is an exception of its span, by class, base class or name."""
    grow("a", "a > b")
    report(f"{__name__}.OutOfStock", "x", of="b")

    act.assert_tree(span("a", span("b", exception=wanted)))


@pytest.mark.parametrize("wanted", [KeyError, "LookupError", "shop.OutOfStock"])
def test_patterns_do_not_find_other_exceptions(wanted, act, grow, report):
    """Nor what was reported of other spans, or of none."""
    grow("a", "a > b")
    report(f"{__name__}.OutOfStock", "x", of="b")
    report("KeyError", "x", of="a")
    report("KeyError", "x")

    with pytest.raises(AssertionError) as caught:
        act.assert_tree(span("a", span("b", exception=wanted)))
    shown = wanted.__name__ if isinstance(wanted, type) else repr(wanted)
    assert str(caught.value) == (
        f"'a > b': exception: expected {shown}, got '{__name__}.OutOfStock'\n"
        "\n"
        "    a     internal  1.00 ms\n"
        "    ! KeyError: x\n"
        f"  ~ └─ b  internal  1.00 ms   exception: expected {shown}, got '{__name__}.OutOfStock'\n"
        "       ! OutOfStock: x"
    )
