"""Views: subtrees picked, spans lifted out, subtrees pruned."""

import re

import pytest

from pytest_traces import Traces, View, glob, record, span

pytestmark = pytest.mark.usefixtures("book")


def test_only_picks_subtrees(act):
    """The spans that fit become roots, with all that is below them."""
    assert act.only("load").outline() == "load\n└─ 2 × select"
    assert act.only("select").outline() == "2 × select"
    assert act.only(kind="client").outline() == "pay\n2 × select"
    assert act.only(inside="book").outline() == "load\n└─ 2 × select\npay"


def test_only_keeps_the_outermost_as_root(act):
    """One that fits below another that fits stays below it."""
    assert act.only(glob("*o*")).outline() == act.outline()


def test_ignoring_lifts_spans_out(act):
    """Their children move up."""
    assert act.ignoring("load").outline() == "book\n├─ pay\n└─ 2 × select"
    assert act.ignoring("book", "load").outline() == "pay\n2 × select"
    assert act.ignoring(glob("*a*"), re.compile("book")).outline() == "2 × select"


def test_ignoring_by_scope(act):
    """Alone, or together with names."""
    assert act.ignoring(scope="app.core").outline() == "book\n├─ pay\n└─ 2 × select"
    assert act.ignoring(scope=glob("app.*")).outline() == "pay\n2 × select"
    assert act.ignoring("book", scope="app.core").outline() == act.outline()
    assert act.ignoring("load", scope="app.core").outline() == "book\n├─ pay\n└─ 2 × select"


def test_without_prunes_subtrees(act):
    """The spans and all that is below them."""
    assert act.without("load").outline() == "book\n└─ pay"
    assert act.without("select", "pay").outline() == "book\n└─ load"
    assert act.without(scope="app.core").outline() == "book\n└─ pay"
    assert act.without("book").spans == ()


def test_views_build_on_each_other(act):
    """In the order in which they are asked for."""
    assert act.only("load").ignoring("load").outline() == "2 × select"
    assert act.ignoring("load").only("book").without("pay").outline() == "book\n└─ 2 × select"
    assert act.only("load").only("select").outline() == "2 × select"


def test_a_view_carries_everything_else(act):
    """Every assertion, every way to look."""
    view = act.without("load")

    assert isinstance(view, View)
    view.assert_tree(span("book", "pay"))
    view.assert_subtree("book\n  pay")
    view.assert_path("book", "pay")
    view.assert_count("pay", 1)
    view.assert_none("other")
    view.assert_no_errors(allow="pay")
    assert view.get("pay").path == "book > pay"
    assert [one.name for one in view.find(kind="client")] == ["pay"]
    assert [one.name for one in view.roots] == ["book"]
    assert len(list(view)) == 1
    assert str(view).split()[0] == "book"
    assert view.unfinished == ()


def test_a_view_is_alive(act, grow):
    """It sees what is recorded later."""
    view = act.only("late")
    assert view.spans == ()

    grow("book > late")

    assert view.outline() == "late"


def test_the_recording_itself_is_unchanged(act):
    """A view is a look at it."""
    before = act.outline()
    act.ignoring("load").without("pay").only("book").outline()

    assert act.outline() == before
    assert act.get("load").parent.name == "book"


@pytest.mark.parametrize(
    "assertion",
    [
        lambda view: view.assert_tree("book"),
        lambda view: view.assert_subtree("book"),
        lambda view: view.assert_path("book"),
        lambda view: view.assert_count("book", 1),
        lambda view: view.assert_none("book"),
        lambda view: view.assert_none(),
        lambda view: view.assert_no_errors(),
        lambda view: view.get("book"),
    ],
)
def test_a_view_that_selects_nothing_fails_every_assertion(assertion, act):
    """Nothing can be asserted on nothing."""
    with pytest.raises(AssertionError) as caught:
        assertion(act.only("checkout", kind="server"))
    assert str(caught.value) == (
        "only('checkout' with kind='server') selects no span\n\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    5 spans"
    )


def test_what_a_view_leaves_out_is_told_in_its_failures(act):
    """What is missing may just be hidden."""
    with pytest.raises(AssertionError) as caught:
        act.ignoring("load").without("pay").get("lod")
    assert "    left out        1 span: load, by ignoring('load')" in str(caught.value).splitlines()
    assert "    left out        1 span: pay, by without('pay')" in str(caught.value).splitlines()


HIDDEN = [
    pytest.param(lambda view: view.assert_tree("book\n  load"), id="assert_tree"),
    pytest.param(lambda view: view.assert_tree(span("book", span("load"), ...)), id="pattern"),
    pytest.param(lambda view: view.assert_subtree("load"), id="assert_subtree"),
    pytest.param(lambda view: view.assert_path("book", "load"), id="assert_path"),
    pytest.param(lambda view: view.assert_count("load", 1), id="assert_count"),
    pytest.param(lambda view: view.assert_none("load"), id="assert_none"),
    pytest.param(lambda view: view.assert_none(inside="load"), id="inside"),
    pytest.param(lambda view: view.get("load"), id="get"),
    pytest.param(lambda view: view.find("load"), id="find"),
    pytest.param(lambda view: view.find(inside="load"), id="find inside"),
]


@pytest.mark.parametrize("assertion", HIDDEN)
@pytest.mark.parametrize(
    ("view", "title"),
    [
        (lambda act: act.ignoring("load"), "ignoring('load')"),
        (lambda act: act.without("load", "pay"), "without('load', 'pay')"),
        (lambda act: act.ignoring(glob("l*d")), "ignoring(glob('l*d'))"),
        (lambda act: act.only("book").ignoring(re.compile("load")), "ignoring(re.compile('load'))"),
    ],
)
def test_asserting_on_a_name_that_is_left_out_is_an_error(view, title, assertion, act):
    """Whatever it said, it would say nothing about that span."""
    with pytest.raises(ValueError, match="load") as caught:
        assertion(view(act))
    assert str(caught.value) == f"'load' is left out by {title}: nothing can be said about it"


def test_asserting_on_the_very_pattern_that_is_left_out_is_an_error(act):
    """A glob or a regular expression that is the same one."""
    for name in (glob("l*"), re.compile("l.*")):
        with pytest.raises(ValueError, match="is left out by"):
            act.ignoring(name).assert_none(name)
    act.ignoring(glob("l*")).assert_none(re.compile("l.*"))


def test_what_is_left_out_by_scope_alone_can_be_named(act):
    """Spans of that name may have another scope."""
    act.ignoring(scope="app.core").assert_none("load")
    act.ignoring("load", scope="app.core").assert_none("load")


@pytest.mark.parametrize("method", ["ignoring", "without"])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "name at least one span, or scope=, that is to be left out"),
        ((None,), "None is no name; for all spans of a scope give scope= alone"),
        (
            ("book", 5),
            "5 (int) is no name; a name is a string, re.compile(...), glob(...) or an object with ==",
        ),
        ((span("book"),), "span('book'): here a name is wanted; for a pattern use assert_subtree"),
    ],
)
def test_what_can_leave_nothing_out_is_refused(method, args, message, act):
    """An empty list, None, other types."""
    with pytest.raises(TypeError) as caught:
        getattr(act, method)(*args)
    assert str(caught.value) == message


def test_clear_forgets_what_was(act, grow):
    """For the recording and the views that are made from it then."""
    before = act.only("book")
    act.clear()
    assert act.spans == ()
    act.assert_none()

    grow("next")

    act.assert_tree("next")
    assert len(before.spans) == 5


def test_a_child_of_what_was_forgotten_is_no_orphan(act, grow):
    """Its parent was recorded."""
    act.clear()
    grow("book > next")

    assert act.get("next").outside_parent == "book"
    assert not act.get("next").orphan
    act.assert_tree("next")


def test_clear_in_a_nested_recording_leaves_the_outer_one(act, grow):
    """Each has its own."""
    with record() as inner:
        grow("a")
        inner.clear()
        grow("b")

    assert [one.name for one in inner.spans] == ["b"]
    assert [one.name for one in act.spans][-2:] == ["a", "b"]


def test_eventually_is_the_same_with_another_limit(act):
    """Of spans and of lens."""
    view = act.ignoring("load").eventually("5ms")

    assert view.outline() == act.ignoring("load").outline()
    assert view._frame.timeout_ns == 5_000_000
    assert act._frame.timeout_ns == 0


@pytest.mark.parametrize("name", [name for name in dir(Traces) if name.startswith("assert_")])
def test_a_wrong_keyword_is_told_with_the_name_that_users_know(act, name):
    """Whatever part of the class a method is written in."""
    with pytest.raises(TypeError, match=rf"^Traces\.{name}\(\) got an unexpected keyword"):
        getattr(act, name)(no_such_keyword=1)
