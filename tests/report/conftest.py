"""Recordings with fixed times, so that whole messages can be compared."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record

EPOCH_MS = 1_700_000_000_000

Grow = Callable[..., None]


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording that waits for nothing."""
    with record(timeout="0s", sources=["handwritten"]) as traces:
        yield traces


@pytest.fixture
def grow(act: Traces) -> Grow:
    """Adds a span: its name, the name of its parent, and when it ran, in milliseconds."""
    ids: dict[str, int] = {}

    def add(name: str, parent: str | None = None, **fields: Any) -> None:
        number = len(ids) + 1
        key = fields.pop("key", name)
        ids[key] = number
        start = fields.pop("start", number)
        took = fields.pop("took", 10)
        act.add(
            {
                "trace_id": fields.pop("trace", "ab" * 16),
                "span_id": number,
                "parent_id": ids.get(parent or "", fields.pop("parent_id", None)),
                "name": name,
                "start": EPOCH_MS + start,
                "end": None if took is None else EPOCH_MS + start + took,
                **fields,
            }
        )

    return add


@pytest.fixture
def failure(act: Traces) -> Callable[..., str]:
    """What an assertion says when it fails."""

    def call(method: str, *args: Any, **kwargs: Any) -> str:
        with pytest.raises(AssertionError) as caught:
            getattr(act, method)(*args, **kwargs)
        return str(caught.value)

    return call


@pytest.fixture
def checkout(grow: Grow) -> None:
    """The checkout of the README."""
    grow("POST /checkout", kind="server", start=0, took=31)
    grow("SELECT orders", "POST /checkout", kind="client", start=1, took=2)
    grow("POST", "POST /checkout", kind="client", start=4, took=11)
    grow("POST /charge", "POST", kind="server", start=5, took=9)
    grow("orders publish", "POST /checkout", kind="producer", start=20, took=1)
