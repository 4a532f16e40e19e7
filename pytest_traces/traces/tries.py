"""What one limit was compared with in each run of a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from pytest_traces.recording import Attempt
from pytest_traces.report.slow import Shown


@dataclass
class Try:
    """What one run has shown of one limit.

    Attributes:
        number: the run.
        place: which time in that run the limit was asserted, from 0.
        best_ns: the best reading, over or under the limit.
        failed: the words for the readings over the limit; None if there was none.
    """

    number: int
    place: int
    best_ns: int
    failed: Shown | None


@dataclass
class Tries:
    """The tries of one limit, at one place in the test.

    A limit is exceeded where every run has exceeded it. A run that was asked for by somebody
    else, to measure or to count, so does not fail by a clock that an earlier one has met.
    """

    attempt: Attempt
    key: str
    place: int = 0
    earlier: Sequence[Try] = ()
    now: Try | None = field(default=None)
    #: Whether what this run has shown does not count.
    is_void: bool = False

    def __post_init__(self) -> None:
        known = [one for one in self._kept() if isinstance(one, Try)]
        self.place = sum(1 for one in known if one.number == self.attempt.number)
        self.earlier = [
            one for one in known if one.number < self.attempt.number and one.place == self.place
        ]

    def _kept(self) -> list[object]:
        return self.attempt.measured.setdefault(self.key, [])

    def read(self, best_ns: int, failed: Shown | None) -> None:
        """Take note of this run; a later reading of the same run replaces it."""
        self.now = Try(self.attempt.number, self.place, best_ns, failed)

    def keep(self) -> None:
        """This run is over."""
        if self.now is not None and not self.is_void:
            self._kept().append(self.now)

    @property
    def was_met(self) -> bool:
        """Whether an earlier run has met the limit."""
        return any(one.failed is None for one in self.earlier)

    @property
    def failures(self) -> list[Shown]:
        """The words of each run that has failed, in order."""
        runs = [*self.earlier, cast("Try", self.now)]
        return [one.failed for one in runs if one.failed is not None]

    @property
    def best_ns(self) -> int:
        """The best reading of all runs."""
        return min(one.best_ns for one in (*self.earlier, cast("Try", self.now)))
