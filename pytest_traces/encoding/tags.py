"""What the tags of older formats say of a span: kind, status, scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pytest_traces.encoding.otlp_words import attributes_of
from pytest_traces.model import KINDS, Kind, Status

_KIND = "span.kind"
_ERROR = "error"
_STATUS = "otel.status_code"
_DESCRIPTION = "otel.status_description"
_SCOPES = ("otel.scope.name", "otel.library.name")
#: Where instrumentations put what went wrong; they stay attributes.
_REASONS = ("error.message", "error.msg")


class Outcome(NamedTuple):
    """How a span ended."""

    status: Status
    description: str | None = None


class Tags:
    """The tags of one span. What becomes a field of it is taken out of them."""

    def __init__(self, tags: dict[str, object]) -> None:
        self._tags = tags

    def kind(self) -> Kind:
        """``span.kind``; one that OpenTelemetry does not know stays an attribute."""
        word = str(self._tags.get(_KIND, "")).lower()
        for kind in KINDS:
            if word == kind:
                del self._tags[_KIND]
                return kind
        return "internal"

    def scope(self) -> str | None:
        """The instrumentation scope, by its name of today or its earlier one."""
        names = [str(self._tags.pop(key)) for key in _SCOPES if key in self._tags]
        return next((name for name in names if name), None)

    def outcome(self, *, is_error: bool = False) -> Outcome:
        """The status that OpenTelemetry wrote, else the ``error`` of OpenTracing.

        Args:
            is_error: whether it is one whatever the tags say.
        """
        told = str(self._tags.pop(_STATUS, "")).lower()
        description = self._tags.pop(_DESCRIPTION, None)
        has_error = str(self._tags.get(_ERROR)).lower() == "true"
        if has_error:
            del self._tags[_ERROR]
        if told == "ok" and not is_error:
            return Outcome("ok")
        if told != "error" and not (has_error or is_error):
            return Outcome("unset")
        reasons = [description, *(self._tags.get(key) for key in _REASONS)]
        return Outcome("error", next((str(one) for one in reasons if one), None))

    def rest(self) -> Mapping[str, object]:
        """What is left, as attributes."""
        return attributes_of(self._tags.items())


def resource_with(
    service: str | None, attributes: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    """The attributes of a resource, the name of the service among them."""
    named: dict[str, object] = {} if service is None else {"service.name": service}
    return attributes_of({**named, **(attributes or {})}.items())
