"""What can be the name of a wanted span."""

from __future__ import annotations

import re

#: They have ``==``, but equal no string.
_NO_NAMES = (int, float, complex, bytes, list, tuple, dict, set, frozenset)


def check_name(name: object, where: str = "") -> None:
    """Refuse what is no name: it would equal none, and so select nothing in silence.

    Args:
        name: what the user gave.
        where: what stands before it in the message.

    Raises:
        TypeError: naming what it is, and what a name can be.
    """
    if name is None or isinstance(name, str):
        return
    is_bytes = isinstance(name, re.Pattern) and isinstance(name.pattern, bytes)
    if is_bytes or isinstance(name, _NO_NAMES) or type(name).__eq__ is object.__eq__:
        raise TypeError(
            f"{where}{name!r} ({type(name).__name__}) is no name; a name is a string, "
            "re.compile(...), glob(...) or an object with =="
        )
