"""What can be the name of a wanted span."""

from __future__ import annotations

import re

#: They have ``==``, but equal no string.
_NO_NAMES = (int, float, complex, bytes, list, tuple, dict, set, frozenset)


_NAMES = "a name is a string, re.compile(...), glob(...) or an object with =="


def check_name(name: object, where: str = "") -> None:
    """Refuse what is no name: it would equal none, and so select nothing in silence.

    Args:
        name: what the user gave.
        where: what stands before it in the message.

    Raises:
        TypeError: naming what it is, and what a name can be.
    """
    if name is not None and not _is_name(name):
        raise TypeError(f"{where}{name!r} ({type(name).__name__}) is no name; {_NAMES}")


def check_exception(wanted: object, where: str) -> None:
    """Refuse what is neither a type of exception nor a name.

    Args:
        wanted: what the user gave.
        where: what stands before it in the message.

    Raises:
        TypeError: naming what it is, and what is allowed.
    """
    if isinstance(wanted, BaseException):
        kind = type(wanted).__name__
        raise TypeError(f"{where}{wanted!r} is one exception; give the type, {kind}")
    is_type = isinstance(wanted, type) and issubclass(wanted, BaseException)
    if not is_type and (wanted is None or not _is_name(wanted)):
        raise TypeError(
            f"{where}{wanted!r} ({type(wanted).__name__}) is neither a type of exception nor a "
            f"name; {_NAMES}"
        )


def _is_name(given: object) -> bool:
    if isinstance(given, re.Pattern):
        return isinstance(given.pattern, str)
    return isinstance(given, str) or not (
        isinstance(given, _NO_NAMES) or type(given).__eq__ is object.__eq__
    )
