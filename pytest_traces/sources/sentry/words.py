"""Sentry's words and what they are called here: operations become kinds, statuses two of them.

The kind of a span is what its operation says by Sentry's own list of operations
(https://develop.sentry.dev/sdk/telemetry/traces/span-operations/) and of modules for queues,
read the way in which Sentry makes an operation of an OpenTelemetry span: ``http.server`` and
``http.client`` of the kind, ``db`` of a client of a database, ``queue.publish`` and
``queue.process`` of producer and consumer.
"""

from __future__ import annotations

from pytest_traces.model import Kind, Status

_PRODUCING = ("publish", "submit")
_CONSUMING = ("process", "task", "receive")


def kind_of(op: str | None, *, inner: bool = False) -> Kind:
    """The kind of a span with this operation; ``inner`` is one within another of its queue."""
    words = (op or "").split(".")
    if words[0] == "queue" and len(words) > 1 and not inner:
        if words[1] in _PRODUCING:
            return "producer"
        return "consumer" if words[1] in _CONSUMING else "internal"
    if words[0] == "db" or "client" in words[1:]:
        return "client"
    return "server" if "server" in words[1:] else "internal"


def status_of(status: str | None) -> Status:
    """What is not ``ok`` is an error, as when Sentry translates its own old spans to new ones.

    (``_serialized_v1_span_to_serialized_v2_span`` of sentry-sdk 2.75.)
    """
    if status is None:
        return "unset"
    return "ok" if status == "ok" else "error"
