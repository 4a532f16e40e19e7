"""Spans of Sentry's usual life: a transaction, and the spans that it has when it is sent."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from pytest_traces.recording import Journal
from pytest_traces.sources.sentry.book import Book, ending
from pytest_traces.sources.sentry.events import Outcomes
from pytest_traces.sources.sentry.fates import Before, decide_on, look_at, miss, settle
from pytest_traces.sources.sentry.hooks import Hooks, named_like
from pytest_traces.sources.sentry.kept import Reading, read_clocks
from pytest_traces.sources.sentry.queues import is_inner
from pytest_traces.sources.sentry.rates import NEVER_STARTED
from pytest_traces.sources.sentry.reading import read_static
from pytest_traces.sources.sentry.thrown import thrown

_SPANS = "its spans are not recorded"
_ENDS = "its spans never end here"
_LEFT = "which exception has left a span is not known"
#: Where ``start_timestamp`` and ``end_timestamp`` stand, the span itself left out.
_START, _END = 10, 1


class StaticSpans:
    """Wraps the creation and the end of spans in ``sentry_sdk.tracing``.

    A transaction counts as started when Sentry decides on it, which ``start_transaction`` has it
    do, or when it is entered without that: ``continue_trace`` makes one that may never start.
    """

    def __init__(self, book: Book, outcomes: Outcomes) -> None:
        self._book = book
        self._outcomes = outcomes
        self._journal: Journal = book.journal
        self._hooks = Hooks()
        self._made: dict[int, tuple[Any, Reading, bool]] = {}
        self._transaction: type[Any] = object
        self._noop: type[Any] = object
        self._is_error: Callable[..., bool] = lambda _, value: value is not None

    @property
    def lost(self) -> list[str]:
        """What this version does not let itself be told."""
        return list(self._hooks.lost.values())

    def install(self, tracing: ModuleType) -> None:
        """Hook the classes of the module; twice is once."""
        span, transaction = tracing.Span, tracing.Transaction
        self._transaction, self._noop = transaction, tracing.NoOpSpan
        self._is_error = getattr(tracing, "should_be_treated_as_error", self._is_error)
        put = self._hooks.replace
        put(span, "__init__", self._wrap_init, _SPANS)
        put(span, "finish", self._wrap_finish, _ENDS)
        put(span, "__exit__", self._wrap_exit, _LEFT)
        put(transaction, "finish", self._wrap_finish_transaction, _ENDS)
        put(transaction, "__enter__", self._wrap_enter, "those never started are not recorded")
        put(transaction, "_set_initial_sampling_decision", self._wrap_decision, _SPANS)

    def uninstall(self) -> None:
        """Restore the classes."""
        self._hooks.undo()
        self._made.clear()

    def _wrap_init(self, init: Callable[..., None]) -> Callable[..., None]:
        book = self._book

        def init_and_record(span: Any, *args: Any, **kwargs: Any) -> None:
            if not book.is_taking or isinstance(span, self._noop):
                init(span, *args, **kwargs)
                return
            began = read_clocks()
            init(span, *args, **kwargs)
            is_timed = _argument(args, kwargs, _START, "start_timestamp") is None
            if isinstance(span, self._transaction):
                self._made[id(span)] = span, began, is_timed
                return
            with book.care():
                self._begin(span, began, is_timed)

        return named_like(init_and_record, init)

    def _begin(self, span: Any, began: Reading, is_timed: bool) -> None:
        kept = self._book.begin(span, began, read_static, is_timed=is_timed)
        transaction = getattr(span, "_containing_transaction", None)
        if transaction is None:
            return
        above = self._book.live.get(id(transaction))
        if above is not None:
            kept.parent = above
            above.children.append(kept)
            kept.inner = is_inner(self._book, span)
        elif transaction.timestamp is not None or transaction._span_recorder is None:
            miss(kept, transaction)

    def _wrap_decision(self, decide: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def decide_and_record(transaction: Any, *args: Any, **kwargs: Any) -> Any:
            given = getattr(transaction, "sampled", None)
            result = decide(transaction, *args, **kwargs)
            if windows:
                with self._book.care():
                    self._start(transaction)
                    kept = self._book.live.get(id(transaction))
                    if kept is not None:
                        decide_on(kept, given)
            return result

        return named_like(decide_and_record, decide)

    def _wrap_enter(self, enter: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        def enter_and_record(transaction: Any) -> Any:
            if windows and id(transaction) in self._made:
                self._start(transaction)
                self._book.live[id(transaction)].decided = NEVER_STARTED
            return enter(transaction)

        return named_like(enter_and_record, enter)

    def _start(self, transaction: Any) -> None:
        made = self._made.pop(id(transaction), None)
        if made is not None:
            self._book.begin(transaction, made[1], read_static, is_timed=made[2])
        elif id(transaction) not in self._book.live and transaction.timestamp is None:
            # Made before the recording: its times are not of these clocks.
            self._book.begin(transaction, read_clocks(), read_static, is_timed=False)

    def _wrap_exit(self, leave: Callable[..., Any]) -> Callable[..., Any]:
        book = self._book

        def leave_and_note(span: Any, ty: Any, value: Any, tb: Any) -> Any:
            if value is not None and id(span) in book.live:
                with book.care():
                    if self._is_error(ty, value):
                        book.live[id(span)].left_by = thrown(value)
            return leave(span, ty, value, tb)

        return named_like(leave_and_note, leave)

    def _wrap_finish(self, finish: Callable[..., Any]) -> Callable[..., Any]:
        book = self._book

        def finish_and_record(span: Any, *args: Any, **kwargs: Any) -> Any:
            if id(span) not in book.live or isinstance(span, self._transaction):
                return finish(span, *args, **kwargs)
            with ending(book, span, _argument(args, kwargs, _END, "end_timestamp")):
                return finish(span, *args, **kwargs)

        return named_like(finish_and_record, finish)

    def _wrap_finish_transaction(self, finish: Callable[..., Any]) -> Callable[..., Any]:
        book, outcomes = self._book, self._outcomes

        def finish_and_record(span: Any, *args: Any, **kwargs: Any) -> Any:
            kept = book.live.get(id(span))
            if kept is None:
                return finish(span, *args, **kwargs)
            before = Before()
            with book.care():
                before = look_at(kept)
            with ending(book, span, _argument(args, kwargs, _END, "end_timestamp")):
                with outcomes.watch() as outcome:
                    result = finish(span, *args, **kwargs)
                with book.care():
                    settle(kept, before, outcome)
                return result

        return named_like(finish_and_record, finish)


def _argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)
