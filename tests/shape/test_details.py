"""Events, links and exceptions in patterns: what matches, and what a failure says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_traces import Traces, glob, record, span
from pytest_traces.model import Event, Link

EPOCH_MS = 1_700_000_000_000


@pytest.fixture
def act() -> Traces:
    """A payment that was tried again, and then declined."""
    with record(timeout="0s", sources=["handwritten"]) as traces:
        traces.add(
            {
                "trace_id": 1,
                "span_id": 1,
                "name": "pay",
                "start": EPOCH_MS,
                "end": EPOCH_MS + 10,
                "events": [
                    {"name": "retry", "time": EPOCH_MS + 1, "attributes": {"n": 1, "host": "a"}},
                    {"name": "retry", "time": EPOCH_MS + 2, "attributes": {"n": 2, "host": "b"}},
                    {
                        "name": "exception",
                        "time": EPOCH_MS + 3,
                        "attributes": {
                            "exception.type": "shop.errors.CardDeclined",
                            "exception.stacktrace": "Traceback " * 100,
                        },
                    },
                ],
                "links": [
                    {"trace_id": "ab" * 16, "span_id": "cd" * 8, "attributes": {"why": "batch"}}
                ],
            }
        )
    return traces


class CardDeclined(Exception):
    """As the application has it."""

    __module__ = "shop.errors"
    __qualname__ = "CardDeclined"


class AmexDeclined(CardDeclined):
    """A kind of it that was not raised."""


ANY_PAYMENT_ERROR = type("PaymentError", (Exception,), {"__module__": "shop.errors"})


@pytest.mark.parametrize(
    "fields",
    [
        {"events": []},
        {"events": ["retry"]},
        {"events": ["retry", "retry"]},
        {"events": [glob("re*"), "retry"]},
        {"events": [{"name": "retry", "attributes": {"n": 2}}, "retry"]},
        # the one that any would do for must not take the only one of the other
        {"events": ["retry", {"name": "retry", "attributes": {"n": 1}}]},
        {"events": [{"attributes": {"n": 1}}]},
        {"events": [Event("retry", None, {"host": "b"})]},
        {"links": [{"trace_id": "ab" * 16}]},
        {"links": [{"span_id": "cd" * 8, "attributes": {"why": glob("b*")}}]},
        {"links": [Link("ab" * 16, "cd" * 8)]},
        {"exception": "CardDeclined"},
        {"exception": "shop.errors.CardDeclined"},
        {"exception": glob("shop.*")},
        {"exception": CardDeclined},
        {"exception": Exception},
    ],
)
def test_what_is_there(act: Traces, fields: dict[str, Any]) -> None:
    """Others may be there too, in any order."""
    act.assert_tree(span("pay", **fields))


RETRY_3 = {"name": "retry", "attributes": {"n": 3}}


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"events": ["gone"]}, "no event 'gone', got 'retry', 'retry', 'exception'"),
        ({"events": ["retry"] * 3}, "no further event 'retry', got 'retry', 'retry'"),
        ({"events": [RETRY_3]}, "no event 'retry' n=3, got 'retry' n=1, 'retry' n=2"),
        (
            {"events": [{"attributes": {"n": 3}}]},
            "no event n=3, got 'retry' n=1, 'retry' n=2, 'exception'",
        ),
        (
            {"links": [{"trace_id": "ff" * 16}]},
            f"no link trace_id='{'ff' * 16}', got trace_id='{'ab' * 16}' "
            f"span_id='{'cd' * 8}' why='batch'",
        ),
        (
            {"links": [{"attributes": {"why": "x"}}]},
            f"no link why='x', got trace_id='{'ab' * 16}' span_id='{'cd' * 8}' why='batch'",
        ),
        (
            {"links": [{"span_id": "cd" * 8}] * 2},
            f"no further link span_id='{'cd' * 8}', got trace_id='{'ab' * 16}' "
            f"span_id='{'cd' * 8}' why='batch'",
        ),
        (
            {"exception": ValueError},
            "exception: expected ValueError, got 'shop.errors.CardDeclined'",
        ),
        (
            {"exception": AmexDeclined},
            "exception: expected AmexDeclined, got 'shop.errors.CardDeclined'",
        ),
    ],
)
def test_what_is_not_there(act: Traces, fields: dict[str, Any], difference: str) -> None:
    """The message says what was wanted and what there is instead."""
    with pytest.raises(AssertionError) as caught:
        act.assert_tree(span("pay", **fields))
    assert str(caught.value).splitlines()[0] == f"'pay': {difference}"
    assert str(caught.value).splitlines()[2].endswith(difference)


def test_a_span_without_any(failure: Callable[..., str]) -> None:
    """Nothing to show is said, too."""
    assert failure({"events": ["retry"]}) == "'quiet': no event 'retry', got none"
    assert failure({"links": [{"span_id": "cd" * 8}]}) == (
        f"'quiet': no link span_id='{'cd' * 8}', got none"
    )
    assert failure({"exception": "KeyError"}) == (
        "'quiet': exception is missing, expected 'KeyError'"
    )


@pytest.fixture
def failure() -> Callable[..., str]:
    """The verdict on a span that has neither events nor links."""
    with record(timeout="0s", sources=["handwritten"]) as traces:
        traces.add(
            {"trace_id": 1, "span_id": 1, "name": "quiet", "start": EPOCH_MS, "end": EPOCH_MS}
        )

    def call(fields: dict[str, Any]) -> str:
        with pytest.raises(AssertionError) as caught:
            traces.assert_tree(span("quiet", **fields))
        return str(caught.value).splitlines()[0]

    return call


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"events": "retry"}, "events='retry': events are a list"),
        ({"links": {"trace_id": "ab"}}, "links={'trace_id': 'ab'}: links are a list"),
        (
            {"events": [{"nam": "retry"}]},
            "events: 'nam' in {'nam': 'retry'}; known are name, attributes",
        ),
        (
            {"links": [{"span": "x"}]},
            "links: 'span' in {'span': 'x'}; known are trace_id, span_id, attributes",
        ),
        (
            {"events": [{"attributes": ["n"]}]},
            "events: attributes=['n']: attributes are a mapping of names to values",
        ),
    ],
)
def test_what_cannot_be_meant(fields: dict[str, Any], complaint: str) -> None:
    """A pattern that could never match, or always would, is refused where it is written."""
    with pytest.raises(TypeError) as caught:
        span("pay", **fields)
    assert str(caught.value) == complaint
