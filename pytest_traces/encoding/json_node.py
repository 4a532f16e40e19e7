"""A JSON value that knows where it stands, read by the rules of protobuf's JSON mapping.

Fields are looked up in lowerCamelCase and, as parsers of that mapping must, in snake_case; null is
as good as absent; what nobody asks for is ignored.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from pytest_traces.encoding.malformed import Malformed

_DECIMAL = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)
_NAMED_FLOATS = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}
_SHOWN = 40
#: What fits into 64 bits is shorter, and the time to convert digits grows with their square.
_LONGEST_NUMBER = 64


class Node:
    """A value, and where in the whole it stands."""

    __slots__ = ("_above", "_key", "value")

    def __init__(self, value: Any, above: Node | None = None, key: str = "") -> None:
        self.value = value
        self._above = above
        self._key = key

    @property
    def where(self) -> str:
        """Its place, such as ``resourceSpans[0].scopeSpans[2].spans[5].kind``."""
        keys, node = [], self
        while node._above is not None:
            keys.append(node._key)
            node = node._above
        return "".join(reversed(keys)).removeprefix(".")

    def fault(self, allowed: str) -> Malformed:
        """What is raised where something else is allowed here."""
        try:
            text = repr(self.value)
        except RecursionError:
            text = "something that is nested deeply"
        text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return Malformed(self.where, f"{text} is not usable; {allowed}")

    def field(self, name: str) -> Node | None:
        """The field of an object; None where it is absent or null.

        Raises:
            Malformed: this is no object.
        """
        if not isinstance(self.value, Mapping):
            raise self.fault("an object is needed")
        value = self.value.get(name)
        if value is None:
            value = self.value.get(_snake(name))
        return None if value is None else Node(value, self, f".{name}")

    def items(self) -> Iterator[tuple[str, Node]]:
        """The fields of an object that are not null.

        Raises:
            Malformed: this is no object.
        """
        if not isinstance(self.value, Mapping):
            raise self.fault("an object is needed")
        for key, value in self.value.items():
            if value is not None:
                yield key, Node(value, self, f".{key}")

    def each(self, name: str) -> Iterator[Node]:
        """The elements of a field that is an array.

        Raises:
            Malformed: it is something else.
        """
        field = self.field(name)
        if field is None:
            return
        if not isinstance(field.value, list):
            raise field.fault("an array is needed")
        for number, value in enumerate(field.value):
            yield Node(value, field, f"[{number}]")

    def text(self, name: str) -> str:
        """A text, empty where it is absent."""
        field = self.field(name)
        return "" if field is None else field.as_text()

    def as_text(self) -> str:
        """This value as a text."""
        if not isinstance(self.value, str):
            raise self.fault("a string is needed")
        return self.value

    def as_bool(self) -> bool:
        """This value as true or false."""
        if not isinstance(self.value, bool):
            raise self.fault("true or false is needed")
        return self.value

    def whole(self, name: str, bits: int, *, is_signed: bool = False) -> int:
        """A whole number of that many bits, written as one or as a string; 0 where absent."""
        field = self.field(name)
        return 0 if field is None else field.as_whole(bits, is_signed=is_signed)

    def as_whole(self, bits: int, *, is_signed: bool = False) -> int:
        """This value as a whole number of that many bits."""
        value, lowest = self.value, -(1 << bits - 1) if is_signed else 0
        if isinstance(value, str | float):
            value = _whole(str(value))
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.fault("a whole number is needed, or a string of its digits")
        if not lowest <= value < lowest + (1 << bits):
            raise self.fault(f"it does not fit into {bits} bits")
        return value

    def as_float(self) -> float:
        """This value as a number."""
        value = self.value
        if isinstance(value, str) and (value in _NAMED_FLOATS or _DECIMAL.fullmatch(value)):
            return float(_NAMED_FLOATS.get(value, value))
        try:
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(value)
        except OverflowError:
            pass
        raise self.fault("a number is needed")

    def as_bytes(self) -> bytes:
        """This value, which is base64, standard or safe for URLs, padded or not."""
        try:
            text = str(self.value).translate(_STANDARD).rstrip("=")
            if isinstance(self.value, str):
                return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            pass
        raise self.fault("base64 is needed")

    def enum(self, name: str, numbers: Mapping[str, int]) -> int:
        """The number of an enum, written as one or by its name; 0 where it is absent."""
        field = self.field(name)
        if field is None:
            return 0
        if isinstance(field.value, str) and field.value in numbers:
            return numbers[field.value]
        try:
            return field.as_whole(32, is_signed=True)
        except Malformed:
            raise field.fault(f"it is a number, or one of {', '.join(numbers)}") from None


_STANDARD = str.maketrans("-_", "+/")


@lru_cache(maxsize=256)
def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _whole(text: str) -> int | None:
    """The whole number that a text is; an exponent is allowed, a fraction is not."""
    if len(text) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(text):
        return None
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else None
