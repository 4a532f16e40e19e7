"""Recordings of hand-written spans, and threads that end them when they are told to."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record

START = 1_700_000_000_000

Grow = Callable[..., None]


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording whose assertions wait for nothing."""
    with record(timeout="0s", sources=["handwritten"]) as act:
        yield act


@pytest.fixture
def patient() -> Iterator[Traces]:
    """A recording whose assertions wait as long as it takes, and far too long for a test."""
    with record(timeout="15s", sources=["handwritten"]) as act:
        yield act


@pytest.fixture
def grow(act: Traces) -> Grow:
    """Adds spans by their paths: ``grow("book", "book > select")``; fields are those of all."""
    ids: dict[str, int] = {}
    numbers = iter(range(1, 1_000))

    def grow(*paths: str, **fields: Any) -> None:
        for path in paths:
            above, _, name = path.rpartition(" > ")
            ids[path] = number = next(numbers)
            given = {"trace_id": 1, "span_id": number, "parent_id": ids.get(above), "name": name}
            given |= {"start": START + number, "end": START + number + 1}
            act.add({**given, **fields})

    return grow


@pytest.fixture
def book(grow: Grow) -> None:
    """A booking: a request, two selects one of which is slow, and a payment that fails."""
    grow("book", kind="server", service="agency", scope="app.web")
    grow("book > load", scope="app.core")
    grow("book > load > select", kind="client", attributes={"rows": 3, "table": "trips"})
    grow("book > load > select", kind="client", attributes={"rows": 1, "table": "users"})
    grow("book > pay", kind="client", status="error", status_description="no money", service="bank")


class Worker:
    """A thread that holds spans open until it is told to end them."""

    def __init__(self, act: Traces) -> None:
        self._act = act
        self._go = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, name: str, then: Callable[[], None] | None = None) -> None:
        """Start a span in a thread of its own; ``then`` runs just before it ends."""
        begun = threading.Event()

        def work() -> None:
            with self._act.start_span(name):
                begun.set()
                self._go.wait(30)
                if then is not None:
                    then()

        thread = threading.Thread(target=work, name="worker")
        self._threads.append(thread)
        thread.start()
        begun.wait(30)

    def end(self) -> None:
        """Let all spans end."""
        self._go.set()

    def join(self) -> None:
        """Let all spans end, and wait for the threads."""
        self.end()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def hire() -> Iterator[Callable[[Traces], Worker]]:
    """Makes workers for a recording."""
    hired: list[Worker] = []

    def hire(act: Traces) -> Worker:
        hired.append(Worker(act))
        return hired[-1]

    yield hire
    for worker in hired:
        worker.join()
