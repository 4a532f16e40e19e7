"""A forked child, as far as it can be looked at in one process."""

import os
from collections.abc import Sequence

import pytest

from pytest_traces.forking.board import Board, Route
from pytest_traces.forking.child import Child
from pytest_traces.model import SpanData
from pytest_traces.recording import Journal


class Shipment:
    """Notes what is sent, or fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[str]]] = []
        self.processes: set[object] = set()
        self.error: Exception | None = None
        self.made = 0

    def make(self) -> "Shipment":
        """Count how often it is asked for."""
        self.made += 1
        return self

    def send(self, url: str, spans: Sequence[SpanData]) -> None:
        """Note their names, with ``*`` for open ones."""
        if self.error is not None:
            raise self.error
        self.processes.update(one.resource["process.pid"] for one in spans)
        self.sent.append((url, [one.name + "*" * (one.end_ns is None) for one in spans]))


class Situation:
    """A journal, a board and a shipment."""

    def __init__(self) -> None:
        self.journal, self.board, self.shipment = Journal(), Board(), Shipment()
        self.child = Child(self.journal, self.board, self.shipment.make)
        self.lost, self.other = self.board.new_flag(), self.board.new_flag()

    def route(self, url: str | None, lost: Sequence[int] = ()) -> None:
        """Two recordings are open."""
        self.board.write(Route(url, [self.lost, self.other], lost))

    @property
    def raised(self) -> tuple[bool, bool]:
        """Which of the two have lost a span."""
        return self.board.is_raised(self.lost), self.board.is_raised(self.other)

    def start(self, name: str) -> int:
        """An open span."""
        return self.journal.put(SpanData(name, "1" * 32, "2" * 16, None, 1, None))

    def end(self, number: int) -> None:
        """It ends."""
        span = self.journal.entries[number]
        assert isinstance(span, SpanData)
        self.journal.replace(number, span._replace(end_ns=2))


@pytest.fixture
def here() -> Situation:
    """Nothing has happened yet."""
    return Situation()


def test_where_there_is_no_receiver(here):
    """All that are open have lost the span; an end alone is of no interest."""
    number = here.start("a")
    assert here.raised == (False, False)
    here.route(None, [here.lost, here.other])
    here.end(number)
    assert here.raised == (False, False)
    here.start("b")
    assert here.raised == (True, True)
    assert here.shipment.made == 0


def test_where_a_receiver_serves_some(here):
    """The others have lost it."""
    here.route("u", [here.lost])
    here.end(here.start("a"))
    assert here.shipment.sent == [("u", ["a*"]), ("u", ["a"])]
    assert here.shipment.processes == {os.getpid()}
    assert here.raised == (True, False)
    assert here.shipment.made == 1


def test_the_end_goes_where_the_start_went(here):
    """Another recording may have begun."""
    here.route("u")
    number = here.start("a")
    here.route("v")
    here.start("b")
    here.end(number)
    assert here.shipment.sent == [("u", ["a*"]), ("v", ["b*"]), ("u", ["a"])]
    assert here.raised == (False, False)


def test_a_receiver_that_is_gone(here):
    """It is tried again with the next span; there may be another by then."""
    here.route("u")
    here.shipment.error = ConnectionRefusedError()
    here.start("a")
    assert here.raised == (True, True)
    here.shipment.error = None
    here.start("b")
    assert here.shipment.sent == [("u", ["b*"])]


def test_a_receiver_that_does_not_answer(here):
    """It is waited for once."""
    here.route("u")
    here.shipment.error = TimeoutError()
    here.start("a")
    here.shipment.error = None
    here.start("b")
    assert here.shipment.sent == []
    assert here.raised == (True, True)


def test_a_span_that_cannot_be_read(here):
    """The application does not notice; the recordings do."""
    here.route("u")
    here.journal.put(("nowhere", None))
    assert here.raised == (True, True)
    assert here.shipment.sent == []


def test_what_comes_in_between(here):
    """A number that another thread has taken is looked at again."""
    here.route("u")
    number = next(here.journal.numbers)
    here.start("b")
    here.journal.entries[number] = SpanData("a", "1" * 32, "3" * 16, None, 1, 2)
    here.journal.wake()
    assert here.shipment.sent == [("u", ["b*"]), ("u", ["a"])]
