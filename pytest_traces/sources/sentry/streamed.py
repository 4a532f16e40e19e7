"""Spans of Sentry's newer life, in which each is sent by itself when it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import ModuleType
from typing import Any, NamedTuple
from uuid import uuid4

from pytest_traces.model import Sampler
from pytest_traces.recording import Journal, SpanKey
from pytest_traces.sources.sentry.book import Book, ending
from pytest_traces.sources.sentry.current import current_span
from pytest_traces.sources.sentry.fates import decided_on_streamed
from pytest_traces.sources.sentry.hooks import Hooks, named_like
from pytest_traces.sources.sentry.kept import Kept, read_clocks
from pytest_traces.sources.sentry.queues import is_inner
from pytest_traces.sources.sentry.rates import BEFORE
from pytest_traces.sources.sentry.reading import key_of, read_streamed
from pytest_traces.sources.sentry.thrown import thrown

_SPANS = "streamed spans are not recorded"
_ENDS = "streamed spans never end here"
_UNSAMPLED = "streamed spans that are not sampled are not recorded"
_LEFT = "which exception has left a streamed span is not known"
_TOLD = "what those are told that are not sampled is lost"


class _Start(NamedTuple):
    """What a span is started with."""

    name: Any
    attributes: dict[str, object]


class StreamedSpans:
    """Wraps the creation and the end of spans in ``sentry_sdk.traces``.

    A span that is not sampled is of a class of its own, which forgets attributes, status, times,
    and what is within what: to it, all are children of the first. They are kept beside it.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._journal: Journal = book.journal
        self._hooks = Hooks()
        self._starting: ContextVar[_Start | None] = ContextVar("starting", default=None)
        self._innermost: ContextVar[Kept | None] = ContextVar("innermost", default=None)
        self._is_error: Callable[..., bool] = lambda _, value: value is not None

    @property
    def lost(self) -> list[str]:
        """What this version does not let itself be told."""
        return list(self._hooks.lost.values())

    def install(self, traces: ModuleType) -> None:
        """Hook the classes of the module; twice is once."""
        if not hasattr(traces, "start_span"):  # the beginnings of it, in 2.53 and before
            return
        self._is_error = getattr(traces, "should_be_treated_as_error", self._is_error)
        span, noop, put = traces.StreamedSpan, traces.NoOpStreamedSpan, self._hooks.replace
        put(span, "__init__", self._wrap_init, _SPANS)
        put(span, "_end", self._wrap_end, _ENDS)
        put(span, "__exit__", self._wrap_exit, _LEFT)
        put(noop, "__init__", self._wrap_init_unsampled, _UNSAMPLED)
        put(noop, "_end", self._wrap_end, _ENDS)
        put(noop, "__exit__", self._wrap_exit, _TOLD)
        put(noop, "set_attribute", self._wrap_set, _TOLD)
        put(noop, "set_attributes", self._wrap_set_all, _TOLD)
        if "remove_attribute" in vars(noop):
            put(noop, "remove_attribute", self._wrap_remove, _TOLD)
        put(noop, "status", self._wrap_status, _TOLD)

    def uninstall(self) -> None:
        """Restore the classes."""
        self._hooks.undo()

    def install_scope(self, module: ModuleType) -> None:
        """Hook what starts such spans, which knows names that they do not keep; twice is once."""
        start = "start_streamed_span"
        if hasattr(module.Scope, start):
            self._hooks.replace(module.Scope, start, self._wrap_start, _TOLD)

    def _wrap_start(self, start: Callable[..., Any]) -> Callable[..., Any]:
        starting, windows = self._starting, self._journal.windows

        def start_and_note(scope: Any, *args: Any, **kwargs: Any) -> Any:
            if not windows:
                return start(scope, *args, **kwargs)
            name = args[0] if args else kwargs.get("name")
            attributes = args[1] if len(args) > 1 else kwargs.get("attributes")
            known = dict(attributes) if isinstance(attributes, Mapping) else {}
            token = starting.set(_Start(name, known))
            try:
                return start(scope, *args, **kwargs)
            finally:
                starting.reset(token)

        return named_like(start_and_note, start)

    def _wrap_init(self, init: Callable[..., None]) -> Callable[..., None]:
        windows, book = self._journal.windows, self._book

        def init_and_record(span: Any, *args: Any, **kwargs: Any) -> None:
            if not windows:
                init(span, *args, **kwargs)
                return
            began = read_clocks()
            init(span, *args, **kwargs)
            with book.care():
                kept = book.begin(span, began, read_streamed, is_timed=True)
                kept.decided = self._decided(span, None)
                kept.inner = is_inner(book, span)

        return named_like(init_and_record, init)

    def _wrap_init_unsampled(self, init: Callable[..., None]) -> Callable[..., None]:
        windows, book = self._journal.windows, self._book

        def init_and_record(span: Any, *args: Any, **kwargs: Any) -> None:
            start = self._starting.get()
            if not windows or start is None:  # it stands for a call that was made in vain
                init(span, *args, **kwargs)
                return
            around, began = current_span(), read_clocks()
            init(span, *args, **kwargs)
            with book.care():
                kept = book.begin(span, began, read_streamed, is_timed=True)
                kept.name, kept.attributes = start.name, start.attributes
                kept.decided = self._decided(span, around)
                self._nest(kept, around)
                kept.inner = is_inner(book, span)

        return named_like(init_and_record, init)

    def innermost(self, current: Any) -> SpanKey | None:
        """The unsampled span within which the caller is, if it is below the current one."""
        kept = self._unended()
        is_below = kept is not None and kept.span is not current
        return key_of(kept) if kept and is_below and _are_of_one(kept.span, current) else None

    def _unended(self) -> Kept | None:
        kept = self._innermost.get()
        while kept is not None and self._kept(kept.span) is not kept:
            kept = kept.above
        return kept

    def _nest(self, kept: Kept, around: Any) -> None:
        """Sentry does not make an unsampled span the current one, unless it is a segment."""
        above = self._unended()
        if kept.span._scope is None and above is not None and _are_of_one(above.span, kept.span):
            kept.above = above
        if not hasattr(kept.span, "_trace_id"):  # before 2.65 it has no ids
            trace_id = uuid4().hex
            if around is not None and kept.above is None and hasattr(around, "_trace_id"):
                trace_id = around.trace_id
            if kept.above is not None and kept.above.ids is not None:
                trace_id = kept.above.ids[0]
            kept.ids = trace_id, uuid4().hex[16:]
        self._innermost.set(kept)

    def _wrap_end(self, end: Callable[..., None]) -> Callable[..., None]:
        book = self._book

        def end_and_record(span: Any, *args: Any, **kwargs: Any) -> None:
            if id(span) not in book.live:
                end(span, *args, **kwargs)
                return
            given = args[0] if args else kwargs.get("end_timestamp")
            with ending(book, span, given):
                end(span, *args, **kwargs)

        return named_like(end_and_record, end)

    def _wrap_exit(self, leave: Callable[..., None]) -> Callable[..., None]:
        def leave_and_record(span: Any, ty: Any, value: Any, tb: Any) -> None:
            if value is not None:
                with self._book.care():
                    kept = self._kept(span)
                    if kept is not None and self._is_error(ty, value):
                        kept.failed, kept.left_by = True, thrown(value)
            leave(span, ty, value, tb)

        return named_like(leave_and_record, leave)

    def _wrap_set(self, set_one: Callable[..., None]) -> Callable[..., None]:
        def set_and_record(span: Any, key: str, value: Any) -> None:
            kept = self._kept(span)
            if kept is not None:
                kept.attributes[key] = value
            set_one(span, key, value)

        return named_like(set_and_record, set_one)

    def _wrap_set_all(self, set_all: Callable[..., None]) -> Callable[..., None]:
        def set_and_record(span: Any, attributes: Any) -> None:
            kept = self._kept(span)
            if kept is not None:
                kept.attributes.update(attributes if isinstance(attributes, Mapping) else {})
            set_all(span, attributes)

        return named_like(set_and_record, set_all)

    def _wrap_remove(self, remove: Callable[..., None]) -> Callable[..., None]:
        def remove_and_record(span: Any, key: str) -> None:
            kept = self._kept(span)
            if kept is not None:
                kept.attributes.pop(key, None)
            remove(span, key)

        return named_like(remove_and_record, remove)

    def _wrap_status(self, status: property) -> property:
        def set_and_record(span: Any, value: Any) -> None:
            kept = self._kept(span)
            if kept is not None:
                kept.failed = str(getattr(value, "value", value)) == "error"
            if status.fset is not None:
                status.fset(span, value)

        return property(status.fget, set_and_record, status.fdel, status.__doc__)

    def _decided(self, span: Any, around: Any) -> Sampler:
        """What has decided on it: of a segment that has just started, or of the one around it."""
        segment = getattr(span, "_segment", None)
        if segment is None:  # not sampled, before 2.65: it is one if it has become the current span
            is_within = span._scope is None and around is not None
            segment = getattr(around, "_segment", around) if is_within else span
        if segment is span:
            return decided_on_streamed(span, None)
        above = self._kept(segment)
        return decided_on_streamed(span, (above and above.decided) or BEFORE)

    def _kept(self, span: Any) -> Kept | None:
        return self._book.live.get(id(span))


def _are_of_one(one: Any, other: Any) -> bool:
    """Whether both have the same segment, as far as they know."""
    return getattr(one, "_segment", None) is getattr(other, "_segment", None)
