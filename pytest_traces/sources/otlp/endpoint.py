"""Where one recording, or one session, receives: an address of its own on the common port."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from pytest_traces.encoding import otlp_proto
from pytest_traces.recording import Clock, Entry
from pytest_traces.sources.otlp.environment import STRANGER, variables_for
from pytest_traces.sources.otlp.server import HOST, port

#: Takes what arrived, see :class:`~pytest_traces.recording.Arrival`. Called on threads of the
#: receiver, by one of them at a time, and never after :meth:`Endpoint.close` has returned.
Deliver = Callable[[list[Entry]], None]

#: So many kinds of problems are told apart, each in so many characters.
_MOST_PROBLEMS = 20
_LONGEST = 300


class Endpoint:
    """An address to which other processes send spans, until it is closed.

    With the first one of the process the port opens, with the last it closes. In a forked child
    an endpoint tells the address, which is its parent's, and receives nothing.

    Args:
        deliver: gets the spans of each request, as entries of the journal.
        owner: the first number of the recording that they belong to, whenever they started; 0 for
            none.

    Attributes:
        token: what a request has to carry in its path, or in its metadata.
        owner: as given.
        accepted: how many spans were delivered.
        rejected: how many spans were left out, for their ids.
        last_ns: when the last request was answered, by ``Clock.monotonic_ns``; None before it.
        busy: how many requests are in progress.
        late: how many requests came after it was closed.
    """

    def __init__(self, deliver: Deliver, *, owner: int = 0) -> None:
        self.token = secrets.token_hex(16)
        self.owner = owner
        self.accepted = 0
        self.rejected = 0
        self.last_ns: int | None = None
        self.busy = 0
        self.late = 0
        self._remarks: Counter[str] = Counter()
        self._deliver: Deliver | None = deliver
        self._problems: Counter[tuple[str, str]] = Counter()
        self._new_locks()
        self._grpc: int | None = None
        self._port = port.hold(self)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:PORT/TOKEN``; exporters of a base URL add ``/v1/traces``."""
        return f"http://{HOST}:{self._port}/{self.token}"

    @property
    def grpc_target(self) -> str | None:
        """``127.0.0.1:PORT`` of a gRPC server, which is started now; None without grpcio.

        Its requests carry the token as metadata ``x-pytest-traces``.
        """
        try:
            return f"{HOST}:{self._grpc_port()}"
        except ModuleNotFoundError:
            return None

    @property
    def problems(self) -> list[str]:
        """What was refused, in words; a sentence for each kind."""
        return self.problems_since(Counter())

    @property
    def remarks(self) -> Counter[str]:
        """What came to its port and may have been meant for it, in words, and how often."""
        with self._lock:
            return Counter(self._remarks)

    @property
    def strangers(self) -> int:
        """How many exports came to its port with a token that is nobody's."""
        return self._remarks[STRANGER]

    def noted(self) -> Counter[tuple[str, str]]:
        """How often each kind of problem has come up so far, for :meth:`problems_since`."""
        with self._lock:
            return Counter(self._problems)

    def problems_since(self, before: Counter[tuple[str, str]]) -> list[str]:
        """What was refused after that, in words."""
        found = (self.noted() - before).items()
        return [f"{n} {what}{'' if n == 1 else 's'} {why}" for (what, why), n in found]

    def variables(self, protocol: str = "http/protobuf") -> dict[str, str]:
        """What to add to the environment of a process, so that its OpenTelemetry SDK sends here.

        Args:
            protocol: ``http/protobuf``, ``http/json`` or ``grpc``.

        Raises:
            BadValue: an unknown protocol.
            ModuleNotFoundError: what reads that protocol is not installed, and how to install it.
        """
        address = self.url
        if protocol == "grpc":
            address = f"http://{HOST}:{self._grpc_port()}"
        variables = variables_for(address, self.token, protocol, os.environ)
        if protocol != "http/json":
            otlp_proto.require()
        return variables

    def env(self, protocol: str = "http/protobuf") -> dict[str, str]:
        """The environment of this process, and :meth:`variables` in it."""
        variables = self.variables(protocol)
        # With such a file, SDKs heed no other variable.
        files = ("OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE")
        return {k: v for k, v in os.environ.items() if k not in files} | variables

    def close(self) -> None:
        """Receive no more. What still comes is answered, dropped, and counted in ``late``.

        Closing twice does nothing.
        """
        with self._gate:
            was_open, self._deliver = self._deliver is not None, None
        if was_open:
            port.release()

    def abandon(self) -> None:
        """In a forked child, which serves nothing: whoever held a lock is not there to let go."""
        self._new_locks()
        self._deliver = None
        self.busy = 0

    def _new_locks(self) -> None:
        """One for the counters, and one for the deliveries."""
        self._lock = threading.Lock()
        self._gate = threading.Lock()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """Around a request, for whoever waits until nothing comes any more."""
        with self._lock:
            self.busy += 1
        try:
            yield
        finally:
            with self._lock:
                self.last_ns = Clock.monotonic_ns()
                self.busy -= 1

    def is_open(self) -> bool:
        """Whether anybody wants what comes."""
        return self._deliver is not None

    def meet(self, remark: str) -> None:
        """Note something that came to its port, and may have been meant for it."""
        with self._lock:
            self._remarks[remark] += 1

    def is_late(self) -> bool:
        """Whether it is closed; counts the request, if so."""
        if self._deliver is not None:
            return False
        with self._lock:
            self.late += 1
        return True

    def accept(self, arrivals: list[Entry], rejected: Sequence[str] = ()) -> None:
        """Deliver what a request has brought."""
        with self._gate:
            if self._deliver is None:
                with self._lock:
                    self.late += 1
                return
            if arrivals:
                self._deliver(arrivals)
        with self._lock:
            self.accepted += len(arrivals)
            self.rejected += len(rejected)
            for why, count in Counter(rejected).items():
                self._note("span", f"left out: {why}", count)

    def refuse(self, agent: str | None, status: object, why: str) -> None:
        """Note a request that was refused.

        Args:
            agent: what it says of its sender.
            status: of the answer.
            why: what is wrong with it.
        """
        sender = f"of {_printable(agent)[:60]} " if agent else ""
        with self._lock:
            self._note("request", f"{sender}refused ({status}): {why}", 1)

    def _note(self, what: str, why: str, count: int) -> None:
        why = _printable(why)[:_LONGEST]
        if len(self._problems) >= _MOST_PROBLEMS and (what, why) not in self._problems:
            why = "refused for other reasons"
        self._problems[what, why] += count

    def _grpc_port(self) -> int:
        if self._grpc is None:
            self._grpc = port.hold_grpc()
        return self._grpc


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
