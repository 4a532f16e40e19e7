"""Errors in what the user wrote, raised where the user wrote it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def understood(read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What the user wrote, read.

    An error in it comes without the frames of this package, so that the user's own line is
    the last one of the traceback.
    """
    __tracebackhide__ = True
    try:
        return read(*args, **kwargs)
    except (TypeError, ValueError) as error:
        raise error.with_traceback(None) from None
