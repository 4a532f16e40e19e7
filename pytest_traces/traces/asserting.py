"""Assertions on the shape of what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType

from pytest_traces.forest import Forest, Span
from pytest_traces.report.causes import Cause, why_a_root
from pytest_traces.report.explain import (
    Message,
    add_cause,
    nothing_message,
    plain_message,
    tree_message,
)
from pytest_traces.report.explain import paste_lines as paste
from pytest_traces.report.words import path_of
from pytest_traces.shape.align import Aligner
from pytest_traces.shape.expected import read_expected, read_subtree
from pytest_traces.shape.literal import literal_matches
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.names import check_name
from pytest_traces.shape.path import Step, find_path, read_path
from pytest_traces.shape.pattern import Group, Name, Pattern, label_of
from pytest_traces.shape.subtree import nearest_subtree, subtree_matches
from pytest_traces.shape.usage import understood
from pytest_traces.traces.counting import Counting
from pytest_traces.traces.lens import names_in, unfinished_in


class Asserting(Counting):
    """The assertions on shape. Each raises AssertionError with the whole diagnosis."""

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
        root = understood(read_expected, expected)
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
            return tree_message(
                alignment, forest, self._captures(), self._open_spans(), self._why_root
            )

        self._when_quiet(check, waived=unfinished_in(root))

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
        pattern = understood(read_subtree, expected)
        self._refuse_hidden(names_in(pattern))

        def check(forest: Forest) -> Message | None:
            if subtree_matches(pattern, forest):
                return None
            found = nearest_subtree(pattern, forest)
            if found is None:
                text = f"no span matches {pattern.label}"
                return plain_message(text, forest, self._captures())
            message = tree_message(found, forest, self._captures(), (), self._why_root)
            differs = message.verdict.removeprefix("the trace differs from the expected tree: ")
            message.verdict = f"no subtree matches; the nearest: {differs}"
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
        path = understood(_read_steps, steps)
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
            message = plain_message(text, forest, self._captures())
            if found.last is not None:
                add_cause(message, self._why_elsewhere(path[found.length], found.last, forest))
            return message

        self._at_first_success(check)

    def _why_elsewhere(self, missing: Step, above: Span, forest: Forest) -> Cause:
        """Why the next step of a path is a root of another trace instead."""
        roots = [
            root
            for root in forest.roots
            if root.trace_id != above.trace_id and missing.fields.match(root)
        ]
        causes = (self._why_root(root) or why_a_root(root, None) for root in roots)
        return next((cause for cause in causes if cause is not None), Cause())

    def _refuse_empty(self) -> None:
        __tracebackhide__ = True
        forest = self._forest()
        message = Message("nothing is expected, which anything would fulfil")
        message.paste = paste(forest)
        if not forest.spans:
            message = plain_message(message.verdict, forest, self._captures())
        self._fail(message, (), blocked=False)


def _read_steps(steps: Sequence[object]) -> list[Step]:
    for place, step in enumerate(steps, 1):
        if not isinstance(step, Pattern | Group | EllipsisType):
            check_name(step, f"assert_path: step {place}: ")
    return read_path(steps)
