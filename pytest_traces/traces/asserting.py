"""Assertions on the shape of what was recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import EllipsisType
from typing import Any

from pytest_traces.forest import Forest, Span
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message, nothing_message, plain_message, tree_message
from pytest_traces.report.explain import paste_lines as paste
from pytest_traces.report.words import often, path_of, plural
from pytest_traces.shape.errors import errors_in
from pytest_traces.shape.expected import read_expected, read_subtree, unfinished_names
from pytest_traces.shape.literal import literal_matches
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.align import Aligner
from pytest_traces.shape.path import find_path, read_path
from pytest_traces.shape.pattern import Group, Name, Pattern, label_of
from pytest_traces.shape.subtree import nearest_subtree, subtree_matches
from pytest_traces.traces.counting import check_bounds, count_message
from pytest_traces.traces.lens import names_in
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import select


class Asserting(Looking):
    """Every assertion. Each raises AssertionError with the whole diagnosis."""

    def assert_tree(self, *expected: str | Pattern | Group | EllipsisType) -> None:
        """The recorded forest is exactly this one; siblings in any order.

        Args:
            expected: an outline (text, one name a line; ``3 × name``; a line ``...`` allows
                others beside), or patterns made with :func:`span`; a bare ``...`` among them
                allows other roots.

        Raises:
            AssertionError: it differs, or nothing is expected.
            OutlineError: an outline that cannot be read.
            TypeError: something that is neither.
            PatternError: a span could belong to a group as well as elsewhere.

        Example:
            >>> traces.assert_tree('''
            ...     POST /checkout
            ...     ├─ SELECT orders
            ...     └─ POST
            ...        └─ POST /charge
            ... ''')
        """
        __tracebackhide__ = True
        root = read_expected(expected)
        if not root.members:
            self._refuse_empty()
        self._refuse_hidden(names_in(root))

        def check(forest: Forest) -> Message | None:
            if not forest.spans:
                return nothing_message(self._captures())
            holds = literal_matches(root, forest.roots)
            if holds or (holds is None and Matcher(root, forest.roots).forest_matches()):
                return None
            alignment = Aligner(root, forest.roots).run()
            return tree_message(alignment, forest, self._captures(), self._open_spans())

        self._when_quiet(check, waived=unfinished_names(root))

    def assert_subtree(self, expected: str | Pattern) -> None:
        """Some span, anywhere, matches this with all that is below it.

        Args:
            expected: a pattern made with :func:`span`, or an outline with one root.

        Raises:
            AssertionError: none does; it shows the nearest, compared.

        Example:
            >>> traces.assert_subtree(span("POST", span("POST /charge", ...), kind="client"))
        """
        __tracebackhide__ = True
        pattern = read_subtree(expected)
        self._refuse_hidden(names_in(pattern))

        def check(forest: Forest) -> Message | None:
            if subtree_matches(pattern, forest):
                return None
            found = nearest_subtree(pattern, forest)
            if found is None:
                text = f"no span matches {pattern.label}"
                return plain_message(text, forest, self._captures())
            message = tree_message(found, forest, self._captures(), ())
            message.verdict = f"no subtree matches; the nearest: {message.verdict}"
            message.paste = []
            return message

        self._at_first_success(check)

    def assert_path(self, *steps: Name | EllipsisType) -> None:
        """There is a chain of spans, each the parent of the next; ``...`` is any levels between.

        Args:
            steps: names, regular expressions, globs or patterns without children; it may
                begin and end at any level.

        Raises:
            AssertionError: there is none; it shows how far the chain goes.
            TypeError: no step, or ``...`` at an end.

        Example:
            >>> traces.assert_path("POST /book", ..., "load trips", "select")
        """
        __tracebackhide__ = True
        path = read_path(steps)
        self._refuse_hidden([step.fields.name for step in path])

        def check(forest: Forest) -> Message | None:
            found = find_path(path, forest)
            if found.complete:
                return None
            if found.last is None:
                text = f"no span matches {label_of(path[0].fields.name)}, where the path begins"
            else:
                missing = path[found.length]
                where = "anywhere below" if missing.gap else "directly below"
                text = f"no {label_of(missing.fields.name)} {where} {path_of(found.last)}"
            return plain_message(text, forest, self._captures())

        self._at_first_success(check)

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

        Args:
            name: of the spans to count.
            n: exactly so many.
            at_least: or at least so many.
            at_most: or at most so many, but at least one.

        Raises:
            AssertionError: another number.
            ValueError: no number, one below 1 (use :meth:`assert_none`), or both ``n`` and
                a bound.

        Example:
            >>> traces.assert_count(glob("SELECT *"), at_most=3, inside="POST /checkout")
        """
        __tracebackhide__ = True
        selection = select(
            name, kind=kind, status=status, attributes=attributes, service=service, scope=scope,
            source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name])
        low, high = check_bounds(str(selection), n, at_least, at_most)

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            if len(found) >= low and (high is None or len(found) <= high):
                return None
            if not found:
                message = self._none_fits(selection, forest)
                message.verdict += f"; expected {often(low, high)}"
            else:
                wanted = often(low, high)
                message = count_message(selection, found, wanted, forest, self._captures())
            message.may_come = len(found) < low
            return message

        if high is None:
            self._at_first_success(check)
        else:
            self._when_quiet(check, absence=True)

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
            AssertionError: a span fits, or one that is still open could bring one yet.

        Example:
            >>> traces.assert_none(glob("SELECT *"), inside="GET /health")
        """
        __tracebackhide__ = True
        selection = select(
            name, kind=kind, status=status, attributes=attributes, service=service, scope=scope,
            source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name])

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            if not found:
                return None
            what = "" if str(selection) == "any span" else f" {selection}"
            text = f"expected no span{what}, got {plural(len(found), 'span')}: {path_of(found[0])}"
            return count_message(selection, found, "none", forest, (), text)

        self._when_quiet(check, absence=True)

    def assert_no_errors(self, *, allow: Sequence[Any] | Any = ()) -> None:
        """No span has the status ``error`` or an exception event.

        Args:
            allow: spans that may have one: names, regular expressions, globs; or the types
                of exceptions that may occur.

        Raises:
            AssertionError: one has, or nothing was recorded.

        Example:
            >>> traces.assert_no_errors(allow=["POST /charge", TimeoutError])
        """
        __tracebackhide__ = True
        allowed = list(allow) if isinstance(allow, list | tuple | set | frozenset) else [allow]

        def check(forest: Forest) -> Message | None:
            if not forest.spans:
                return nothing_message(self._captures())
            found = errors_in(forest, allowed)
            if not found:
                return None
            first = f"{path_of(found[0].span)}: {found[0].text}"
            number = f"{plural(len(found), 'span')} with an error" if len(found) > 1 else "an error"
            message = plain_message(f"{number} in {first}", forest, ())
            message.captured = []
            message.facts = [f"  {path_of(one.span)}: {one.text}" for one in found[1:6]]
            return message

        self._when_quiet(check, absence=True)

    def _refuse_empty(self) -> None:
        __tracebackhide__ = True
        forest = self._forest()
        message = Message("nothing is expected, which anything would fulfil")
        message.paste = paste(forest)
        if not forest.spans:
            message = plain_message(message.verdict, forest, self._captures())
        self._fail(message, (), blocked=False)


