import pickle
from dataclasses import replace

import pytest

from pytest_traces.propagation import InvalidContext, Problem, SpanContext
from pytest_traces.settings import BadValue

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_two_ids_are_enough() -> None:
    """Everything else has a default that says nothing."""
    context = SpanContext(TRACE, SPAN)
    assert (context.sampled, context.flags, context.debug) == (None, None, False)
    assert (context.tracestate, context.extra, context.problems) == ((), (), ())


def test_equal_is_what_names_the_same_span_with_the_same_decisions() -> None:
    """Where it was read does not count, nor what was wrong there."""
    context = SpanContext(TRACE, SPAN, sampled=True)
    read = SpanContext(TRACE, SPAN, flags=3, format="jaeger", problems=(Problem("a", "b", "c"),))
    assert context == read
    assert hash(context) == hash(read)
    assert context != replace(context, sampled=False)
    assert context != replace(context, extra=(("origin", "rum"),))


def test_what_implies_a_decision_need_not_be_given_it() -> None:
    """Of the flags only the last bit decides; debug is a decision to record."""
    assert SpanContext(TRACE, SPAN, flags=3).sampled is True
    assert SpanContext(TRACE, SPAN, flags=2).sampled is False
    assert SpanContext(TRACE, SPAN, debug=True).sampled is True


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trace_id": TRACE.upper()}, f"trace_id: {TRACE.upper()!r} is not usable; it is 32 lower-case hex digits"),
        ({"trace_id": None}, "trace_id: None is not usable; it is 32 lower-case hex digits"),
        ({"span_id": SPAN + "\n"}, f"span_id: {SPAN!r}".removesuffix("'") + "\\n' is not usable; it is 16 lower-case hex digits, or None"),
        ({"parent_id": "0"}, "parent_id: '0' is not usable; it is 16 lower-case hex digits, or None"),
        ({"sampled": 1}, "sampled: 1 is not usable; it is True, False or None for undecided"),
        ({"debug": None}, "debug: None is not usable; it is True or False"),
        ({"flags": 256}, "flags: 256 is not usable; it is one byte, 0 to 255"),
        ({"flags": "01"}, "flags: '01' is not usable; it is one byte, 0 to 255"),
        ({"flags": 1, "sampled": False}, "sampled: False is not usable; flags and debug say True"),
        ({"debug": True, "sampled": False}, "sampled: False is not usable; flags and debug say True"),
        ({"tracestate": "a=1"}, "tracestate: 'a=1' is not usable; it is a tuple of pairs of texts: (('key', 'value'),)"),
        ({"extra": (("origin", 1),)}, "extra: ('origin', 1) is not usable; it is a tuple of pairs of texts: (('key', 'value'),)"),
        ({"extra": ("origin",)}, "extra: 'origin' is not usable; it is a tuple of pairs of texts: (('key', 'value'),)"),
    ],
)  # fmt: skip
def test_what_is_no_context_is_refused(given: dict, message: str) -> None:
    """With what was given, where, and what is allowed."""
    with pytest.raises(BadValue) as caught:
        SpanContext(**{"trace_id": TRACE, "span_id": SPAN, **given})
    assert str(caught.value) == message


def test_pairs_may_be_lists() -> None:
    """They become tuples, so that the context can be hashed."""
    assert SpanContext(TRACE, SPAN, tracestate=[["a", "1"]]).tracestate == (("a", "1"),)


def test_an_invalid_context_says_what_is_wrong_and_where() -> None:
    """It survives pickling, as tests in other processes need it, and shows only so much."""
    error = InvalidContext("b3", "B3", "x" * 300, "a rule", (1, 2))
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == f"B3: {'x' * 100}…: a rule"
    assert (copy.format, copy.header, copy.value) == ("b3", "B3", "x" * 300)
    assert (copy.rule, copy.span) == ("a rule", (1, 2))
    assert str(InvalidContext("b3", "b3", "?", "a rule")) == "b3: ?: a rule"
    assert isinstance(error, ValueError)
    assert error.as_problem() == Problem("B3", "x" * 300, "a rule", (1, 2))
