"""``record()``: a recording without pytest, or just one block of a test."""

import json
import re
from datetime import timedelta

import pytest

from pytest_traces import BadValue, Traces, record
from pytest_traces.recording import journal


def emit(act: Traces, *names: str) -> None:
    for name in names:
        with act.start_span(name):
            pass


def names(act: Traces) -> list[str]:
    return [span.name for span in act.spans]


def test_a_block_records_what_starts_in_it():
    """Not what comes after; it can be looked at then."""
    with record() as first:
        emit(first, "a")
    with record() as second:
        emit(second, "b")

    first.assert_tree("a")
    second.assert_tree("b")
    assert first.setup.spans == second.setup.spans == ()


def test_blocks_nest():
    """Every open recording receives every span that starts while it is open."""
    with record() as outer:
        emit(outer, "a")
        with record() as middle:
            emit(outer, "b")
            with record() as inner:
                emit(outer, "c")
            emit(outer, "d")
        emit(outer, "e")

    assert names(outer) == ["a", "b", "c", "d", "e"]
    assert names(middle) == ["b", "c", "d"]
    assert names(inner) == ["c"]


def test_blocks_may_end_in_another_order():
    """Each keeps what it has seen."""
    first, second = record(), record()
    a = first.__enter__()
    emit(a, "1")
    b = second.__enter__()
    emit(a, "2")
    first.__exit__(None, None, None)
    emit(b, "3")
    second.__exit__(None, None, None)

    assert names(a) == ["1", "2"]
    assert names(b) == ["2", "3"]
    assert journal.windows == []


def test_a_span_that_began_before_the_block_is_no_part_of_it():
    """Though it ends in it; its child is a root there, and no orphan of the outer one."""
    with record() as outer, outer.start_span("before"):
        with record() as inner:
            emit(outer, "child")

    inner.assert_tree("child")
    outer.assert_tree("before\n  child")


def test_one_block_object_can_be_used_again():
    """Each time it is another recording."""
    block = record()
    with block as first:
        emit(first, "a")
    with block as second:
        emit(second, "b")

    assert (names(first), names(second)) == (["a"], ["b"])


def test_the_error_of_the_block_passes_through():
    """Everything is undone; what was recorded can be looked at."""
    dumps = json.dumps
    with pytest.raises(ZeroDivisionError), record() as act:
        act.tap(json, "dumps")
        emit(act, "a")
        raise ZeroDivisionError

    assert json.dumps is dumps
    assert journal.windows == []
    assert names(act) == ["a"]


def test_a_tap_that_was_never_called_fails_at_the_end():
    """With the text alone."""
    with pytest.raises(AssertionError) as caught, record() as act:
        act.tap(Tracing, "record")
    assert str(caught.value) == "tap(Tracing, 'record') was never called"


class Tracing:
    @staticmethod
    def record(span: object) -> None:
        """Of an application."""


def test_globs_are_left_out():
    """By ``ignore``: names with wildcards, one alone or several, and the preset."""
    for ignore in ("a*", ["a*"], ("a*", "asgi")):
        with record(ignore=ignore) as act:
            emit(act, "abc", "b", "a")
        assert names(act) == ["b"]
    with record(ignore="asgi") as act:
        emit(act, "GET / http send", "GET / http receive", "GET /")
    assert names(act) == ["GET /"]


def test_sources_are_left_out():
    """By ``sources``, one alone or several."""
    for sources in ("opentelemetry", ["opentelemetry"]):
        with record(sources=sources) as act:
            emit(act, "a")
        assert names(act) == []
    with record(sources=["handwritten", "opentelemetry"]) as act:
        emit(act, "a")
    assert names(act) == ["a"]


def test_unsampled_spans_are_left_out():
    """By ``unsampled``; then nothing can be said to be absent."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    tracer = trace.TracerProvider(sampler=ALWAYS_OFF).get_tracer("app")
    with record() as everything:
        tracer.start_span("x").end()
    with record(unsampled=False) as sampled:
        tracer.start_span("x").end()

    everything.assert_tree("x")
    assert sampled.spans == ()
    with pytest.raises(AssertionError) as caught:
        sampled.assert_none()
    assert str(caught.value).startswith("spans were dropped by the sampler and not recorded: 'x'")


@pytest.mark.parametrize("limit", ["50ms", timedelta(milliseconds=50)])
def test_the_limit_is_that_of_the_block(limit):
    """As text or as a timedelta."""
    with record(timeout=limit) as act:
        assert act._frame.timeout_ns == 50_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"timeout": 5},
         'timeout: 5 is not usable; a duration is written with its unit: "5ms" or '
         "timedelta(milliseconds=5)"),
        ({"timeout": 0.5},
         'timeout: 0.5 is not usable; a duration is written with its unit: "0.5s" or '
         "timedelta(seconds=0.5)"),
        ({"timeout": None},
         'timeout: None is not usable; a duration is written like "50ms", with a unit of ns, us, ms, '
         "s or min"),
        ({"timeout": timedelta(seconds=-1)},
         "timeout: datetime.timedelta(days=-1, seconds=86399) is not usable; a duration cannot be "
         "negative"),
        ({"ignore": 5}, "ignore: 5 is not usable; it is a list of names"),
        ({"ignore": [""]}, "ignore: '' is not usable; it is a glob of names, or a preset: asgi"),
        ({"ignore": [re.compile("a")]},
         "ignore: re.compile('a') is not usable; it is a glob of names, or a preset: asgi"),
        ({"sources": "otel"},
         "sources: 'otel' is not usable; the sources are opentelemetry, sentry, handwritten, otlp"),
        ({"sources": []},
         "sources: [] is not usable; name at least one of opentelemetry, sentry, handwritten, otlp"),
        ({"sources": None}, "sources: None is not usable; it is a list of names"),
        ({"unsampled": "skip"}, "unsampled: 'skip' is not usable; it is True or False"),
    ],
)  # fmt: skip
def test_bad_arguments_are_refused_at_once(arguments, message):
    """Not only when the block begins; the whole message."""
    with pytest.raises(BadValue) as caught:
        record(**arguments)
    assert str(caught.value) == message


def test_an_unknown_argument_is_refused_by_name():
    """By Python itself; and there are none by position."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'timeot'"):
        record(timeot="5s")
    with pytest.raises(TypeError, match="positional argument"):
        record("5s")
