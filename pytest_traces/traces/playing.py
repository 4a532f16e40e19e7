"""What the test plays: an upstream that calls the application, and services that it calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_traces.forest import Forest
from pytest_traces.model import SpanData
from pytest_traces.recording import journal
from pytest_traces.report.explain import Message, add_cause, plain_message
from pytest_traces.report.unreceived import Others, unreceived_cause
from pytest_traces.report.words import quoted
from pytest_traces.shape.usage import understood
from pytest_traces.traces import loops
from pytest_traces.traces.captures import LATE, LONGER_IN_BLOCK, captures_of
from pytest_traces.traces.feeding import Feeding
from pytest_traces.traces.frame import pull_all
from pytest_traces.traces.hearing import hears_others, is_unheard, note_awaited
from pytest_traces.wire.caller import Caller, CallerSpan, Calling, read_calling

if TYPE_CHECKING:
    from pytest_traces.wire.stand_in import StandIn


class Playing(Feeding):
    """The two parts that a test can play."""

    def caller(
        self,
        name: str,
        *,
        format: str | Sequence[str] | None = None,  # noqa: A002  # the public word for it
        baggage: Mapping[str, str] | None = None,
        tracestate: Mapping[str, str] | None = None,
        sampled: bool = True,
        service: str | None = None,
    ) -> CallerBlock:
        """Play the upstream, such as a browser: a client span whose context only headers carry.

        Its span is a root, and never the current one of this process: what the application
        records is below it if, and only if, the application reads the headers.

        Args:
            name: of the span.
            format: one of :data:`pytest_traces.propagation.FORMATS`, or several of them; else
                that of ``traces_format``, else ``tracecontext``.
            baggage: members that go along; :meth:`assert_propagated` then expects the
                application to pass them on.
            tracestate: members that go along, the newest first.
            sampled: the sampled bit.
            service: the name of the service that it plays.

        Returns:
            A context manager; it gives the caller with its ``headers``. Its end waits until
            somebody has received them, up to the time limit; in an async test, where it is
            ``async with``.

        Raises:
            AssertionError: at the end of the block, nobody has received the headers.
            BadValue: an argument that cannot be used.
            RuntimeError: the recording is over.

        Example:
            >>> with traces.caller("click", baggage={"tenant": "acme"}) as caller:
            ...     client.post("/checkout", headers=caller.headers)
            >>> async with traces.caller("click") as caller:
            ...     await client.post("/checkout", headers=caller.headers)
        """
        __tracebackhide__ = True
        self._must_be_open("caller")
        chosen = format
        if chosen is None:
            chosen = self._frame.recording.settings.format or "tracecontext"
        calling = understood(
            read_calling, name, chosen, baggage, tracestate, sampled=sampled, service=service
        )
        block = CallerBlock(
            calling, self._must_be_open, self._assert_received, self._await_received
        )
        self._frame.recording.endings.append(block.complain)
        return block

    def stand_in(
        self,
        base_url: str,
        *,
        name: str | None = None,
        app: Any = None,
        optional: bool = False,
        delay: str | timedelta | None = None,
        format: str | None = None,  # noqa: A002  # the public word for it
    ) -> StandIn:
        """Play a remote service until the end of the recording.

        It reads the context from the headers of a request, and from nothing else, and records
        a server span: a child of the caller's span if, and only if, the headers say so.

        Args:
            base_url: ``"http://payments"``: requests of httpx to URLs below it come here.
            name: of the service; else the host.
            app: an ASGI or WSGI application that plays it, behind a boundary that lets no
                context through but the headers; its own instrumentation records its spans.
                Without it: routes, as respx has them: ``.post("/charge").respond(json=...)``.
            optional: whether routes may stay uncalled.
            delay: how long every answer takes: ``"50ms"`` or a timedelta.
            format: the only format that it reads; else any, ``tracecontext`` first.

        Returns:
            The stand-in; its ``url`` is a real loopback address, for clients that are not
            httpx and for other processes.

        Raises:
            AssertionError: at the end of the recording, a route that was never called (unless it
                is optional), or a request that no route takes.
            BadValue: an argument that cannot be used; a second one for the same URL.
            RuntimeError: the recording is over.

        Example:
            >>> payments = traces.stand_in("http://payments")
            >>> payments.post("/charge").respond(json={"ok": True})
        """
        __tracebackhide__ = True
        self._must_be_open("stand_in")
        from pytest_traces.wire.stand_in import open_stand_in

        return understood(
            open_stand_in, journal, self._frame.recording, base_url,
            name=name, app=app, optional=optional, delay=delay,
            format=format,
        )  # fmt: skip

    def _assert_received(self, caller: Caller, *, waited: bool = False) -> None:
        """Somebody has continued the context of the caller."""
        __tracebackhide__ = True

        def check(_: Forest) -> Message | None:
            return None if self._is_received(caller) else self._unreceived(caller)

        self._at_first_success(check, waited=waited)

    async def _await_received(self, caller: Caller) -> None:
        """The same where an event loop runs, which goes on meanwhile."""
        __tracebackhide__ = True
        recording = self._frame.recording
        await loops.wait(
            lambda: self._is_received(caller) or bool(recording.problems),
            self._frame.timeout_ns if recording.is_open else 0,
            self._poll_ns(),
        )
        if not self._is_received(caller):
            note_awaited()
        self._assert_received(caller, waited=True)

    def _is_received(self, caller: Caller) -> bool:
        pull_all()
        return any(_continues(span, caller) for span in self._frame.recording.look().spans)

    def _unreceived(self, caller: Caller) -> Message:
        frame, forest = self._frame, self._forest()
        captures = captures_of(frame, frame.window()[0], self._open_spans(), LONGER_IN_BLOCK)
        message = plain_message(
            f"nobody received the headers of the caller {quoted(caller.name)}", forest, captures
        )
        others = Others.AWAITED if hears_others(frame.recording) else Others.UNKNOWN
        if is_unheard(frame.recording):
            others = Others.UNHEARD
        requests = frame.recording.requests_between()
        cause = unreceived_cause(caller.headers, requests, forest, others)
        add_cause(message, cause)
        if cause.hint is None:
            message.may_come, message.in_loop = True, _in_loop(caller.name)
            if others is Others.AWAITED and message.hint is None:
                message.hint = f"{LATE}force_flush() there, {LONGER_IN_BLOCK}"
        return message


class CallerBlock:
    """The ``with`` or ``async with`` block of :meth:`Playing.caller`."""

    def __init__(
        self,
        calling: Calling,
        must_be_open: Callable[[str], None],
        assert_received: Callable[[Caller], None],
        await_received: Callable[[Caller], Awaitable[None]],
    ) -> None:
        self._calling = calling
        self._must_be_open = must_be_open
        self._assert_received = assert_received
        self._await_received = await_received
        self._open: list[tuple[Caller, CallerSpan]] = []
        self._was_entered = False

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name}: use it as a block: with {self._call()} as caller")

    def __enter__(self) -> Caller:
        __tracebackhide__ = True
        self._must_be_open("caller")
        self._was_entered = True
        caller = Caller(self._calling)
        self._open.append((caller, CallerSpan(journal, caller, self._calling)))
        return caller

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        caller, span = self._open.pop()
        span.end(error)
        if error is None:
            self._assert_received(caller)

    async def __aenter__(self) -> Caller:
        __tracebackhide__ = True
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        __tracebackhide__ = True
        caller, span = self._open.pop()
        span.end(error)
        if error is None:
            await self._await_received(caller)

    def complain(self) -> str | None:
        """What the test has to be told at its end: a block that nobody has entered."""
        return None if self._was_entered else f"{self._call()} was never used: with ... as caller"

    def _call(self) -> str:
        return f"traces.caller({self._calling.name!r})"


def _in_loop(name: str) -> str:
    return (
        "an event loop runs in this thread, so the end of the block cannot wait: use async with "
        f'traces.caller({quoted(name)}), or await traces.settled("2s") in the block'
    )


def _continues(span: SpanData, caller: Caller) -> bool:
    if (span.trace_id, span.parent_id) == caller.key:
        return True
    return any((link.trace_id, link.span_id) == caller.key for link in span.links)
