"""Start-up and shutdown of an ASGI application."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from pytest_traces.wire.stand_in.asgi import AsgiApp, Message
from pytest_traces.wire.stand_in.boundary import empty_context

#: What the test has to be told at the end.
NEVER_STARTED = "the app's startup did not end"
_SHUTDOWN = "the app's shutdown failed"


class StartupFailed(RuntimeError):
    """The application that plays a service could not start."""


class Lifespan:
    """The lifespan of an application on one event loop.

    An application that knows no lifespan has none: it raises when it is asked, as the protocol
    allows.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        #: What the application keeps for its requests; None where it knows no lifespan.
        self.state: dict[str, Any] | None = None
        #: What the application does for requests, even after their answers.
        self.tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._outcome: asyncio.Future[str | None] = self._loop.create_future()
        self._task: asyncio.Task[None] | None = None
        self._is_up = False
        #: What the test has to be told at the end.
        self.failure: str | None = None

    async def started(self) -> None:
        """Wait until the application has started; the first call starts it.

        Raises:
            StartupFailed: it could not; every further call says so again.
        """
        if self._task is None:
            self._to_app.put_nowait({"type": "lifespan.startup"})
            self._task = empty_context().run(self._loop.create_task, self._run())
        failure = await asyncio.shield(self._outcome)
        if failure is not None:
            raise StartupFailed(f"the app could not start: {failure}")

    async def shut_down(self) -> str | None:
        """Let the application end what it began; returns what the test has to be told."""
        tasks = list(self.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.ask_to_end()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        return self.failure

    def ask_to_end(self) -> None:
        """Tell the application to shut down, and do not wait."""
        for task in self.tasks:
            task.cancel()
        if self._task is not None and self.is_starting:
            self._task.cancel()
        elif self._is_up:
            self._is_up = False
            self._to_app.put_nowait({"type": "lifespan.shutdown"})

    @property
    def is_starting(self) -> bool:
        """Whether the application has been asked to start, and has not answered."""
        return self._task is not None and not self._outcome.done()

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that it runs on."""
        return self._loop

    async def _run(self) -> None:
        state: dict[str, Any] = {}
        scope: Message = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": state,
        }

        async def send(message: Message) -> None:
            kind = message["type"]
            if kind == "lifespan.startup.complete":
                self.state, self._is_up = state, True
                self._settle(None)
            elif kind == "lifespan.startup.failed":
                self._settle(_last_line(message.get("message", "")))
            elif kind == "lifespan.shutdown.failed":
                self.failure = f"{_SHUTDOWN}: {_last_line(message.get('message', ''))}"

        try:
            await self._app(scope, self._receive, send)
        except Exception as error:  # noqa: BLE001  # "unsupported", or it has said so already
            if self._outcome.done() and self.state is not None and self.failure is None:
                self.failure = f"{_SHUTDOWN}: {type(error).__name__}: {error}"
        except asyncio.CancelledError:
            if not self._outcome.done():
                self.failure = NEVER_STARTED
            raise
        finally:
            self._is_up = False
            self._settle(None)

    async def _receive(self) -> Message:
        try:
            return await self._to_app.get()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._is_up or task is None:
                raise
            # The loop ends before the recording does, and so it cancels what is left on it: to an
            # application that is up this is the time to shut down.
            self._is_up = False
            if sys.version_info >= (3, 11):
                task.uncancel()
            return {"type": "lifespan.shutdown"}

    def _settle(self, failure: str | None) -> None:
        if not self._outcome.done():
            self._outcome.set_result(failure)


def overdue(seconds: float) -> str:
    """What the test has to be told of a shutdown that nobody waits for any longer."""
    return f"{_SHUTDOWN}: it takes more than {seconds} s"


def _last_line(message: str) -> str:
    """Of a traceback, what was raised."""
    lines = message.strip().splitlines()
    return lines[-1] if lines else "it did not say why"
