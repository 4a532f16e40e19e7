"""How a span ended, as applications write it: a status, an error, an exception."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

from pytest_traces.model import STATUSES, Event, Status
from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.details import is_absent, read_text, read_word
from pytest_traces.sources.handwritten.fields import Given, spellings

_STATUS_CODE = spellings("status_code")
_DESCRIPTION = spellings("status_description", "status_message")


class Outcome(NamedTuple):
    """Status and description, and the event of an exception that was given as the error."""

    status: Status
    description: str | None = None
    events: tuple[Event, ...] = ()


def read_outcome(given: Given, end_ns: int | None) -> Outcome:
    """Read the status; an error makes it ``error``, unless it is stated to be ``ok``.

    Raises:
        BadValue: a status that is none, or a description that is no text.
    """
    value, description = given.get(("status",)), given.get(_DESCRIPTION)
    if is_absent(value):
        value = given.get(_STATUS_CODE)
        if isinstance(value, int) and not isinstance(value, enum.Enum):
            value = None  # that of an HTTP response
    if not is_absent(value) and not isinstance(value, str | int | enum.Enum):
        parts = Given(value)
        code = parts.get(("code", *_STATUS_CODE))
        if not is_absent(code) or isinstance(value, Mapping):
            value = code  # OTLP's JSON leaves the code of an unset status out
        if is_absent(description):
            description = parts.get(("description", "message"))
    status = _read_status(value)
    text = read_text(description, "status_description") or None
    error = given.get(("error", "exception"))
    if status == "ok" or is_absent(error) or not error:
        return Outcome(status, text)
    told, events = _tell(error, end_ns)
    return Outcome("error", text or told, events)


def exception_event(kind: type[BaseException], message: str, time_ns: int | None) -> Event:
    """The event that stands for an exception, its parts named as OpenTelemetry names them."""
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    attributes = {"exception.type": f"{module}{kind.__qualname__}", "exception.message": message}
    return Event("exception", time_ns, attributes)


def description_of(error: BaseException) -> str:
    """The exception as the text of a status: type and message."""
    name, message = type(error).__name__, str(error)
    return f"{name}: {message}" if message else name


def _read_status(value: object) -> Status:
    if is_absent(value):
        return "unset"
    word = read_word(value, STATUSES)
    for status in STATUSES:
        if word == status:
            return status
    raise BadValue("status", value, f"a status is one of {', '.join(STATUSES)}")


def _tell(error: object, end_ns: int | None) -> tuple[str | None, tuple[Event, ...]]:
    if isinstance(error, BaseException):
        return description_of(error), (exception_event(type(error), str(error), end_ns),)
    if isinstance(error, type) and issubclass(error, BaseException):
        return error.__name__, (exception_event(error, "", end_ns),)
    if isinstance(error, int):
        return None, ()
    message = error if isinstance(error, str) else Given(error).get(("message", "description"))
    return message if isinstance(message, str) else str(error), ()
