"""Assertions on how many spans there are, and on those that must not be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_traces.forest import Forest
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message, nothing_message, plain_message
from pytest_traces.report.words import often, path_of, plural
from pytest_traces.shape.pattern import Name, label_of
from pytest_traces.shape.usage import understood
from pytest_traces.shape.values import value_matches
from pytest_traces.traces.bounds import check_bounds, count_message
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import Selection, select
from pytest_traces.traces.view import ABSENCE


class Counting(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_count(
        self,
        name: Name,
        n: int | None = None,
        *,
        at_least: int | None = None,
        at_most: int | None = None,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """So many spans fit; takes the keywords of :meth:`find`.

        Exactly ``n``; or ``at_least=`` so many, ``at_most=`` so many but at least one, or both.

        Raises:
            AssertionError: another number.
            ValueError: no number, one below 1 (use :meth:`assert_none`), or both ``n`` and
                a bound.

        Example:
            >>> traces.assert_count(glob("SELECT *"), at_most=3, inside="POST /checkout")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        low, high = understood(check_bounds, n, at_least, at_most)

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            if len(found) >= low and (high is None or len(found) <= high):
                return None
            if not found:
                message = self._none_fits(selection, forest)
                message.verdict += f"; expected {often(low, high)}"
            else:
                text = f"{selection} ran {plural(len(found), 'time')}, expected {often(low, high)}"
                message = count_message(text, found, forest, self._captures())
            message.may_come = len(found) < low
            return message

        if high is None:
            self._at_first_success(check)
        else:
            self._when_quiet(check, incomplete=ABSENCE)

    def assert_none(
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
    ) -> None:
        """No span fits, ended or not; without arguments: nothing at all was recorded.

        Takes the keywords of :meth:`find`.

        Raises:
            AssertionError: a span fits, or one that is still open could bring one yet; or no
                span fits ``inside``.

        Example:
            >>> traces.assert_none(glob("SELECT *"), inside="GET /health")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            if not found:
                return self._without_place(selection, forest)
            what = f" {selection}".removeprefix(" any span")
            text = f"expected no span{what}, got {plural(len(found), 'span')}: {path_of(found[0])}"
            return count_message(text, found, forest, ())

        self._when_quiet(check, incomplete=ABSENCE)

    def _without_place(self, selection: Selection, forest: Forest) -> Message | None:
        """Nothing is absent from inside a span that is not there itself."""
        place = selection.inside
        if place is None or any(value_matches(place, span.name) for span in forest.spans):
            return None
        if not forest.spans:
            return nothing_message(self._captures())
        text = f"no span is named {label_of(place)}, so nothing could have been inside it"
        message = plain_message(text, forest, self._captures())
        message.may_come = True
        return message
