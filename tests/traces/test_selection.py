"""The keywords that select spans are the same wherever spans are selected."""

import inspect
import re

import pytest
from dirty_equals import IsStr

from pytest_traces import BadValue, Span, Traces, glob, in_order, span

pytestmark = pytest.mark.usefixtures("book")

KEYWORDS = ("kind", "status", "attributes", "service", "scope", "source", "inside")
SELECTING = ("find", "get", "only", "assert_count", "assert_none")


def paths(spans: list[Span]) -> list[str]:
    return [one.path.removeprefix("book > ") for one in spans]


@pytest.mark.parametrize("method", SELECTING)
def test_every_method_takes_the_same_keywords(method):
    """A name first, then those, by keyword only and without ``**kwargs``."""
    parameters = inspect.signature(getattr(Traces, method)).parameters
    own = {"self", "name", "n", "at_least", "at_most"}

    assert tuple(name for name in parameters if name not in own) == KEYWORDS
    assert {parameters[name].kind for name in KEYWORDS} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("name", "keywords", "expected"),
    [
        ("select", {}, ["load > select", "load > select"]),
        (None, {}, ["book", "load", "load > select", "load > select", "pay"]),
        (glob("[bp]*"), {}, ["book", "pay"]),
        (glob("*O*"), {}, []),
        (re.compile(r"\w{4}"), {}, ["book", "load"]),
        (re.compile("sel"), {}, []),
        (IsStr(min_length=5), {}, ["load > select", "load > select"]),
        (None, {"kind": "client"}, ["load > select", "load > select", "pay"]),
        (None, {"kind": "internal"}, ["load"]),
        (None, {"status": "error"}, ["pay"]),
        (None, {"attributes": {"rows": 3}}, ["load > select"]),
        (None, {"attributes": {"table": glob("*s")}}, ["load > select", "load > select"]),
        (None, {"attributes": {"rows": True}}, []),
        (None, {"attributes": {"rows": 3, "other": 1}}, []),
        (None, {"service": "bank"}, ["pay"]),
        (None, {"service": re.compile("a.*|b.*")}, ["book", "pay"]),
        (None, {"scope": glob("app.*")}, ["book", "load"]),
        (
            None,
            {"source": "handwritten"},
            ["book", "load", "load > select", "load > select", "pay"],
        ),
        (None, {"source": "opentelemetry"}, []),
        (None, {"inside": "load"}, ["load > select", "load > select"]),
        (None, {"inside": glob("b*")}, ["load", "load > select", "load > select", "pay"]),
        ("select", {"inside": "book"}, ["load > select", "load > select"]),
        ("book", {"inside": "book"}, []),
        (
            "select",
            {"kind": "client", "attributes": {"rows": 1}, "inside": "load"},
            ["load > select"],
        ),
    ],
)
def test_what_is_selected(name, keywords, expected, act):
    """By every field alone and by several together; in order of start."""
    found = act.find(name, **keywords)

    assert paths(found) == expected
    if expected:
        act.assert_count(name, len(expected), **keywords)
        assert act.only(name, **keywords).spans[0].name == found[0].name
    else:
        act.assert_none(name, **keywords)
    if len(expected) == 1:
        assert act.get(name, **keywords).path == found[0].path


def test_open_spans_are_selected_too(act, grow):
    """Unless a pattern says otherwise."""
    grow("book > late", end=None)

    assert [one.name for one in act.find("late")] == ["late"]
    assert act.get("late").end_ns is None


NOT_A_NAME = "is no name; a name is a string, re.compile(...), glob(...) or an object with =="
BAD = [
    ((5,), {}, TypeError, f"5 (int) {NOT_A_NAME}"),
    ((b"book",), {}, TypeError, f"b'book' (bytes) {NOT_A_NAME}"),
    ((["book", "pay"],), {}, TypeError, f"['book', 'pay'] (list) {NOT_A_NAME}"),
    ((...,), {}, TypeError, f"Ellipsis (ellipsis) {NOT_A_NAME}"),
    ((str,), {}, TypeError, f"<class 'str'> (type) {NOT_A_NAME}"),
    ((re.compile(b"book"),), {}, TypeError, f"re.compile(b'book') (Pattern) {NOT_A_NAME}"),
    (
        (span("book"),),
        {},
        TypeError,
        "span('book'): here a name is wanted; for a pattern use assert_subtree",
    ),
    ((), {"inside": 5}, TypeError, f"inside=5 (int) {NOT_A_NAME}"),
    (
        (),
        {"inside": span("book")},
        TypeError,
        "inside=span('book'): here a name is wanted; for a pattern use assert_subtree",
    ),
    (
        (),
        {"kind": "SERVER"},
        BadValue,
        "kind: 'SERVER' is not usable; a kind is one of internal, server, client, producer, consumer",
    ),
    (
        (),
        {"status": "failed"},
        BadValue,
        "status: 'failed' is not usable; a status is one of unset, ok, error",
    ),
    (
        (),
        {"source": "otel"},
        BadValue,
        "source: 'otel' is not usable; the sources are opentelemetry, sentry, handwritten, otlp, test, file",
    ),
    (
        (),
        {"attributes": ["rows"]},
        TypeError,
        "attributes=['rows']: attributes are a mapping of names to values",
    ),
]


@pytest.mark.parametrize("method", SELECTING)
@pytest.mark.parametrize(("args", "keywords", "kind", "message"), BAD)
def test_what_can_select_nothing_is_refused(method, args, keywords, kind, message, act):
    """It would make an assertion pass by accident, so it is an error everywhere."""
    more = {"at_least": 1} if method == "assert_count" else {}
    if method == "assert_count" and not args:
        args = (None,)

    with pytest.raises(kind) as caught:
        getattr(act, method)(*args, **keywords, **more)
    assert str(caught.value) == message


@pytest.mark.parametrize("method", [*SELECTING, "ignoring", "without"])
def test_an_unknown_keyword_is_refused_by_name(method, act):
    """By Python itself."""
    with pytest.raises(TypeError, match=r"got an unexpected keyword argument 'knd'"):
        getattr(act, method)("book", knd="server")


def test_a_group_is_no_name(act):
    """It holds patterns."""
    with pytest.raises(TypeError, match="is no name"):
        act.get(in_order("a", "b"))
