"""Statuses and errors in every spelling."""

import enum
from types import SimpleNamespace

import pytest

from pytest_traces import UnreadableSpan
from pytest_traces.model import STATUSES, Event
from pytest_traces.sources.handwritten.reading import read_span

END_NS = 1_700_000_000_025_000_000


class StatusCode(enum.Enum):
    UNSET = 0
    OK = 1
    ERROR = 2


class SoldOut(Exception):
    """Of an application."""


@pytest.mark.parametrize("status", STATUSES)
def test_statuses_in_every_spelling(status, fields):
    """In any case, as an enum, as protobuf names it, as a code with a text."""
    spellings = [
        status,
        status.upper(),
        StatusCode[status.upper()],
        f"StatusCode.{status.upper()}",
        f"STATUS_CODE_{status.upper()}",
        {"code": status},
        {"code": f"STATUS_CODE_{status.upper()}"},
        {"status_code": status},
        {"statusCode": status},
        SimpleNamespace(status_code=StatusCode[status.upper()], description=None),
    ]
    for one in spellings:
        assert read_span({**fields, "status": one}).status == status
    for name in ("status_code", "statusCode"):
        assert read_span({**fields, name: status.upper()}).status == status


@pytest.mark.parametrize("status", [None, {}, {"message": ""}])
def test_a_status_that_says_nothing_is_unset(status, fields):
    """As OTLP's JSON writes it."""
    assert read_span({**fields, "status": status}).status == "unset"
    assert read_span(fields).status == "unset"


@pytest.mark.parametrize(
    "given",
    [
        {"status": "error", "status_description": "sold out"},
        {"status": "error", "statusDescription": "sold out"},
        {"status": "error", "status_message": "sold out"},
        {"status": "error", "statusMessage": "sold out"},
        {"status": {"code": "error", "message": "sold out"}},
        {"status": {"code": "error", "description": "sold out"}},
        {"status": SimpleNamespace(code="error", description="sold out")},
        {"status": "error", "error": "sold out"},
        {"error": "sold out"},
        {"error": {"message": "sold out"}},
        {"error": SimpleNamespace(message="sold out")},
        {"status": "unset", "error": "sold out"},
    ],
)
def test_an_error_and_its_text_in_every_place(given, fields):
    """A text beside the status, in it, or as the error itself."""
    span = read_span({**fields, **given})

    assert (span.status, span.status_description) == ("error", "sold out")


@pytest.mark.parametrize("error", [True, 1])
def test_an_error_can_be_a_flag(error, fields):
    """Then there is no text."""
    span = read_span({**fields, "error": error})

    assert (span.status, span.status_description, span.events) == ("error", None, ())


@pytest.mark.parametrize("error", [None, False, 0, "", {}, []])
def test_no_error_in_every_spelling(error, fields):
    """What is false is none."""
    assert read_span({**fields, "error": error}).status == "unset"


@pytest.mark.parametrize("name", ["error", "exception"])
def test_an_exception_is_an_error_with_an_event(name, fields):
    """So that ``exception=`` of a pattern finds it."""
    span = read_span({**fields, name: SoldOut("row 7")})

    assert (span.status, span.status_description) == ("error", "SoldOut: row 7")
    type_name = f"{__name__}.SoldOut"
    assert span.events == (
        Event("exception", END_NS, {"exception.type": type_name, "exception.message": "row 7"}),
    )


def test_a_type_of_exception_is_an_error_with_an_event(fields):
    """Some tracers keep the type alone."""
    span = read_span({**fields, "events": ["retry"], "error": ValueError})

    assert (span.status, span.status_description) == ("error", "ValueError")
    assert [event.name for event in span.events] == ["retry", "exception"]
    assert span.events[1].attributes["exception.type"] == "ValueError"


def test_a_status_that_is_stated_to_be_ok_stays_so(fields):
    """OpenTelemetry's rule: ok is final."""
    span = read_span({**fields, "status": "ok", "error": "tried again"})

    assert (span.status, span.status_description) == ("ok", None)


def test_the_status_code_of_a_response_is_no_status(fields):
    """A tracer of HTTP requests may keep it in the span."""
    assert read_span({**fields, "status_code": 404}).status == "unset"


@pytest.mark.parametrize("status", [200, 0, "fine", True, object(), {"code": 2}])
def test_numbers_and_other_words_are_no_status(status, fields):
    """The SDK and the protocol agree here, but an application need not."""
    with pytest.raises(UnreadableSpan, match="a status is one of unset, ok, error"):
        read_span({**fields, "status": status})
