"""What a test holds: the fixture's type, and the views it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from pytest_traces.model import KINDS, Kind, Status
from pytest_traces.recording import Recording, journal
from pytest_traces.report.explain import Message
from pytest_traces.settings import BadValue, parse_duration
from pytest_traces.shape.fields import Glob
from pytest_traces.shape.pattern import Name, label_of
from pytest_traces.sources.handwritten.blocks import Block, span_block
from pytest_traces.sources.handwritten.reading import read_span
from pytest_traces.sources.handwritten.taps import Tap, Watch
from pytest_traces.traces import loops
from pytest_traces.traces.asserting import Asserting
from pytest_traces.traces.lens import Ignoring, Only, Without
from pytest_traces.traces.selection import any_of, select
from pytest_traces.traces.view import Frame


class View(Asserting):
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

        Example:
            >>> traces.only("POST /charge").assert_count("INSERT payments", 1)
        """
        selection = select(
            name, kind=kind, status=status, attributes=attributes, service=service, scope=scope,
            source=source, inside=inside,
        )  # fmt: skip
        return View(self._with(Only(selection, f"only({selection})")))

    def ignoring(self, *names: Name, scope: Any = None) -> View:
        """Without these spans; their children move up.

        Args:
            names: of the spans to lift out, in any way a name can be given.
            scope: only those of this instrumentation scope; alone: all of that scope.

        Example:
            >>> traces.ignoring(glob("* http send")).assert_tree("GET /health")
        """
        title = _title("ignoring", names, scope)
        return View(self._with(Ignoring(any_of(names, scope), title)))

    def without(self, *names: Name, scope: Any = None) -> View:
        """Without these spans and all that is below them; takes the arguments of :meth:`ignoring`.

        Example:
            >>> traces.without("GET /health").assert_no_errors()
        """
        title = _title("without", names, scope)
        return View(self._with(Without(any_of(names, scope), title)))

    def eventually(self, timeout: str | timedelta) -> View:
        """The same with another time limit: ``"10s"`` or a timedelta.

        Raises:
            BadValue: a bare number, a unit that does not exist.

        Example:
            >>> traces.eventually("10s").assert_count("orders process", 1)
        """
        return View(replace(self._frame, timeout_ns=parse_duration(timeout, "eventually")))

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
            limit = parse_duration(timeout, "settled")
        if not await loops.wait(lambda: not self._open_spans(), limit, self._poll_ns()):
            still_open = self._open_spans()
            self._fail(Message("spans are still open"), still_open, blocked=False)
        return self


class Traces(View):
    """The ``traces`` fixture: looks at one recording, and feeds it by hand.

    Example:
        >>> def test_checkout(traces, client):
        ...     client.post("/checkout", json={"order": 7})
        ...     traces.assert_path("POST /checkout", "SELECT orders")
    """

    @classmethod
    def of(cls, recording: Recording) -> Traces:
        """The view of a recording with its own settings."""
        ignore = recording.settings.ignore
        steps = ()
        if ignore:
            wishes = any_of([Glob(name) for name in ignore], None)
            steps = (Ignoring(wishes, f"traces_ignore = {' '.join(ignore)}"),)
        return cls(Frame(recording, steps, recording.settings.timeout_ns))

    @property
    def setup(self) -> View:
        """The spans that started before the test's own code ran, in its fixtures."""
        return View(replace(self._frame, phase="setup"))

    def wait_until_quiet(self) -> None:
        """Wait up to the time limit until no span is open; not where an event loop runs.

        The end of a ``record()`` block does this, so that a worker thread can finish what the
        block began.
        """
        if self._can_wait() and not loops.is_running():
            journal.wait(
                lambda: not self._open_spans(), self._frame.timeout_ns, self._poll_ns()
            )

    def clear(self) -> None:
        """Forget every span that has started so far."""
        self._frame = replace(self._frame, since=journal.position())

    def add(self, span: object, unit: str = "ms") -> None:
        """Record a span of the application's own making.

        Args:
            span: any object or mapping with trace id, span id, name, start, end (or duration)
                and perhaps parent id, kind, status, attributes, events, links, service, scope;
                in snake_case or camelCase. Ids are hex strings or integers; times numbers,
                ISO 8601 strings or datetimes.
            unit: of times that are bare numbers: ``ns``, ``us``, ``ms`` or ``s``; a name such
                as ``start_ns`` states its own.

        Raises:
            UnreadableSpan: a field is missing or wrong (a ValueError); it names the field.
            RuntimeError: the recording is over.

        Example:
            >>> traces.add({"traceId": "4bf9", "spanId": "a1", "name": "book",
            ...             "start": 1700000000.1, "end": 1700000000.2}, unit="s")
        """
        self._must_be_open("add")
        journal.put(read_span(span, unit))

    def tap(self, owner: object, name: str, unit: str = "ms") -> None:
        """Record whatever the application passes to one of its functions, until the end.

        The function does what it did. Names bound by ``from module import name`` before are
        rebound where they are found in a module. A tap that nobody calls fails the test.

        Args:
            owner: the module, class or object that has the function; or a module's name.
            name: the function. It is passed a span, a list of spans, or the fields of one.
            unit: as for :meth:`add`.

        Raises:
            BadValue: no such function, no such unit.
            RuntimeError: the recording is over.

        Example:
            >>> traces.tap(app.tracing, "record_span", unit="s")
        """
        self._must_be_open("tap")
        Tap(journal, self._frame.recording, owner, name, unit).install()

    def watch(self, spans: list[Any], unit: str = "ms") -> None:
        """Record whatever the application appends to this list from now on.

        Args:
            spans: the list itself; what is in it already is left out.
            unit: as for :meth:`add`.

        Raises:
            BadValue: not a list, no such unit.
            RuntimeError: the recording is over.

        Example:
            >>> traces.watch(app.tracing.SPANS, unit="s")
        """
        self._must_be_open("watch")
        watch = Watch(journal, self._frame.recording, spans, unit)
        self._frame.recording.pulls.append(watch.pull)

    @contextmanager
    def start_span(
        self,
        name: str,
        *,
        kind: Kind = "internal",
        attributes: Mapping[str, object] | None = None,
    ) -> Iterator[Block]:
        """Record a span around this block, a child of the enclosing one.

        Args:
            name: of the span.
            kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
            attributes: of the span; more may be set on what the block yields.

        Raises:
            RuntimeError: the recording is over.

        Example:
            >>> with traces.start_span("db.query") as span:
            ...     span.attributes["rows"] = 3
        """
        self._must_be_open("start_span")
        if kind not in KINDS:
            raise BadValue("kind", kind, f"a kind is one of {', '.join(KINDS)}")
        current = (
            source.current() for source in journal.sources.values() if source.name != "handwritten"
        )
        elsewhere = next((key for key in current if key is not None), None)
        with span_block(
            journal, name, kind=kind, attributes=attributes or {}, elsewhere=elsewhere
        ) as block:
            yield block

    def _must_be_open(self, method: str) -> None:
        if not self._frame.recording.is_open:
            raise RuntimeError(f"{method}: the recording is over; nothing can be added to it")


def _title(verb: str, names: tuple[Name, ...], scope: Any) -> str:
    words = [label_of(name) for name in names]
    if scope is not None:
        words.append(f"scope={scope!r}")
    return f"{verb}({', '.join(words)})"
