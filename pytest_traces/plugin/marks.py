"""``@pytest.mark.traces``: its keywords, read, and checked when the test's own code is over."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_traces.options import MARKER
from pytest_traces.settings import MOST_RUNS, BadValue, check_attempts
from pytest_traces.traces.lasting import read_limit
from pytest_traces.traces.marked import KEYWORDS, Wish
from pytest_traces.traces.traces import Traces

if TYPE_CHECKING:
    from pytest_traces.plugin.attempts import Runs

_KEYWORDS = (*KEYWORDS, "attempts", "force")


class Given(NamedTuple):
    """One keyword, as the nearest marker that has it says."""

    value: Any
    where: str
    inherited: bool


class Marks:
    """What the markers of one test say. The nearest one wins, keyword by keyword.

    Raises:
        BadValue: a keyword that does not exist, or a value that cannot be used; it names the
            marker's place.
    """

    def __init__(self, item: pytest.Item) -> None:
        given = _given(item)
        self.attempts: int | None = None
        if "attempts" in given:
            self.attempts = _read("attempts", given, _attempts)
        force = given.get("force", Given(False, "", inherited=False)).value
        self.wishes: list[Wish] = []
        for keyword in KEYWORDS:
            one = given.get(keyword)
            if one is None or one.value is None or one.value is False:
                continue  # None and False take away what is inherited
            if keyword == "under":
                value = _limit(one.value, one.where, force=force)
            else:
                value = _read(keyword, given, _CHECKS[keyword])
            self.wishes.append(Wish(keyword, value, one.where, one.inherited))


def marks_of(item: pytest.Item) -> Marks:
    """What the markers of a test say; a mistake in them fails that test alone."""
    __tracebackhide__ = True
    try:
        return Marks(item)
    except BadValue as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


def attempts_of(item: pytest.Item) -> int | None:
    """How many runs the markers allow; of a mistake in them is told later."""
    try:
        return Marks(item).attempts
    except BadValue:
        return None


def judge(traces: Traces, marks: Marks, runs: Runs) -> None:
    """Assert what the markers say, and note which inherited limits apply to nothing."""
    __tracebackhide__ = True
    try:
        idle = traces.assert_wishes(marks.wishes)
    except AssertionError as error:
        runs.found = error
        # Its own frames are of no interest; where it comes from, the message says.
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    runs.idle = [f"{one.keyword}= of {one.where}" for one in idle]


def _given(item: pytest.Item) -> dict[str, Given]:
    found: dict[str, Given] = {}
    for node, mark in item.iter_markers_with_node(MARKER):
        where = f"@pytest.mark.traces {_place(node, item)}"
        if mark.args:
            raise BadValue(where, mark.args[0], "it takes keywords only")
        for keyword, value in mark.kwargs.items():
            if keyword not in _KEYWORDS:
                raise BadValue(where, keyword, f"its keywords are {', '.join(sorted(_KEYWORDS))}")
            found.setdefault(keyword, Given(value, where, node is not item))
    return found


def _place(node: Any, item: pytest.Item) -> str:
    if node is item:
        return f"on {item.name}"
    if isinstance(node, pytest.Class):
        return f"on class {node.name}"
    return f"in {node.nodeid or node.name or 'the session'}"


def _read(keyword: str, given: dict[str, Given], check: Callable[[Any, str], Any]) -> Any:
    return check(given[keyword].value, f"{keyword}= of {given[keyword].where}")


def _limit(value: Any, where: str, *, force: Any) -> Any:
    try:
        return read_limit(value, "total", "each", force=force)
    except BadValue as error:
        raise BadValue(f"{error.where}= of {where}", error.value, error.allowed) from None


def _true(value: Any, where: str) -> bool:
    if value is not True:
        raise BadValue(where, value, "it is True or False")
    return True


def _attempts(value: Any, where: str) -> int:
    if isinstance(value, str):  # an ini file has nothing but text, code has numbers
        raise BadValue(where, value, f"it is a whole number from 1 to {MOST_RUNS}")
    return check_attempts(value, where)


def _number(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadValue(where, value, "it is a whole number, at least 1")
    return value


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "spans": _number,
    "depth": _number,
    "fanout": _number,
    "bytes": _number,
    "propagated": _true,
    "no_n_plus_one": _true,
}
