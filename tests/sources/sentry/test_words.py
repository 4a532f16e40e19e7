"""Operations and statuses in this project's words."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from pytest_traces.sources.sentry.holding import kinds_of
from pytest_traces.sources.sentry.kept import nanoseconds
from pytest_traces.sources.sentry.words import kind_of, status_of


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        (None, "internal"), ("", "internal"), ("function", "internal"),
        ("http.server", "server"), ("websocket.server", "server"), ("grpc.server", "server"),
        ("http.client", "client"), ("http.client.stream", "client"), ("grpc.client", "client"),
        ("db", "client"), ("db.redis", "client"), ("dbx", "internal"), ("cache.get", "internal"),
        ("queue.publish", "producer"), ("queue.submit.celery", "producer"),
        ("queue.process", "consumer"), ("queue.task.rq", "consumer"),
        ("queue.receive", "consumer"), ("queue", "internal"), ("queue.create", "internal"),
        ("gen_ai.chat", "internal"), ("server", "internal"), ("client", "internal"),
    ],
)  # fmt: skip
def test_kinds(op, kind):
    """The kind of a span is what its operation says."""
    assert kind_of(op) == kind


@pytest.mark.parametrize("op", ["queue.publish", "queue.process"])
def test_the_inner_of_two(op):
    """It is the outer one whose context is in the message."""
    assert kind_of(op, inner=True) == "internal"


@pytest.mark.parametrize(
    ("status", "expected"),
    [(None, "unset"), ("ok", "ok"), ("not_found", "error"), ("cancelled", "error")],
)
def test_statuses(status, expected):
    """What is not ok is an error, as Sentry itself translates them."""
    assert status_of(status) == expected


def test_times():
    """To the nanosecond, whatever the form; a zone is a zone."""
    zone = timezone(timedelta(hours=2))
    exact = datetime(2026, 1, 2, 5, 4, 5, 123456, tzinfo=zone)
    assert nanoseconds(exact) == 1_767_323_045_123_456_000
    assert nanoseconds(1_767_323_045) == 1_767_323_045_000_000_000
    assert nanoseconds(1_767_323_045.5) == 1_767_323_045_500_000_000


def test_an_envelope_of_another_make():
    """It is an envelope, at least."""
    assert kinds_of(object()) == ["envelope"]
