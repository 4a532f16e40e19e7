"""All hooks on Sentry's SDK, made when the first of its modules is there."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from pytest_traces.recording import Journal, SpanKey
from pytest_traces.sources.sentry.book import Book
from pytest_traces.sources.sentry.carriers import Carriers
from pytest_traces.sources.sentry.clients import Clients
from pytest_traces.sources.sentry.current import (
    begun_here,
    current_key,
    current_span,
    is_streaming,
)
from pytest_traces.sources.sentry.draining import drain
from pytest_traces.sources.sentry.errors import Errors
from pytest_traces.sources.sentry.events import Outcomes
from pytest_traces.sources.sentry.holding import Held, Holding
from pytest_traces.sources.sentry.otlp import OtlpHolding
from pytest_traces.sources.sentry.reading import key_of
from pytest_traces.sources.sentry.static import StaticSpans
from pytest_traces.sources.sentry.streamed import StreamedSpans


class Installed:
    """The parts of the source, each with the modules that it hooks."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._book, self._outcomes = Book(journal), Outcomes()
        self._errors = Errors(journal)
        self._static = StaticSpans(self._book, self._outcomes)
        self._streamed = StreamedSpans(self._book)
        self._clients = Clients(self._book, self._errors, self._outcomes)
        self._carriers = Carriers(self._book)
        self._held = Held(journal)
        self._holding, self._otlp = Holding(self._held), OtlpHolding(self._held)
        self._by_module = {
            "sentry_sdk.tracing": self._static.install,
            "sentry_sdk.traces": self._streamed.install,
            "sentry_sdk.client": self._clients.install,
            "sentry_sdk.scope": self._install_scope,
            "sentry_sdk.transport": self._holding.install,
            "sentry_sdk.spotlight": self._holding.install_spotlight,
            "opentelemetry.exporter.otlp.proto.http.trace_exporter": self._otlp.install,
        }

    def open(self) -> None:
        """From now on nothing leaves."""
        self._held.is_open = True

    def keep_what_waits(self) -> None:
        """What was collected before the recording is sent when it is over."""
        with self._holding.taking():
            drain(self._clients.known())
        self._otlp.keep_what_waits()

    def install(self, module: ModuleType) -> None:
        """Hook this module; twice is once."""
        self._by_module[module.__name__](module)

    def _install_scope(self, module: ModuleType) -> None:
        self._carriers.install(module)
        self._clients.install_scope(module)
        self._streamed.install_scope(module)

    def uninstall(self) -> None:
        """Drain what is collected, while it is still held back, and restore everything."""
        drain(self._clients.known())
        self._otlp.drain()
        self._held.is_open = False
        for part in (
            self._otlp, self._holding, self._carriers, self._clients, self._streamed, self._static,
        ):  # fmt: skip
            part.uninstall()
        self._book.forget()
        self._errors.forget()

    def flush(self) -> None:
        """Bring the journal and the errors up to date."""
        self._book.flush()
        self._errors.flush()

    def innermost(self) -> SpanKey | None:
        """The span within which the caller is, whether or not Sentry has made it current."""
        return self._streamed.innermost(current_span()) or current_key()

    def begun_here(self) -> set[SpanKey]:
        """The open spans of the calling context."""
        numbers = begun_here()
        return {key_of(one) for one in list(self._book.live.values()) if one.number in numbers}

    def faults(self, modules: Mapping[str, str]) -> list[str]:
        """What could not be hooked, and without which spans are lost.

        Args:
            modules: those that could not be hooked at all, with the reason.
        """
        found = [*self._static.lost, modules.get("sentry_sdk.tracing")]
        if is_streaming():
            found += [*self._streamed.lost, modules.get("sentry_sdk.traces")]
        return [fault for fault in found if fault is not None]

    def notes(self) -> list[str]:
        """The others."""
        parts = (self._streamed, self._clients, self._carriers, self._holding, self._otlp)
        return [one for part in parts for one in part.lost]
