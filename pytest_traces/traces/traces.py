"""What a test holds: the fixture's type, and the views it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_traces.model import Kind, Status
from pytest_traces.recording import Recording, journal
from pytest_traces.report.explain import Message
from pytest_traces.report.words import duration
from pytest_traces.settings import parse_duration
from pytest_traces.shape.fields import Glob
from pytest_traces.shape.pattern import Name, label_of
from pytest_traces.shape.usage import understood
from pytest_traces.traces import loops
from pytest_traces.traces.comparing import Comparing
from pytest_traces.traces.erring import Erring
from pytest_traces.traces.frame import Frame, pull_all
from pytest_traces.traces.hearing import may_come, note_awaited, silence
from pytest_traces.traces.lasting import Lasting
from pytest_traces.traces.lens import Ignoring, Only, Step, Without
from pytest_traces.traces.loading import Loading
from pytest_traces.traces.marked import Marked
from pytest_traces.traces.overlapping import Overlapping
from pytest_traces.traces.playing import Playing
from pytest_traces.traces.propagating import Propagating
from pytest_traces.traces.receiving import Receiving
from pytest_traces.traces.repeating import Repeating
from pytest_traces.traces.sampled import Sampled
from pytest_traces.traces.selection import any_of, select
from pytest_traces.traces.spending import Spending
from pytest_traces.traces.working import Working


class View(
    Propagating, Erring, Sampled, Lasting, Spending, Repeating, Overlapping, Working, Comparing
):
    """A look at a recording through a lens. It carries every assertion, and gives more views."""

    def only(
        self,
        name: Name = None,
        *,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> View:
        """The subtrees under the spans that fit; takes the keywords of :meth:`find`.

        Assertions on it fail where it selects nothing.

        Raises:
            BadValue: an unknown kind, status or source.
            TypeError: a name that can be none.

        Example:
            >>> traces.only("POST /charge").assert_count("INSERT payments", 1)
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        return View(self._with(Only(selection, f"only({selection})")))

    def ignoring(self, *names: Name, scope: Any = None) -> View:
        """Without these spans; their children move up, and so do errors that Sentry told of them.

        Args:
            names: of the spans to lift out, in any way a name can be given.
            scope: only those of this instrumentation scope; alone: all of that scope.

        Example:
            >>> traces.ignoring(glob("* http send")).assert_tree("GET /health")
        """
        __tracebackhide__ = True
        wishes = understood(any_of, names, scope)
        return View(self._with(Ignoring(wishes, _title("ignoring", names, scope))))

    def without(self, *names: Name, scope: Any = None) -> View:
        """Without these spans and all that is below them; takes the arguments of :meth:`ignoring`.

        Example:
            >>> traces.without("GET /health").assert_no_errors()
        """
        __tracebackhide__ = True
        wishes = understood(any_of, names, scope)
        return View(self._with(Without(wishes, _title("without", names, scope))))

    def eventually(self, timeout: str | timedelta) -> View:
        """The same with another time limit: ``"10s"`` or a timedelta.

        Raises:
            BadValue: a bare number, a unit that does not exist.

        Example:
            >>> traces.eventually("10s").assert_count("orders process", 1)
        """
        __tracebackhide__ = True
        limit = understood(parse_duration, timeout, "eventually")
        return View(replace(self._frame, timeout_ns=limit))

    async def settled(self, timeout: str | timedelta | None = None) -> View:
        """In an async test, wait until no span is open and leave the event loop free meanwhile.

        Args:
            timeout: how long at most: ``"2s"`` or a timedelta; else the recording's own limit.

        Returns:
            The view itself.

        Raises:
            AssertionError: spans are still open when the time is over; it names them.

        Example:
            >>> (await traces.settled("2s")).assert_tree("GET /health")
        """
        __tracebackhide__ = True
        limit = self._frame.timeout_ns
        if timeout is not None:
            limit = understood(parse_duration, timeout, "settled")
        if not self._frame.recording.is_open:
            limit = 0  # nothing ends any more
        is_silent = silence(self._frame.recording, blocked=False)
        is_settled = await loops.wait(
            lambda: not self._open_spans() and is_silent(), limit, self._poll_ns()
        )
        note_awaited()
        if not is_settled:
            still_open = self._open_spans()
            what = "spans are still open" if still_open else "other processes still send spans"
            self._fail(Message(f"{what} after {duration(limit)}"), still_open, blocked=False)
        self._fail_on_problems()
        return self


class Traces(Loading, Receiving, Playing, Marked, View):
    """The ``traces`` fixture: looks at one recording, and feeds it by hand.

    Example:
        >>> def test_checkout(traces, client):
        ...     client.post("/checkout", json={"order": 7})
        ...     traces.assert_path("POST /checkout", "SELECT orders")
    """

    @classmethod
    def of(cls, recording: Recording) -> Traces:
        """The view of a recording with its own settings."""
        steps: tuple[Step, ...] = ()
        if ignore := recording.settings.ignore:
            wishes = any_of([Glob(name) for name in ignore], None)
            steps = (Ignoring(wishes, f"traces_ignore = {' '.join(ignore)}"),)
        return cls(Frame(recording, steps, recording.settings.timeout_ns))

    @property
    def setup(self) -> View:
        """The spans that started before the test's own code ran, in its fixtures.

        Example:
            >>> traces.setup.assert_count("CREATE TABLE orders", 1)
        """
        return View(replace(self._frame, phase="setup"))

    def wait_until_quiet(self) -> None:
        """Wait up to the time limit until no span is open and other processes are silent.

        Not where an event loop runs.

        The end of a ``record()`` block does this, so that a worker thread can finish what the
        block began.
        """
        if may_come(self._frame.recording) and not loops.is_running():
            is_silent = silence(self._frame.recording, blocked=False)
            journal.wait(
                lambda: not self._open_spans() and is_silent(),
                self._frame.timeout_ns,
                self._poll_ns(),
            )

    def clear(self) -> None:
        """Forget every span that has started so far; later ones are recorded on.

        Example:
            >>> client.post("/login")
            >>> traces.clear()
            >>> client.get("/cart")
            >>> traces.assert_none("POST /login")
        """
        pull_all()
        self._frame = replace(self._frame, since=journal.position())


def _title(verb: str, names: tuple[Name, ...], scope: Any) -> str:
    words = [label_of(name) for name in names]
    if scope is not None:
        words.append(f"scope={scope!r}")
    return f"{verb}({', '.join(words)})"
