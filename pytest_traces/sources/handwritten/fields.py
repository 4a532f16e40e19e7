"""The fields of an object or a mapping, under any of their usual names."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Final

from pytest_traces.settings import BadValue
from pytest_traces.sources.handwritten.times import UNITS, Unit


class _Missing(enum.Enum):
    MISSING = "missing"


#: Stands for a field that is not there, as None may well be there.
MISSING: Final = _Missing.MISSING

_LETTER_AFTER_UNDERSCORE = re.compile(r"_([a-z])")
_SUFFIXES: dict[str, Unit] = {
    **{f"_{unit}": unit for unit in UNITS},
    "Ns": "ns",
    "Us": "us",
    "Ms": "ms",
    "_unix_nano": "ns",
    "UnixNano": "ns",
}
_ENDINGS: tuple[tuple[str, Unit | None], ...] = (("", None), *_SUFFIXES.items())


def spellings(*names: str) -> tuple[str, ...]:
    """Each name in snake_case and in camelCase."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        found[_LETTER_AFTER_UNDERSCORE.sub(lambda match: match[1].upper(), name)] = None
    return tuple(found)


TRACE_ID = spellings("trace_id", "trace")
SPAN_ID = spellings("span_id", "id")
_CONTEXT = spellings("context", "span_context")


class Given:
    """What was given as a span, or as a part of one."""

    def __init__(self, value: object) -> None:
        self.value = value
        self._mapping = value if isinstance(value, Mapping) else None

    def get(self, names: Iterable[str]) -> object:
        """The first of the fields that is there and not None; None if those there are None.

        Raises:
            BadValue: reading a field of the object raises.
        """
        found: object = MISSING
        for name in names:
            value = self._one(name)
            if value is not MISSING and value is not None:
                return value
            found = None if value is None else found
        return found

    def id(self, names: tuple[str, ...]) -> object:
        """An id of its own or, as in the spans of many tracers, of its ``context``."""
        value = self.get(names)
        if value is MISSING or value is None:
            context = self.get(_CONTEXT)
            if context is not MISSING and context is not None:
                return Given(context).get(names)
        return value

    def timed(self, names: tuple[str, ...]) -> tuple[str, object, Unit | None]:
        """Name, value and, where the name ends in one, the unit."""
        found: tuple[str, object, Unit | None] = (names[0], MISSING, None)
        for name in names:
            for suffix, unit in _ENDINGS:
                value = self._one(name + suffix)
                if value is not MISSING and value is not None:
                    return name + suffix, value, unit
                if value is None:
                    found = (name + suffix, None, unit)
        return found

    def _one(self, name: str) -> object:
        if self._mapping is not None:
            return self._mapping.get(name, MISSING)
        try:
            value = getattr(self.value, name, MISSING)
        except Exception as error:  # noqa: BLE001  # a property may raise anything
            raised = f"{type(error).__name__}: {error}"
            raise BadValue(name, self.value, f"reading it raises {raised}") from None
        # Tracers have methods of these names too: start(), end(), error().
        return MISSING if inspect.isroutine(value) else value
