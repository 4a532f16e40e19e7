"""Assertions on what a trace costs: spans, depth, bytes."""

from __future__ import annotations

from collections.abc import Callable

from pytest_traces.forest import Forest
from pytest_traces.report.budget import budget_message, volume_message
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.settings import BadValue
from pytest_traces.shape.usage import understood
from pytest_traces.timing.budget import extent_of, weight_of
from pytest_traces.traces.looking import Looking

_TOO_EARLY = "a budget cannot be checked while spans are open"


class Spending(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_budget(
        self, *, spans: int | None = None, depth: int | None = None, fanout: int | None = None
    ) -> None:
        """The spans stay within these numbers; at least one must be given.

        All spans of the view count together: for one request among several, use :meth:`only`.

        Args:
            spans: how many there may be.
            depth: how many levels; a root alone is one.
            fanout: how many direct children one span may have.

        Raises:
            AssertionError: one is exceeded, a span is open, or nothing was recorded.
            BadValue: a number that is no integer, or below 1.
            TypeError: none is given.

        Example:
            >>> traces.only("POST /checkout").assert_budget(spans=40, depth=6)
        """
        __tracebackhide__ = True
        limits = understood(_limits, "assert_budget", spans=spans, depth=depth, fanout=fanout)

        def exceeds(forest: Forest) -> Message | None:
            extent = extent_of(forest)
            if all(getattr(extent, name) <= limit for name, limit in limits.items()):
                return None
            return budget_message(extent, limits, forest)

        self._stays(exceeds)

    def assert_volume(
        self,
        *,
        spans: int | None = None,
        bytes: int | None = None,  # noqa: A002  # the word for it
    ) -> None:
        """The spans cost no more to store; at least one limit must be given.

        What backends bill: the number of spans, and the size of the OTLP request that holds them
        (``ExportTraceServiceRequest`` of opentelemetry-proto, protobuf, uncompressed), grouped by
        resource and scope. The tracestate and the versions of scopes are not counted.

        Args:
            spans: how many there may be.
            bytes: how many bytes they may have together.

        Raises:
            AssertionError: one is exceeded, a span is open, or nothing was recorded.
            BadValue: a number that is no integer, or below 1.
            TypeError: none is given.

        Example:
            >>> traces.only("POST /checkout").assert_volume(bytes=20_000)
        """
        __tracebackhide__ = True
        limits = understood(_limits, "assert_volume", spans=spans, bytes=bytes)

        def exceeds(forest: Forest) -> Message | None:
            weight = weight_of(forest)
            if all(getattr(weight, name) <= limit for name, limit in limits.items()):
                return None
            return volume_message(weight, limits, forest)

        self._stays(exceeds)

    def _stays(self, exceeds: Callable[[Forest], Message | None]) -> None:
        __tracebackhide__ = True

        def check(forest: Forest) -> Message | None:
            return exceeds(forest) if forest.spans else nothing_message(self._captures())

        self._when_quiet(check, incomplete=_TOO_EARLY)


def _limits(method: str, **limits: int | None) -> dict[str, int]:
    given = {name: limit for name, limit in limits.items() if limit is not None}
    if not given:
        names = ", ".join(f"{name}=" for name in limits)
        raise TypeError(f"{method}: give at least one of {names}")
    for name, limit in given.items():
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise BadValue(name, limit, "a budget is a whole number, 1 or more")
    return given
