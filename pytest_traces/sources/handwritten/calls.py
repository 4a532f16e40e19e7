"""The spans among the arguments of one call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_traces.sources.handwritten.reading import looks_like_span


def spans_among(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], skip: int
) -> list[object]:
    """One of the arguments, a list of them, or all of them together as the fields of one.

    Args:
        function: what is called, for the names of its parameters.
        args: the arguments by position.
        kwargs: the arguments by keyword.
        skip: how many of those by position are none of the caller's: a method's object.
    """
    candidates: list[object] = []
    for given in (*args[skip:], *kwargs.values()):
        is_many = isinstance(given, list | tuple) and not hasattr(given, "_fields")
        candidates += given if is_many else [given]
    likely = [one for one in candidates if looks_like_span(one)]
    # The user or the order that is passed beside a span has a name and an id, too.
    found = [one for one in likely if looks_like_span(one, whole=True)]
    if found:
        return found
    together = _by_name(function, args, kwargs)
    if looks_like_span(together, whole=True):
        return [together]
    if likely:
        return likely
    return [together] if looks_like_span(together) else []


def _by_name(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments by the names of the function's parameters."""
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*args, **kwargs)
    except (TypeError, ValueError):
        return dict(kwargs)
    bound.apply_defaults()
    together: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            together.update(value)
        else:
            together[name] = value
    return together
