"""A span as an application might write it, and a recording to put it into."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record

#: 2023-11-14T22:13:20Z
SECONDS = 1_700_000_000


@pytest.fixture
def fields() -> dict[str, Any]:
    """The five fields, times in milliseconds."""
    return {
        "trace_id": "ab" * 16,
        "span_id": "cd" * 8,
        "name": "book",
        "start": SECONDS * 1_000,
        "end": SECONDS * 1_000 + 25,
    }


@pytest.fixture
def make() -> Callable[..., dict[str, Any]]:
    """A span of this name; each has an id of its own, unless one is given."""
    numbers = iter(range(1, 1_000))

    def make(name: str, **more: Any) -> dict[str, Any]:
        number = next(numbers)
        start = SECONDS * 1_000 + number
        given = {"trace_id": 1, "span_id": number, "name": name, "start": start, "end": start + 1}
        return {**given, **more}

    return make


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording that waits for nothing long."""
    with record(timeout="50ms") as act:
        yield act
