"""What is compared, and what comes of it: frozen values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

#: The id of a test, and the path of spans in it: the names from the root down. The calibration loop
#: of each test is among them, by a path of its own.
Key = tuple[str, tuple[str, ...]]

#: ``over`` is not confirmed yet; ``small`` is over, by less time than counts; ``noisy`` and
#: ``undecided`` are no verdicts.
Outcome = Literal["within", "over", "small", "noisy", "undecided"]
#: By what durations were divided: the median ratio of the other paths, the ratio of the
#: calibration loop, or nothing.
Basis = Literal["paths", "calibration", "raw"]
#: Where the limit comes from: the least that there is, or the noise of the baseline runs.
CutFrom = Literal["floor", "spread"]


class Past(NamedTuple):
    """One run of the baseline: the best self time of each path, in nanoseconds."""

    bests: Mapping[Key, int]


class Present(NamedTuple):
    """This run: the self times of each path by repeat, in nanoseconds."""

    repeats: Mapping[Key, Sequence[int]]


class Scale(NamedTuple):
    """How one path is compared: what is divided by what, and how much that varies by itself.

    Attributes:
        basis: what durations were divided by.
        factor: by how much everything else is slower in this run, or 1.
        paths: over how many other paths that was seen.
        ratio: this run's best over the middle of the baseline runs, divided by the factor.
        spread: the leave-one-out spread of that ratio over the baseline runs, relative.
        runs: the numbers of those runs: all that know the path, and have what divides it.
    """

    basis: Basis
    factor: float
    paths: int
    ratio: float
    spread: float
    runs: tuple[int, ...]


class Verdict(NamedTuple):
    """What this run says of one path.

    Attributes:
        key: the test and the path of the span.
        outcome: what is decided, or that nothing is.
        before_ns: the middle of the best self times of the baseline runs.
        after_ns: the best self time of this run.
        ratio: how much slower, the common factor taken away.
        low, high: the interval of about 90 % around the ratio.
        cut: the ratio up to which nothing is said.
        cut_from: whether that is the floor, or the noise of the baseline runs.
        spread: the leave-one-out spread of the baseline runs, relative.
        basis, factor, paths: see :class:`Scale`.
        added_ns: how much longer it took than expected, with the common factor.
        over: how many of the repeats are over the cut.
        repeats: how many there are.
        runs: how many baseline runs it was compared with; without a verdict, how many know it.
        reason: why nothing is decided, in words.
        looks_over: whether it is over by one of the ways to look at it, if not by all: then more
            repeats may show which of them is right.
    """

    key: Key
    outcome: Outcome
    before_ns: int = 0
    after_ns: int = 0
    ratio: float = 1.0
    low: float = 1.0
    high: float = 1.0
    cut: float = 1.25
    cut_from: CutFrom = "floor"
    spread: float = 0.0
    basis: Basis = "raw"
    factor: float = 1.0
    paths: int = 0
    added_ns: int = 0
    over: int = 0
    repeats: int = 0
    runs: int = 0
    reason: str | None = None
    looks_over: bool = False
