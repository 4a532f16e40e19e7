"""A tap reads what the application passes to its function, and changes nothing else."""

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from pytest_traces import BadValue, Traces, record

START = 1_700_000_000_000
FIELDS = {"trace_id": 1, "span_id": 2, "name": "book", "start": START, "end": START + 1}

TRACING = '''
import functools

RECORDED = []

def record_span(span):
    """Keeps a span."""
    RECORDED.append(span)
    return len(RECORDED)

async def record_later(span):
    RECORDED.append(span)
    return len(RECORDED)

def record_fields(name, trace_id, span_id, start, end=None, parent_id=None):
    RECORDED.append(name)

def record_any(*args, **kwargs):
    RECORDED.append((args, kwargs))

def refuse(span):
    raise RuntimeError("the disk is full")

class Tracer:
    def record(self, span):
        RECORDED.append((self, span))
        return "instance"

    @staticmethod
    def record_static(span):
        RECORDED.append(span)
        return "static"

    @classmethod
    def record_class(cls, span):
        RECORDED.append((cls, span))
        return cls.__name__

    @functools.lru_cache
    def record_cached(self, span):
        return "cached"

    def keep(self, span):
        RECORDED.append(span)

    part = functools.partialmethod(record)
    builtin = len

class Special(Tracer):
    """Inherits everything."""

class Slots:
    __slots__ = ("record",)

    def __init__(self):
        self.record = record_span

tracer = Tracer()
record = tracer.record
alias = record_span
'''


@dataclass(frozen=True)
class DataSpan:
    trace_id: int
    span_id: int
    name: str
    start: int
    end: int | None


class TupleSpan(NamedTuple):
    trace_id: int
    span_id: int
    name: str
    start: int
    end: int | None


@pytest.fixture
def tracing() -> Iterator[Any]:
    """An application's own tracer, a module of its own for each test."""
    module = ModuleType("app_tracing")
    sys.modules["app_tracing"] = module
    exec(TRACING, vars(module))
    yield module
    del sys.modules["app_tracing"]


@pytest.fixture
def user(tracing) -> Iterator[Any]:
    """A module that has bound the tracer's function before."""
    module = ModuleType("app_user")
    sys.modules["app_user"] = module
    exec("from app_tracing import record_span as keep", vars(module))
    yield module
    del sys.modules["app_user"]


def names(act: Traces) -> list[str]:
    return [span.name for span in act.spans]


def test_a_function_of_a_module_is_heard(act, tracing):
    """It does what it did, and the span is recorded."""
    act.tap(tracing, "record_span")

    assert tracing.record_span(FIELDS) == 1
    assert tracing.RECORDED == [FIELDS]
    act.assert_tree("book")


def test_the_module_may_be_given_by_its_name(act, tracing):
    """As text, it is imported."""
    act.tap("app_tracing", "record_span")
    tracing.record_span(FIELDS)

    act.assert_tree("book")


def test_the_unit_is_that_of_the_tap(act, tracing):
    """Times are bare numbers in this unit."""
    act.tap(tracing, "record_span", unit="s")
    tracing.record_span({**FIELDS, "start": 1_700_000_000, "end": 1_700_000_001.5})

    assert act.get("book").duration_ns == 1_500_000_000


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda tracing: tracing.Tracer(), id="class"),
        pytest.param(lambda tracing: tracing.Special(), id="inherited"),
    ],
)
@pytest.mark.parametrize(
    ("name", "result"),
    [("record", "instance"), ("record_static", "static"), ("record_cached", "cached")],
)
def test_methods_of_a_class_are_heard(make, name, result, act, tracing):
    """Of the class itself or of a base of it; called through an object."""
    one = make(tracing)
    act.tap(type(one), name)

    assert getattr(one, name)(DataSpan(**FIELDS)) == result
    act.assert_tree("book")


@pytest.mark.parametrize("name", ["Tracer", "Special"])
def test_class_methods_are_heard(name, act, tracing):
    """Called through the class and through an object, with the right class."""
    cls = getattr(tracing, name)
    act.tap(cls, "record_class")

    assert cls.record_class(FIELDS) == name
    assert cls().record_class({**FIELDS, "span_id": 3}) == name
    assert names(act) == ["book", "book"]


def test_static_methods_are_heard_through_the_class(act, tracing):
    """There is no object to be skipped."""
    act.tap(tracing.Special, "record_static")

    assert tracing.Special.record_static(FIELDS) == "static"
    assert names(act) == ["book"]


def test_a_method_of_one_object_is_heard(act, tracing):
    """Other objects of the class are not."""
    act.tap(tracing.tracer, "record")
    tracing.tracer.record(FIELDS)
    tracing.Tracer().record({**FIELDS, "name": "other"})

    assert names(act) == ["book"]


def test_a_method_that_was_bound_to_a_name_before_is_heard(act, tracing):
    """``record = tracer.record`` in a module is another method object each time."""
    before = tracing.record
    with record() as inner:
        inner.tap(tracing.tracer, "record")
        tracing.record(FIELDS)
        inner.assert_tree("book")

    assert tracing.record == before
    assert "record" not in vars(tracing.tracer)


def test_an_object_without_dict_is_heard(act, tracing):
    """Its function stands in a slot."""
    one = tracing.Slots()
    with record() as inner:
        inner.tap(one, "record")
        one.record(FIELDS)
        inner.assert_tree("book")

    assert one.record is tracing.record_span


def test_an_async_function_is_heard_and_stays_one(act, tracing):
    """Frameworks look whether a function is a coroutine function."""
    act.tap(tracing, "record_later")

    assert inspect.iscoroutinefunction(tracing.record_later)
    assert asyncio.run(tracing.record_later(FIELDS)) == 1
    assert names(act) == ["book"]


def test_a_callable_that_no_class_binds_is_called_as_before(act, tracing):
    """A built-in function in a class gets no object."""
    tracing.Tracer.builtin = Recorder(tracing.RECORDED)
    act.tap(tracing.Tracer, "builtin")
    tracing.Tracer().builtin(FIELDS)

    assert tracing.RECORDED == [FIELDS]
    assert names(act) == ["book"]


class Recorder:
    def __init__(self, recorded: list[Any]) -> None:
        self.recorded = recorded

    def __call__(self, span: Any) -> None:
        self.recorded.append(span)


def many(*names: str) -> list[dict[str, Any]]:
    return [{**FIELDS, "span_id": number, "name": name} for number, name in enumerate(names, 1)]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda f: f(FIELDS), id="mapping"),
        pytest.param(lambda f: f(DataSpan(**FIELDS)), id="object"),
        pytest.param(lambda f: f(TupleSpan(**FIELDS)), id="named tuple"),
        pytest.param(lambda f: f([FIELDS]), id="list"),
        pytest.param(lambda f: f((FIELDS,)), id="tuple"),
        pytest.param(lambda f: f(span=FIELDS), id="keyword"),
        pytest.param(lambda f: f(spans=[FIELDS]), id="list as keyword"),
        pytest.param(lambda f: f(**FIELDS), id="fields"),
        pytest.param(lambda f: f("exporter", FIELDS, 3), id="beside others"),
        pytest.param(lambda f: f({"id": 1, "name": "Ada"}, FIELDS), id="beside a user"),
    ],
)
def test_every_way_to_pass_a_span(call, act, tracing):
    """Alone, in a list, by keyword, as its fields, beside other arguments."""
    act.tap(tracing, "record_any")
    call(tracing.record_any)

    assert names(act) == ["book"]
    act.assert_tree("book")


def test_a_list_of_spans_is_heard_whole(act, tracing):
    """Each of them is recorded."""
    act.tap(tracing, "record_span")
    tracing.record_span(many("a", "b", "c"))

    assert names(act) == ["a", "b", "c"]


def test_an_empty_list_is_no_span(act, tracing):
    """A call that passes none is reported."""
    act.tap(tracing, "record_span")
    tracing.record_span([])

    with pytest.raises(AssertionError, match="a call passed nothing with a name and an id"):
        act.assert_none("book")


def test_fields_by_position_are_read_by_the_names_of_the_parameters(act, tracing):
    """With their defaults: an ``end=None`` makes the span an open one."""
    act.tap(tracing, "record_fields")
    tracing.record_fields("book", 1, 2, START, START + 1)
    tracing.record_fields("select", 1, 3, start=START, parent_id=2)

    assert [(one.path, one.end_ns is None) for one in act.spans] == [
        ("book", False),
        ("book > select", True),
    ]


def test_a_span_that_the_function_itself_ends_is_read_after_the_call(act, tracing):
    """It lacks its end before."""

    def finish(span: dict[str, Any]) -> None:
        span["end"] = START + 5

    tracing.finish = finish
    act.tap(tracing, "finish")
    tracing.finish({name: value for name, value in FIELDS.items() if name != "end"})

    assert act.get("book").duration_ns == 5_000_000


def test_a_span_that_ends_later_is_followed(act, tracing):
    """The object that was passed is looked at again."""
    act.tap(tracing, "record_span")
    span = {**FIELDS, "end": None}
    tracing.record_span(span)
    assert [one.name for one in act.unfinished] == ["book"]

    span["end"] = START + 5

    assert act.unfinished == ()
    assert act.get("book").duration_ns == 5_000_000


def test_a_span_told_twice_is_one(act, tracing):
    """At its start and at its end."""
    act.tap(tracing, "record_span")
    tracing.record_span({**FIELDS, "end": None})
    tracing.record_span(dict(FIELDS))

    act.assert_tree("book")


def test_names_that_were_bound_before_are_rebound_and_restored(tracing, user):
    """``from tracing import record_span`` in another module, and an alias in the same."""
    original = tracing.record_span
    with record() as inner:
        inner.tap(tracing, "record_span")
        user.keep(FIELDS)
        tracing.alias({**FIELDS, "span_id": 3})
        assert names(inner) == ["book", "book"]

    assert tracing.record_span is tracing.alias is user.keep is original


def test_names_that_are_bound_during_the_recording_are_restored_too(tracing):
    """A module that is imported in the test binds the listener."""
    late = ModuleType("app_late")
    sys.modules["app_late"] = late
    try:
        with record() as inner:
            inner.tap(tracing, "record_span")
            exec("from app_tracing import record_span", vars(late))
            late.record_span(FIELDS)
        assert late.record_span is tracing.alias
    finally:
        del sys.modules["app_late"]


def test_a_listener_that_somebody_kept_only_passes_on(tracing):
    """After the recording it hears nothing any more."""
    with record() as inner:
        inner.tap(tracing, "record_span")
        kept = tracing.record_span
        kept(FIELDS)
    with record() as other:
        assert kept({**FIELDS, "span_id": 3}) == 2

    assert other.spans == ()
    assert len(inner.spans) == 1


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("", "record_span"),
        ("Tracer", "record"),
        ("Tracer", "record_static"),
        ("Tracer", "record_class"),
        ("Special", "record"),
        ("Special", "record_static"),
        ("Special", "record_class"),
        ("tracer", "record"),
    ],
)
def test_everything_is_as_before(owner, name, tracing):
    """What was defined stands there again, as the same object; what was inherited is again."""
    one = getattr(tracing, owner) if owner else tracing
    before = dict(vars(one))
    with pytest.raises(AssertionError, match="was never called"), record() as inner:
        inner.tap(one, name)
        assert dict(vars(one)) != before

    assert dict(vars(one)) == before
    assert all(vars(one)[key] is value for key, value in before.items())


def test_it_is_undone_after_an_error(tracing):
    """Whatever the block did."""
    original = tracing.record_span
    with pytest.raises(ZeroDivisionError), record() as inner:
        inner.tap(tracing, "record_span")
        raise ZeroDivisionError

    assert tracing.record_span is original


def test_what_was_replaced_by_a_monkeypatch_is_not_restored_over_it(tracing, monkeypatch):
    """Undone in another order than it was done."""
    original = tracing.record_span
    with record() as inner:
        monkeypatch.setattr(tracing, "record_span", lambda span: None)
        inner.tap(tracing, "record_span")
        tracing.record_span(FIELDS)
        monkeypatch.undo()

    assert tracing.record_span is original


def test_exceptions_pass_through(act, tracing):
    """The span is recorded all the same."""
    act.tap(tracing, "refuse")

    with pytest.raises(RuntimeError, match="the disk is full"):
        tracing.refuse(FIELDS)
    assert names(act) == ["book"]


def test_the_listener_looks_like_the_function(act, tracing):
    """Its name, its text and its signature."""
    original = tracing.record_span
    act.tap(tracing, "record_span")
    tracing.record_span(FIELDS)

    assert tracing.record_span.__name__ == "record_span"
    assert tracing.record_span.__doc__ == "Keeps a span."
    assert inspect.signature(tracing.record_span) == inspect.signature(original)


def test_two_taps_on_one_function_hear_each_span_once(tracing):
    """Both read it, and it is one span; both are undone."""
    original = tracing.record_span
    with record() as inner:
        inner.tap(tracing, "record_span")
        inner.tap(tracing, "record_span")
        tracing.record_span(FIELDS)
        inner.assert_tree("book")

    assert tracing.record_span is original
    assert tracing.RECORDED == [FIELDS]


def test_a_nested_recording_hears_the_tap_of_the_outer_one(act, tracing):
    """Every open recording receives every span."""
    act.tap(tracing, "record_span")
    with record() as inner:
        tracing.record_span(FIELDS)

    inner.assert_tree("book")
    act.assert_tree("book")


def assertions() -> list[Any]:
    return [
        pytest.param(lambda act: act.assert_tree("book"), id="assert_tree"),
        pytest.param(lambda act: act.assert_subtree("book"), id="assert_subtree"),
        pytest.param(lambda act: act.assert_path("book"), id="assert_path"),
        pytest.param(lambda act: act.assert_count("book", 1), id="assert_count"),
        pytest.param(lambda act: act.assert_count("book", at_least=1), id="at_least"),
        pytest.param(lambda act: act.assert_none("other"), id="assert_none"),
        pytest.param(lambda act: act.assert_no_errors(), id="assert_no_errors"),
        pytest.param(lambda act: act.get("book"), id="get"),
        pytest.param(lambda act: act.outline(), id="outline"),
        pytest.param(lambda act: act.only("book").assert_tree("book"), id="view"),
        pytest.param(lambda act: asyncio.run(act.settled()), id="settled"),
    ]


@pytest.mark.parametrize("assertion", assertions())
def test_a_call_that_passes_no_span_is_reported_by_every_assertion(assertion, act, tracing):
    """Not everything could be recorded, so nothing can be said."""
    act.tap(tracing, "record_any")
    tracing.record_any(FIELDS)
    assertion(act)

    tracing.record_any(5, {"user": "Ada"}, level="info")

    with pytest.raises(AssertionError) as caught:
        assertion(act)
    assert str(caught.value) == (
        "not everything could be recorded\n\n"
        "tap(app_tracing, 'record_any'): a call passed nothing with a name and an id: 5, {'user': "
        "'Ada'}, level='info'"
    )


def test_an_unreadable_span_is_reported(act, tracing):
    """With the field that is wrong; the application does not notice."""
    act.tap(tracing, "record_span")

    assert tracing.record_span({**FIELDS, "start": "soon"}) == 1
    with pytest.raises(AssertionError) as caught:
        act.assert_none("book")
    assert str(caught.value) == (
        "not everything could be recorded\n\n"
        "tap(app_tracing, 'record_span'): not a span: start: 'soon' is not usable; a time is a "
        "number, an ISO 8601 text or a datetime\n"
        "  given: {'trace_id': 1, 'span_id': 2, 'name': 'book', 'start': 'soon', 'end': "
        "1700000000001}"
    )


def test_many_problems_are_counted(act, tracing):
    """Three are shown."""
    act.tap(tracing, "record_any")
    for number in range(5):
        tracing.record_any(number)

    with pytest.raises(AssertionError) as caught:
        act.assert_none()
    problem = "tap(app_tracing, 'record_any'): a call passed nothing with a name and an id"
    assert str(caught.value) == (
        "not everything could be recorded\n\n"
        f"{problem}: 0\n\n{problem}: 1\n\n{problem}: 2\n\nand 2 more"
    )


def test_a_nested_recording_reports_the_problems_of_the_outer_tap(act, tracing):
    """The span is missing there as well."""
    act.tap(tracing, "record_any")
    with record() as inner:
        tracing.record_any(5)

    with pytest.raises(AssertionError, match="not everything could be recorded"):
        inner.assert_none()


class Hostile:
    """An argument that answers nothing."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        return 1


def test_the_application_never_notices_the_tap(act, tracing):
    """Whatever its arguments do when they are looked at."""
    act.tap(tracing, "record_any")
    tracing.record_any(Hostile(), key=Hostile())
    tracing.record_any({**FIELDS, "parent_id": Hostile(), "status": Hostile()})

    assert len(tracing.RECORDED) == 2


def never_called(tap: Callable[[Traces], None]) -> str:
    with pytest.raises(AssertionError) as caught, record() as inner:
        tap(inner)
    return str(caught.value)


@pytest.mark.parametrize(
    ("owner", "name", "title"),
    [
        ("", "record_span", "tap(app_tracing, 'record_span')"),
        ("Tracer", "keep", "tap(Tracer, 'keep')"),
        ("Tracer", "record_static", "tap(Tracer, 'record_static')"),
        ("Tracer", "record_class", "tap(Tracer, 'record_class')"),
        ("Special", "keep", "tap(Special, 'keep')"),
        ("tracer", "record", "tap(Tracer, 'record')"),
    ],
)
def test_a_tap_that_is_never_called_fails(owner, name, title, tracing):
    """At the end of the recording."""
    one = getattr(tracing, owner) if owner else tracing

    assert never_called(lambda act: act.tap(one, name)) == f"{title} was never called"


def test_several_taps_that_are_never_called_are_all_named(tracing):
    """The last one first, as they are undone."""

    def both(act: Traces) -> None:
        act.tap(tracing, "record_span")
        act.tap(tracing, "refuse")

    assert never_called(both) == (
        "tap(app_tracing, 'refuse') was never called\n"
        "tap(app_tracing, 'record_span') was never called"
    )


def test_a_tap_of_a_failed_block_is_not_blamed(tracing):
    """The block's own error is what is shown."""
    with pytest.raises(ZeroDivisionError), record() as inner:
        inner.tap(tracing, "record_span")
        raise ZeroDivisionError


class Holder:
    def __init__(self, function: Any) -> None:
        self.function = function


@pytest.mark.parametrize(
    ("hold", "kind"),
    [
        (lambda f: functools.partial(f), "functools.partial"),
        (lambda f: [f], "list"),
        (lambda f: (f, 1), "tuple"),
        (lambda f: {"record": f}, "dict"),
        (Holder, "Holder"),
    ],
)
def test_who_else_holds_a_function_that_was_never_called_is_named(hold, kind, tracing):
    """By the name of the global that it is."""
    tracing.holder = hold(tracing.record_span)

    assert never_called(lambda act: act.tap(tracing, "record_span")) == (
        "tap(app_tracing, 'record_span') was never called; the function is also held by "
        f"app_tracing.holder (a {kind}), which a tap cannot reach"
    )


def test_who_holds_it_elsewhere_is_named_by_its_type(tracing):
    """A partial in a list, say, or a closure."""
    held = [functools.partial(tracing.record_span)]

    assert never_called(lambda act: act.tap(tracing, "record_span")) == (
        "tap(app_tracing, 'record_span') was never called; the function is also held by "
        "a functools.partial, which a tap cannot reach"
    )
    assert held


def test_methods_that_were_bound_before_are_named(tracing):
    """A tap on the class does not reach them."""
    assert never_called(lambda act: act.tap(tracing.Tracer, "record")) == (
        "tap(Tracer, 'record') was never called; the function is also held by a partialmethod, "
        "app_tracing.record (a method), which a tap cannot reach"
    )


def test_a_tap_that_was_not_called_yet_is_told_where_nothing_was_recorded(act, tracing):
    """It is among what was captured."""
    act.tap(tracing, "record_span")

    with pytest.raises(AssertionError, match="no span was recorded") as caught:
        act.assert_tree("book")
    assert "tap(app_tracing, 'record_span') has not been called" in str(caught.value)

    tracing.record_span(FIELDS)
    with pytest.raises(AssertionError) as caught:
        act.assert_tree("other")
    assert "has not been called" not in str(caught.value)


@pytest.mark.parametrize(
    ("owner", "name", "message"),
    [
        ("", "nothing", "tap: 'nothing' is not usable; app_tracing has no function of that name"),
        ("", "RECORDED", "tap: 'RECORDED' is not usable; app_tracing has no function of that name"),
        (
            "Tracer",
            "part",
            "tap: 'part' is not usable; a partialmethod cannot be tapped, only a function",
        ),
    ],
)
def test_what_is_no_function_cannot_be_tapped(owner, name, message, act, tracing):
    """A name that is not there, another object, a descriptor."""
    with pytest.raises(BadValue) as caught:
        act.tap(getattr(tracing, owner) if owner else tracing, name)
    assert str(caught.value) == message


def test_what_cannot_be_replaced_cannot_be_tapped(act):
    """The methods of built-in types, for example."""
    with pytest.raises(BadValue) as caught:
        act.tap(list, "append")
    assert str(caught.value).startswith("tap: 'append' is not usable; it cannot be replaced: ")


def test_a_bad_unit_is_refused_at_once(act, tracing):
    """Before anything is replaced."""
    original = tracing.record_span
    with pytest.raises(BadValue, match="a unit is one of ns, us, ms, s"):
        act.tap(tracing, "record_span", unit="sec")
    assert tracing.record_span is original


def test_a_recording_that_is_over_takes_no_tap(tracing):
    """It says so."""
    with record() as inner:
        pass
    with pytest.raises(RuntimeError) as caught:
        inner.tap(tracing, "record_span")
    assert str(caught.value) == "tap: the recording is over; nothing can be added to it"


def test_a_global_that_raises_when_asked_is_left_alone():
    """As Django's settings do before they are configured: a tap only looks at types."""

    class Proxy:
        @property
        def __class__(self):
            raise RuntimeError("not configured")

    class Recorder:
        def record(self, span):
            del span

    module = ModuleType("module_with_a_proxy")
    module.settings = Proxy()
    recorder = Recorder()
    sys.modules[module.__name__] = module
    try:
        with record() as act:
            act.tap(recorder, "record")
            recorder.record(FIELDS)
    finally:
        del sys.modules[module.__name__]

    assert [span.name for span in act.spans] == ["book"]
