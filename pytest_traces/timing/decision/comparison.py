"""One test compared with its baseline: what is certain, what is slower, what is not decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pytest_traces.timing.baseline.structure import StructureChange
from pytest_traces.timing.decision.data import Key, Verdict
from pytest_traces.timing.decision.rule import NOISIEST_CUT

#: ``certain`` is said of structure only; a ``suspect`` never fails.
Word = Literal["certain", "slower", "suspect"]


class Baseline(NamedTuple):
    """Which baseline there is for one test.

    Attributes:
        structure: whether its structure is known.
        environment: the key of this environment: ``cpython-3.12-linux-x86_64-n0``.
        runs: how many runs of this environment know the test.
        others: other environments that have timings.
        revision: the revision whose runs these are, if they were made for this very session.
    """

    structure: bool
    environment: str
    runs: int
    others: tuple[str, ...] = ()
    revision: str | None = None


class Comparison(NamedTuple):
    """What is said of one test.

    Attributes:
        test: its id.
        baseline: what it was compared with.
        changes: the certain differences of its structure.
        verdicts: what is said of the duration of each path.
        second: what a second process says of the test; None if it was not asked.
        trouble: why a second process that was asked said nothing.
        is_unrecorded: whether it fails because its structure was never recorded.
    """

    test: str
    baseline: Baseline
    changes: tuple[StructureChange, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    second: Mapping[Key, Verdict] | None = None
    trouble: str | None = None
    is_unrecorded: bool = False

    @property
    def over(self) -> tuple[Verdict, ...]:
        """Over their cuts in this process, confirmed or not; the deepest first."""
        found = [one for one in self.verdicts if one.outcome == "over"]
        return tuple(sorted(found, key=lambda one: (-len(one.key[1]), -one.ratio, one.key)))

    @property
    def slower(self) -> tuple[Verdict, ...]:
        """Over their cuts in both processes."""
        return tuple(one for one in self.over if self._is_confirmed(one))

    @property
    def suspect(self) -> tuple[Verdict, ...]:
        """Over their cuts in this process alone, or in the only one that was asked."""
        return tuple(one for one in self.over if not self._is_confirmed(one))

    @property
    def fails(self) -> bool:
        """Whether it is a regression: certain, or confirmed."""
        return bool(self.changes or self.slower)

    def _is_confirmed(self, verdict: Verdict) -> bool:
        """Whether the second process says so; a noisy one, too, if the first was not noisy."""
        second = (self.second or {}).get(verdict.key)
        if second is None:
            return False
        is_over = second.outcome == "noisy" and second.ratio > second.cut
        return second.outcome == "over" or (is_over and verdict.cut <= NOISIEST_CUT)
