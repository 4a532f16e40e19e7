"""Looking at what was recorded: spans, roots, traces, one span, the tree as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_traces.forest import Finding, Forest, Span, Trace
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message, plain_message
from pytest_traces.report.rows import tree_lines
from pytest_traces.report.section import recorded_section
from pytest_traces.report.sentences import difference
from pytest_traces.report.words import joined, path_of, plural
from pytest_traces.shape import outline
from pytest_traces.shape.nearest import nearest
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.traces.selection import Selection, select
from pytest_traces.traces.view import Viewing


class Looking(Viewing):
    """Reads the recording. Nothing here waits, except :meth:`get`."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """Every span, in order of start."""
        return self._forest().spans

    @property
    def unfinished(self) -> tuple[Span, ...]:
        """The spans that have not ended."""
        return tuple(span for span in self._forest().spans if span.end_ns is None)

    @property
    def roots(self) -> tuple[Span, ...]:
        """The spans without a recorded parent, in order of start."""
        return self._forest().roots

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with the data itself: an id used twice, a cycle of parents."""
        return self._forest().findings

    def __iter__(self) -> Iterator[Trace]:
        """One :class:`Trace` for each trace id."""
        return iter(self._forest().traces)

    def __str__(self) -> str:
        forest = self._forest()
        return "\n".join(tree_lines(forest)) if forest.spans else "no span was recorded"

    def __repr__(self) -> str:
        forest = self._forest()
        return f"<{type(self).__name__} {plural(len(forest.spans), 'span')}>"

    def section(self, *, markup: bool = False) -> str:
        """The tree as the report of a test shows it; empty if nothing was recorded."""
        return recorded_section(self._forest(), markup=markup)

    def outline(self) -> str:
        """The tree as text, canonical: the same whatever the order and the ids.

        Siblings are sorted by name, identical ones folded to ``3 × name``. For
        :meth:`assert_tree`, inline-snapshot, syrupy or a plain string.

        Raises:
            AssertionError: nothing was recorded.

        Example:
            >>> assert traces.outline() == snapshot()  # of inline-snapshot, or a text of yours
        """
        __tracebackhide__ = True
        forest = self._forest()
        self._fail_on_problems()
        if not forest.spans:
            message = plain_message("no span was recorded, so there is no outline", forest,
                                    self._captures())  # fmt: skip
            self._fail(message, (), blocked=False)
        return outline.render(forest)

    def find(
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
    ) -> list[Span]:
        """Every span that fits, in order of start; an empty list if there is none. Does not wait.

        Args:
            name: compared with ``==``; or a compiled regular expression, a glob, any object
                with ``==``.
            kind: ``internal``, ``server``, ``client``, ``producer`` or ``consumer``.
            status: ``unset``, ``ok`` or ``error``.
            attributes: these must be there with these values.
            service: ``service.name`` of the resource.
            scope: the name of the instrumentation scope.
            source: ``opentelemetry``, ``sentry``, ``otlp``, ``handwritten``, ``test`` or ``file``.
            inside: the name of an ancestor.

        Raises:
            ValueError: this view leaves spans of that name out; an unknown kind, status or source
                (a BadValue).
            TypeError: a name that can be none.

        Example:
            >>> len(traces.find(glob("SELECT *"), inside="POST /checkout"))
            2
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        return selection.of(self._forest())

    def get(
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
    ) -> Span:
        """The one span that fits; waits for it up to the time limit.

        Takes the keywords of :meth:`find`.

        Raises:
            AssertionError: there is none, or more than one; it names the nearest.
            ValueError: this view leaves spans of that name out.

        Example:
            >>> traces.get("POST /charge").parent.name
            'POST'
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        found: list[Span] = []

        def check(forest: Forest) -> Message | None:
            found[:] = selection.of(forest)
            return None if len(found) == 1 else self._not_one(selection, found, forest)

        self._at_first_success(check)
        return found[0]

    def _not_one(self, selection: Selection, found: list[Span], forest: Forest) -> Message:
        if found:
            message = Message(f"{plural(len(found), 'span')} fit {selection}, expected one")
            message.facts = [f"  {path_of(span)}" for span in found[:8]]
            message.hint = (
                "add a keyword: kind=, status=, attributes=, service=, scope=, source=, inside="
            )
            return message
        return self._none_fits(selection, forest)

    def _none_fits(self, selection: Selection, forest: Forest) -> Message:
        """No span fits: what comes nearest, and why it does not fit."""
        if not forest.spans:
            return plain_message(
                f"no span fits {selection}: no span was recorded", forest, self._captures()
            )
        text = f"no span fits {selection}"
        close = nearest(selection.fields, forest.spans)
        if close is not None:
            why = [difference(one) for one in close.differences if one.field != "name"]
            if selection.inside is not None and not why:
                why = [f"not inside {selection.inside!r}"]
            text += f"; nearest: {path_of(close.span)}" + (f", {joined(why[:3])}" if why else "")
        return plain_message(text, forest, self._captures())
