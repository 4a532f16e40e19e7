"""How a forest differs from what was wanted, as data: places, and what is wrong there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pytest_traces.forest import Span
from pytest_traces.shape.fields import Difference
from pytest_traces.shape.pattern import Group, Pattern

MismatchKind = Literal[
    "missing", "unexpected", "moved", "renamed", "count", "fields", "unfinished", "late", "order"
]


@dataclass(eq=False, slots=True)
class Place:
    """One line of the aligned tree: a wanted span, a recorded one, or both.

    Attributes:
        taker: which wanted child of the parent it is; None if none of them.
        whole: everything below is as wanted, and ``children`` is left empty.
        extra: allowed by ``...`` only.
        consequence: at the wrong place only because another span is; not counted.
    """

    pattern: Pattern | None
    span: Span | None
    parent: Place | None = None
    taker: int | None = None
    whole: bool = False
    extra: bool = False
    children: list[Place] = field(default_factory=list)
    mismatch: Mismatch | None = None
    consequence: Mismatch | None = None


@dataclass(eq=False, slots=True)
class Mismatch:
    """One difference between what was wanted and what was recorded.

    Attributes:
        place: where it shows in the aligned tree.
        expected_at: for what is missing or moved, the place of the wanted parent.
        differences: the fields that are not as wanted.
        wanted: how many were wanted, and ``actual`` how many there are, for a wrong count.
        nearest: for what is missing, the recorded span that is most like it.
        here_instead: for a missing span its children that were found elsewhere; for an
            unexpected one the wanted children of its parent that it has taken.
        others: more mismatches of the same kind, name and parent.
    """

    kind: MismatchKind
    place: Place
    pattern: Pattern | None = None
    span: Span | None = None
    expected_at: Place | None = None
    differences: list[Difference] = field(default_factory=list)
    wanted: tuple[int, int | None] | None = None
    actual: int = 0
    nearest: Span | None = None
    nearest_differences: list[Difference] = field(default_factory=list)
    here_instead: list[Span] = field(default_factory=list)
    group: Group | None = None
    others: int = 0


@dataclass(eq=False, slots=True)
class Alignment:
    """The aligned forest.

    Attributes:
        top: stands above the roots, without a span.
        mismatches: every one, those nearest to the root first.
        approximate: some pairing was too large to be the best one.
        paired: how many spans found a wanted counterpart, of ``spans`` in all.
    """

    top: Place
    mismatches: list[Mismatch]
    approximate: bool
    paired: int
    spans: int
