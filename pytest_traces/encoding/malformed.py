"""What is no trace: where, and why."""

from __future__ import annotations


class Malformed(ValueError):
    """Bytes or JSON that cannot be read as spans.

    Attributes:
        where: the place in what was given, such as ``resourceSpans[0].scopeSpans[2].spans[5]``.
        why: what is wrong there, and what is allowed.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where = where
        self.why = why

    def __str__(self) -> str:
        return f"{self.where}: {self.why}" if self.where else self.why
