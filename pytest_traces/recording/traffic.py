"""What leaves the process, while it is recorded: requests on their way, carriers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, TypeVar

from pytest_traces.model import CarrierData, ErrorData, Headers, RequestData, Role, SpanRef
from pytest_traces.recording.journaling import Clock
from pytest_traces.settings import Settings

if TYPE_CHECKING:
    from pytest_traces.recording.contract import Lifeline
    from pytest_traces.recording.journaling import Journal

T = TypeVar("T", RequestData, CarrierData, ErrorData)


class Exchange:
    """A request on its way. What is known of it grows; :attr:`data` is what is known so far."""

    __slots__ = ("_journal", "data")

    def __init__(self, journal: Journal, data: RequestData) -> None:
        self._journal = journal
        self.data = data

    def end(
        self,
        *,
        headers: Headers | None = None,
        status: int | None = None,
        error: str | None = None,
        through: str | None = None,
    ) -> None:
        """It is answered, or has failed; ``headers`` are those that have left."""
        known = self.data
        self.data = known._replace(
            headers=known.headers if headers is None else headers,
            end_ns=Clock.time_ns(),
            status=status,
            error=error,
            through=through or known.through,
        )
        if self._journal.waiters:
            self._journal.wake()


class Traffic:
    """What a recording hears beside the spans of this process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        #: Requests that this process sent since, answered or not; and carriers of propagators.
        self.requests: list[Exchange] = []
        self.carriers: list[CarrierData] = []
        #: Errors that were reported beside spans.
        self.errors: list[ErrorData] = []
        #: The addresses at which stand-ins are served, and the base URLs that they stand for.
        self.aliases: dict[str, str] = {}
        #: Clients whose requests cannot be seen: assertions on requests report these.
        self.unseen: list[str] = []
        #: Whether other processes have fallen silent, asked with the monotonic time at which
        #: somebody began to wait for that; None where none can send anything.
        self.is_silent: Callable[[int], bool] | None = None
        #: When somebody has last awaited that silence, in nanoseconds since the epoch; 0 for never.
        self.awaited_ns = 0
        #: Where other processes send their spans, once somebody has asked for it.
        self.receiver: object = None
        #: Whether spans that other processes sent to nobody in particular are its own by their
        #: time; those of a trace that it knows are its own in any case.
        self.takes_strays = False
        #: Parents of received spans that somebody has waited for in vain.
        self.given_up: set[tuple[str, str]] = set()
        #: Takes the spans of forked children; None where they are lost.
        self.lifeline: Lifeline | None = None

    def errors_between(self, first: int | None = None, last: int | None = None) -> list[ErrorData]:
        """The errors that were reported in this recording's window, or in a part of it."""
        found = [one for one in self.errors if one.source in self.settings.sources]
        return within(found, first, last)

    def requests_between(
        self, first: int | None = None, last: int | None = None
    ) -> list[RequestData]:
        """The requests of this recording's window, or of a part of it, in order of their begin."""
        found = within([one.data for one in list(self.requests)], first, last)
        return [one._replace(current=self._own(one.current)) for one in found]

    def _own(self, refs: tuple[SpanRef, ...]) -> tuple[SpanRef, ...]:
        """Those of the sources that are recorded here."""
        if all(ref.source in self.settings.sources for ref in refs):
            return refs
        return tuple(ref for ref in refs if ref.source in self.settings.sources)

    def carriers_between(
        self, first: int | None = None, last: int | None = None
    ) -> list[CarrierData]:
        """What propagators wrote and read in this recording's window, or in a part of it."""
        found = [one for one in self.carriers if one.source in self.settings.sources]
        return within([one._replace(current=self._own(one.current)) for one in found], first, last)


def begin_request(
    journal: Journal,
    *,
    client: str,
    method: str,
    url: str,
    headers: Headers,
    role: Role = "outgoing",
    through: str | None = None,
) -> Exchange:
    """Enter a request into every open recording, with the spans that are current here."""
    data = RequestData(
        number=next(journal.numbers),
        client=client,
        method=method,
        url=url,
        headers=headers,
        start_ns=Clock.time_ns(),
        role=role,
        through=through,
        current=current_spans(journal),
        suppressed=any(source.suppressed() for source in journal.sources.values()),
        added_early=headers,
        thread=threading.current_thread().name,
    )
    exchange = Exchange(journal, data)
    for window in journal.windows:
        window.requests.append(exchange)
    return exchange


def note_carrier(
    journal: Journal,
    source: str,
    action: Literal["inject", "extract"],
    headers: Iterable[tuple[str, str]],
) -> None:
    """Enter a carrier that a propagator wrote or read into every open recording."""
    carrier = CarrierData(
        number=next(journal.numbers),
        source=source,
        action=action,
        headers=tuple(headers),
        time_ns=Clock.time_ns(),
        current=current_spans(journal),
        thread=threading.current_thread().name,
    )
    for window in journal.windows:
        window.carriers.append(carrier)
    if journal.waiters:
        journal.wake()


def current_spans(journal: Journal) -> tuple[SpanRef, ...]:
    """The span of each source that is current in the calling context."""
    found = []
    for name, source in journal.sources.items():
        key = source.current()
        if key is not None:
            found.append(SpanRef(name, *key))
    return tuple(found)


def within(items: list[T], first: int | None, last: int | None) -> list[T]:
    """Those whose numbers are in the window."""
    return [
        one
        for one in items
        if (first is None or one.number >= first) and (last is None or one.number < last)
    ]
