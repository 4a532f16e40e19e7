"""The limits of ``@pytest.mark.traces``, asserted when the test's own code is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pytest_traces.forest import Forest
from pytest_traces.propagation.checking.parts import Asked
from pytest_traces.propagation.checking.targets import external
from pytest_traces.report.explain import Message, nothing_message
from pytest_traces.timing.limits import Limit
from pytest_traces.traces.exceeded import DurationExceeded
from pytest_traces.traces.lasting import Lasting
from pytest_traces.traces.look import Wanted
from pytest_traces.traces.propagating import Propagating
from pytest_traces.traces.repeating import Repeating
from pytest_traces.traces.spending import Spending

#: Time comes last: another run is of use only where nothing else is wrong.
KEYWORDS = ("spans", "depth", "fanout", "bytes", "propagated", "no_n_plus_one", "under")


class Wish(NamedTuple):
    """One keyword of the marker.

    Attributes:
        value: what is asked for, read: of ``under`` a :class:`Limit`.
        where: the marker that says it, in words.
        inherited: whether that is a class's or a module's, for whatever it applies to.
    """

    keyword: str
    value: Any
    where: str
    inherited: bool


class Marked(Propagating, Lasting, Spending, Repeating):
    """Asserts what a marker asks for."""

    def assert_wishes(self, wishes: list[Wish]) -> list[Wish]:
        """Everything that markers ask of the test holds.

        Returns:
            The inherited wishes that have nothing to apply to.

        Raises:
            DurationExceeded: spans took too long, and nothing else is wrong.
            AssertionError: something is not as asked for; all of it is told.
        """
        __tracebackhide__ = True
        idle, failures = [], []
        for wish in sorted(wishes, key=lambda one: KEYWORDS.index(one.keyword)):
            if wish.inherited and not self._applies(wish.keyword):
                idle.append(wish)
                continue
            try:
                self._assert_wish(wish)
            except AssertionError as error:
                failures.append((wish, error))
        if len(failures) == 1:
            raise _told(*failures[0])
        if failures:
            attempt = self._frame.recording.attempt
            attempt.wanted = attempt.doubted = None
            raise AssertionError("\n\n".join(str(_told(*one)) for one in failures))
        return idle

    def _applies(self, keyword: str) -> bool:
        if keyword == "propagated":
            left_out = external(self._frame.recording.settings.external)
            return bool(self._outgoing().check(None, left_out, Wanted(None, Asked())))
        return bool(self._forest().spans)

    def _assert_wish(self, wish: Wish) -> None:
        __tracebackhide__ = True
        checks: dict[str, Callable[[], None]] = {
            "spans": lambda: self.assert_budget(spans=wish.value),
            "depth": lambda: self.assert_budget(depth=wish.value),
            "fanout": lambda: self.assert_budget(fanout=wish.value),
            "bytes": lambda: self.assert_volume(bytes=wish.value),
            "propagated": self.assert_propagated,
            "no_n_plus_one": self.assert_no_n_plus_one,
            "under": lambda: self._assert_roots(wish.value),
        }
        checks[wish.keyword]()

    def _assert_roots(self, limit: Limit) -> None:
        """Each root meets the limit."""
        __tracebackhide__ = True

        def nothing(forest: Forest) -> Message:
            del forest
            return nothing_message(self._captures())

        self._assert_limit(limit, "the roots", lambda forest: list(forest.roots), nothing)


def _told(wish: Wish, error: AssertionError) -> AssertionError:
    """The same with the marker that asks for it."""
    kind = DurationExceeded if isinstance(error, DurationExceeded) else AssertionError
    verdict, *rest = str(error).split("\n", 1)
    return kind("\n".join([verdict, f"  asked for by {wish.keyword}= of {wish.where}", *rest]))
