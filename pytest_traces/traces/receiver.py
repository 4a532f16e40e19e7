"""What other processes are told, so that their spans come here."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_traces.recording import (
    Arrival,
    Clock,
    Entry,
    Recording,
    SpanKey,
    arrival_of,
    journal,
)
from pytest_traces.report.words import plural
from pytest_traces.settings import RECEIVED
from pytest_traces.sources.otlp import otlp
from pytest_traces.sources.otlp.environment import of_session
from pytest_traces.traces.hearing import hears_servers

if TYPE_CHECKING:  # it imports http.server
    from pytest_traces.sources.otlp.endpoint import Deliver, Endpoint

#: So long nothing may come before other processes are taken to have fallen silent.
SILENCE_NS = 250_000_000
_PROBLEM = "OTLP receiver: "


class Receiver:
    """A loopback OTLP receiver: other processes, in any language, send their spans to it.

    HTTP with protobuf or JSON; over gRPC by :attr:`grpc`. It is bound to 127.0.0.1, its address
    holds a random token, and its port is closed when its last user is.

    Example:
        >>> server = subprocess.Popen(["node", "service.js"], env=traces.receiver.env)
    """

    def __init__(self, endpoint: Endpoint, protocol: str = "http/protobuf") -> None:
        self._endpoint = endpoint
        self._protocol = protocol
        #: Since when somebody could know of it; until then only children of ``run`` send.
        self.known_ns: int | None = None

    def __repr__(self) -> str:
        return f"<Receiver of {plural(self._endpoint.accepted, 'span')}>"

    @property
    def endpoint(self) -> str:
        """The URL for ``OTEL_EXPORTER_OTLP_ENDPOINT``; exporters add ``/v1/traces`` to it.

        A web page's exporter is given ``f"{endpoint}/v1/traces"``; any origin may send.
        """
        self.tell()
        if self._protocol == "grpc":
            return self.variables["OTEL_EXPORTER_OTLP_ENDPOINT"]
        return self._endpoint.url

    @property
    def accepted(self) -> int:
        """How many spans have come."""
        return self._endpoint.accepted

    @property
    def url(self) -> str:
        """The same, for those who do not tell it to anybody else."""
        return self._endpoint.url

    @property
    def variables(self) -> dict[str, str]:
        """What to add to an environment: the variables that OpenTelemetry's SDKs read.

        They name the endpoint, switch metrics and logs off and every sampler on, and send
        batches each 50 ms
        (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).

        Raises:
            ModuleNotFoundError: opentelemetry-proto is not installed; or grpcio, for gRPC.
        """
        self.tell()
        return self._endpoint.variables(self._protocol)

    @property
    def env(self) -> dict[str, str]:
        """The environment of this process with :attr:`variables`, for ``subprocess``.

        Raises:
            ModuleNotFoundError: as for :attr:`variables`.
        """
        self.tell()
        return self._endpoint.env(self._protocol)

    @property
    def grpc(self) -> Receiver:
        """The same receiver for exporters that speak gRPC: its variables say so.

        Raises:
            ModuleNotFoundError: on :attr:`variables`, where grpcio is not installed.
        """
        self.tell()
        return Receiver(self._endpoint, "grpc")

    def tell(self) -> None:
        """From now on somebody may send."""
        if self.known_ns is None:
            self.known_ns = Clock.monotonic_ns()

    def environment(self, given: Mapping[str, str] | None) -> dict[str, str]:
        """The environment of a child: what ``given`` changes stays as it is given."""
        if given is None:
            return self._endpoint.env(self._protocol)
        changed = {k: v for k, v in given.items() if os.environ.get(k) != v}
        ours = self._endpoint.env(self._protocol)
        added = self._endpoint.variables(self._protocol)
        # What is as it is here, is here: some of it has to go.
        kept = {k: v for k, v in given.items() if k in changed or k in ours}
        return {**kept, **added, **changed}

    def is_silent(self, since_ns: int) -> bool:
        """Whether nothing has come for a while, counted from that monotonic time at the earliest.

        Args:
            since_ns: when somebody began to wait for silence.
        """
        endpoint = self._endpoint
        if endpoint.busy:
            return False
        if self.known_ns is None:
            return True  # whoever could send has ended
        last = max(endpoint.last_ns or 0, self.known_ns, since_ns)
        return Clock.monotonic_ns() - last >= SILENCE_NS

    def close(self) -> None:
        """Receive no more."""
        self._endpoint.close()


def open_receiver(recording: Recording) -> Receiver:
    """The receiver of one recording, which is closed with it.

    Args:
        recording: an open one.
    """
    open_spans: dict[int, int] = {}
    endpoint = _open_endpoint(lambda arrivals: enter(arrivals, open_spans), recording.first)
    receiver = Receiver(endpoint)
    attach(recording, receiver, receiver.is_silent)

    def report() -> None:
        _report(recording, endpoint.problems, endpoint.remarks)

    def end() -> None:
        receiver.close()
        report()

    recording.pulls.append(report)
    recording.endings.append(end)
    return receiver


def _open_endpoint(deliver: Deliver, owner: int) -> Endpoint:
    from pytest_traces.sources.otlp.endpoint import Endpoint

    return Endpoint(deliver, owner=owner)


def enter(arrivals: Sequence[Entry], open_spans: dict[int, int]) -> None:
    """Put what has arrived into the journal; the end of a span replaces its start.

    Args:
        arrivals: the spans of one request.
        open_spans: the numbers of those that have not ended, by their keys.
    """
    if not open_spans and None not in [entry[1] for entry in arrivals]:
        journal.put_all(arrivals)
        return
    for arrival in map(Arrival._make, arrivals):
        key = otlp.past_key(arrival)
        number = open_spans.get(key)
        if number is not None:
            journal.replace(number, arrival)
        else:
            number = journal.put(arrival)
        if arrival.end_ns is None:
            open_spans[key] = number
        else:
            open_spans.pop(key, None)


class SessionReceiver(Receiver):
    """The receiver for servers that outlive a test.

    A span belongs to the recording that knows its trace, otherwise to the one that was open when
    it started, if that test uses the receiver.
    """

    def __init__(self) -> None:
        self._open_spans: dict[int, int] = {}
        #: The names of spans that no recording has claimed so far, by their keys.
        self._waiting: dict[SpanKey, str] = {}
        self._claimed: set[SpanKey] = set()
        super().__init__(_open_endpoint(self._enter, 0))
        self.unclaimed: Counter[str] = Counter()

    def open(self) -> None:
        """From now on every recording can claim what comes."""
        journal.attach = self._attach
        for window in journal.windows:
            self._attach(window)

    def close(self) -> None:
        """Receive no more, and count what nobody has claimed."""
        super().close()
        journal.attach = None
        for window in journal.windows:  # that of the last test is still open
            self._settle(window)
        self.unclaimed.update(self._waiting.values())

    def _enter(self, arrivals: Sequence[Entry]) -> None:
        if journal.windows:
            enter(arrivals, self._open_spans)
        else:
            names = (otlp.decode(arrival).name for arrival in arrivals)
            self.unclaimed.update(names)

    def _attach(self, recording: Recording) -> None:
        endpoint, before = self._endpoint, self._endpoint.noted()
        remarks = endpoint.remarks

        def is_silent(since_ns: int) -> bool:
            return not hears_servers(recording) or self.is_silent(since_ns)

        def report() -> None:
            if recording.takes_strays:
                problems = endpoint.problems_since(before)
                _report(recording, problems, map(of_session, endpoint.remarks - remarks))

        attach(recording, self, is_silent)
        recording.pulls.append(report)
        recording.endings.append(lambda: self._settle(recording))

    def _settle(self, recording: Recording) -> None:
        """Note which of the spans that have come this recording has, and which nobody."""
        spans = recording.look().spans
        here = {(span.trace_id, span.span_id) for span in spans if span.source == otlp.name}
        for number, entry in list(journal.entries.items()):
            arrival = arrival_of(entry) if number >= recording.first else None
            if arrival is not None and not arrival.owner:
                span = otlp.decode(entry)
                key = span.trace_id, span.span_id
                if key not in here and key not in self._claimed:
                    self._waiting[key] = span.name
        for key in here:
            self._waiting.pop(key, None)
        self._claimed |= here


class _Lifeline:
    """What forked children do with their spans: they go to the receiver."""

    def __init__(self, receiver: Receiver, *, is_own: bool) -> None:
        self._receiver = receiver
        self._is_own = is_own
        self.url = receiver.url

    def serves(self, recording: Recording, *, forked: bool) -> bool:
        """Whether that recording gets what comes to the receiver.

        Of what comes to that of the session, a test that does not use it gets no more than is in
        its traces. That is all that a server of other tests has to do with it, but not a
        child that it has forked itself.
        """
        may_be_strays = not self._is_own and not recording.takes_strays
        return RECEIVED in recording.settings.sources and not (may_be_strays and forked)

    def expect(self) -> None:
        """From now on somebody may send."""
        self._receiver.tell()


def attach(recording: Recording, receiver: Receiver, is_silent: Callable[[int], bool]) -> None:
    """Closing assertions wait until this receiver is silent; forked children send to it."""
    before, is_own = recording.is_silent, not isinstance(receiver, SessionReceiver)
    recording.is_silent = lambda since: is_silent(since) and (before is None or before(since))
    if is_own or recording.lifeline is None:
        recording.lifeline = _Lifeline(receiver, is_own=is_own)
        journal.changed()


def _report(recording: Recording, problems: Sequence[str], remarks: Iterable[str]) -> None:
    """What was refused is missing: every assertion says so."""
    found = [f"{_PROBLEM}{problem}" for problem in problems]
    if found:
        others = [one for one in recording.problems if not one.startswith(_PROBLEM)]
        recording.problems[:] = [*others, *found]
    # That may be of somebody else, so it is no failure.
    for remark in remarks:
        if remark not in recording.remarks.get(RECEIVED, ()):
            recording.remark(RECEIVED, remark)
