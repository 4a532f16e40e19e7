"""Assertions on the same work done over and over."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pytest_traces.forest import Forest, Span
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.report.growth import growth_message
from pytest_traces.report.n_plus_one import n_plus_one_message
from pytest_traces.settings import BadValue, check_n_plus_one
from pytest_traces.shape.names import check_name
from pytest_traces.shape.usage import understood
from pytest_traces.shape.values import value_matches
from pytest_traces.timing.growth import Sample, growths
from pytest_traces.timing.n_plus_one import Allowed, repeats_in
from pytest_traces.timing.normalise import Places
from pytest_traces.traces import loops
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.view import ABSENCE


class Repeating(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_no_n_plus_one(
        self, *, allow: Sequence[Any] | Any = (), at_least: int | None = None
    ) -> None:
        """No operation repeats below one span: no query for each row, no request for each item.

        Operations are the same with the same kind, the same path of names below a common
        ancestor, and the same statement, URL or name once values are taken out: numbers, uuids,
        quoted literals, IN-lists, placeholders. They need not be neighbours. Not counted: a
        call that failed and was tried again with the same values; internal spans that have
        children; what only frames statements (``connect``, ``COMMIT``); requests of two roots.
        Writes count: three INSERTs could be one.

        Args:
            allow: what may repeat: names or normalised operations, regular expressions, globs.
            at_least: from how many on, 2 or more; else ``traces_n_plus_one`` of the ini file, 3.

        Raises:
            AssertionError: one repeats, a span is open, or nothing was recorded.
            BadValue: ``at_least`` is below 2.

        Example:
            >>> traces.assert_no_n_plus_one(allow=[glob("INSERT INTO audit *")])
        """
        __tracebackhide__ = True
        allowed = understood(_read_allowed, allow)
        least = self._frame.recording.settings.n_plus_one
        if at_least is not None:
            least = understood(check_n_plus_one, at_least, "at_least")

        def check(forest: Forest) -> Message | None:
            if not forest.spans:
                return nothing_message(self._captures())
            repeats = repeats_in(forest, least, allowed)
            return n_plus_one_message(repeats) if repeats else None

        self._when_quiet(check, incomplete=ABSENCE)

    def assert_no_growth(
        self,
        act: Callable[..., Any],
        arrange: Callable[..., Any] | None = None,
        sizes: Sequence[int] = (2, 8),
        *,
        allow: Sequence[Any] | Any = (),
    ) -> None:
        """Acts on a small and on a large input, and fails if any operation runs more often then.

        The proof that there is no N+1, however few the rows are that a test has. For each size
        ``arrange`` and ``act`` are called once, with the size if they take an argument; only
        ``act`` is looked at, with the settings and through the lens of this view. Counts are
        compared by path, kind and normalised operation. Fewer at the greater size are fine: the
        first act may open connections and fill caches. What is awaitable is awaited, each in an
        event loop of its own.

        Args:
            act: what is tested. Its exceptions pass through.
            arrange: makes an input of that size; its spans do not count.
            sizes: two or more, ascending.
            allow: what may grow: names or normalised operations, regular expressions, globs.

        Raises:
            AssertionError: a count grows, a span is open, or nothing was recorded at a size; or
                neither of both takes the size, so that nothing could have grown.
            BadValue: sizes that are not ascending whole numbers from 1 on, or only one.
            TypeError: something that cannot be called; something awaitable where an event loop
                already runs: then the test must be a plain function.

        Example:
            >>> traces.assert_no_growth(lambda: client.get("/orders"), arrange=add_orders)
        """
        __tracebackhide__ = True
        understood(_check_callable, "act", act)
        if arrange is not None:
            understood(_check_callable, "arrange", arrange)
        ascending = understood(_read_sizes, sizes)
        allowed = understood(_read_allowed, allow)
        samples: list[Sample] = []
        known: Places = {}
        for size in ascending:
            if arrange is not None:
                _call("arrange", arrange, size)
            samples.append(Sample(size, self._recorded(act, size), known))
        found = growths(samples, allowed)
        if found:
            raise AssertionError(str(growth_message(found, samples)))
        if not any(_takes_argument(one) for one in (act, arrange) if one is not None):
            raise AssertionError(str(_same_input()))

    def _recorded(self, act: Callable[..., Any], size: int) -> Forest:
        """What one act emits, as this view shows it."""
        __tracebackhide__ = True
        from pytest_traces.traces.session import RecordedBlock  # it imports this module

        with RecordedBlock(self._frame.recording.settings) as block:
            _call("act", act, size)
            frame = replace(block._frame, steps=self._frame.steps)  # noqa: SLF001  # a view, too
            return Repeating(frame)._all_of(size)  # noqa: SLF001

    def _all_of(self, size: int) -> Forest:
        """Everything, once it is quiet."""
        __tracebackhide__ = True
        forests: list[Forest] = []

        def check(forest: Forest) -> Message | None:
            forests[:] = [forest]
            if forest.spans:
                return None
            message = nothing_message(self._captures())
            message.verdict = f"no span was recorded while act ran at size {size:,}"
            return message

        self._when_quiet(check, incomplete=ABSENCE)
        return forests[0]


def _call(name: str, function: Callable[..., Any], size: int) -> None:
    """Call it with the size if it takes an argument; await what it gives."""
    __tracebackhide__ = True
    if inspect.iscoroutinefunction(function):
        understood(_refuse_loop, name)
    given = function(size) if _takes_argument(function) else function()
    if not inspect.isawaitable(given):
        return
    if inspect.iscoroutine(given) and loops.is_running():
        given.close()
    understood(_refuse_loop, name)
    import asyncio

    async def wait() -> None:
        await given

    asyncio.run(wait())


def _refuse_loop(name: str) -> None:
    if loops.is_running():
        raise TypeError(
            f"assert_no_growth: {name} is async, and an event loop already runs in this thread; "
            "make the test a plain function: what is awaitable is awaited"
        )


def _takes_argument(function: Callable[..., Any]) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some built-in ones have none
        return True
    positional = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    return any(one.kind in positional for one in parameters)


def _check_callable(name: str, function: object) -> None:
    if not callable(function):
        raise TypeError(f"assert_no_growth: {name} is called, but {function!r} cannot be")


def _same_input() -> Message:
    message = Message("neither act nor arrange takes the size, so every input was the same")
    message.hint = (
        "write act as a function of the size, or give arrange=, which makes an input of that size"
    )
    return message


def _read_sizes(sizes: object) -> list[int]:
    """The sizes, if growth can be seen between them.

    Raises:
        BadValue: one alone, or no ascending whole numbers.
    """
    allowed = "sizes are two or more whole numbers from 1 on, ascending, such as (2, 8)"
    if not isinstance(sizes, list | tuple | range):
        raise BadValue("sizes", sizes, allowed)
    found = list(sizes)
    for size in found:
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise BadValue("sizes", sizes, allowed)
    if len(found) < 2 or found != sorted(set(found)):
        raise BadValue("sizes", sizes, allowed)
    return found


def _read_allowed(allow: object) -> Allowed:
    """Whether a span, or its operation, is one of these, given alone or as a collection.

    Raises:
        TypeError: something that can be no name.
    """
    given = list(allow) if isinstance(allow, list | tuple | set | frozenset) else [allow]
    for one in given:
        check_name(one, "allow: ")
        if one is None:
            raise TypeError("allow: None is no name")

    def allowed(span: Span, operation: str) -> bool:
        return any(value_matches(one, span.name) or value_matches(one, operation) for one in given)

    return allowed
