"""Which exception it was, told without keeping it alive."""

from __future__ import annotations

from typing import Any

from pytest_traces.model import Thrown


def thrown(error: BaseException) -> Thrown:
    """The exception by itself; of a group of one, which its only member is on its way up, that."""
    seen = {id(error)}
    while len(members := _members_of(error)) == 1 and id(members[0]) not in seen:
        error = members[0]
        seen.add(id(error))
    return Thrown(id(error), tuple(map(_name_of, type(error).__mro__[:-1])))


def thrown_with_causes(error: BaseException) -> tuple[Thrown, ...]:
    """The exception, then those that it was raised from and those that it holds.

    Not its ``__context__``: that is any exception that was handled meanwhile.
    """
    found: dict[int, BaseException] = {}
    left = [error]
    while left:
        one = left.pop()
        if id(one) in found:
            continue
        found[id(one)] = one
        left += _members_of(one)
        if one.__cause__ is not None:
            left.append(one.__cause__)
    return tuple(map(thrown, found.values()))


def exception_in(hint: Any) -> BaseException | None:
    """The one that an event of Sentry was made of."""
    told = hint.get("exc_info")
    error = told[1] if isinstance(told, tuple) and len(told) == 3 else told
    return error if isinstance(error, BaseException) else None


def _members_of(error: BaseException) -> list[BaseException]:
    """Of an exception group, also of the one that is installed before Python 3.11."""
    if not any(kind.__name__ == "BaseExceptionGroup" for kind in type(error).__mro__):
        return []
    return [one for one in getattr(error, "exceptions", ()) if isinstance(one, BaseException)]


def _name_of(kind: type) -> str:
    """As OpenTelemetry names it: with its module, unless it is a builtin one."""
    name = kind.__qualname__
    return name if kind.__module__ == "builtins" else f"{kind.__module__}.{name}"
