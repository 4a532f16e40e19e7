"""What a view makes of the recorded forest: spans lifted out, subtrees pruned or picked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pytest_traces.forest import Forest, Span, walk_down
from pytest_traces.shape.fields import Fields
from pytest_traces.shape.pattern import Pattern, label_of, parents_first
from pytest_traces.traces.selection import Selection


@dataclass(frozen=True)
class Ignoring:
    """Lifts spans out; their children move up."""

    wishes: tuple[Fields, ...]
    title: str

    def apply(self, forest: Forest) -> Forest:
        """The forest without those spans."""
        return _rebuild(forest, forest.spans, lambda span: not self.drops(span))

    def drops(self, span: Span) -> bool:
        """Whether this view cannot see the span."""
        return any(wish.match(span) for wish in self.wishes)


@dataclass(frozen=True)
class Without:
    """Prunes subtrees."""

    wishes: tuple[Fields, ...]
    title: str

    def apply(self, forest: Forest) -> Forest:
        """The forest without those spans and without all that is below them."""
        pruned = {id(s) for top in forest.spans if self.drops(top) for s in walk_down([top])}
        return _rebuild(forest, forest.spans, lambda span: id(span) not in pruned)

    def drops(self, span: Span) -> bool:
        """Whether the span itself is a reason to prune."""
        return any(wish.match(span) for wish in self.wishes)


@dataclass(frozen=True)
class Only:
    """Picks the subtrees under some spans."""

    selection: Selection
    title: str

    def apply(self, forest: Forest) -> Forest:
        """Those spans, the outermost of them as roots, and all that is below them."""
        picked = {id(s) for s in walk_down(self.selection.of(forest))}
        return _rebuild(forest, forest.spans, lambda span: id(span) in picked)

    def drops(self, span: Span) -> bool:
        """Never: what is elsewhere may still matter."""
        del span
        return False


Step = Ignoring | Without | Only


def _rebuild(forest: Forest, spans: Iterable[Span], keep: Callable[[Span], bool]) -> Forest:
    """The kept spans, each below its nearest kept ancestor."""
    numbers: dict[int, int] = {}
    kept: list[Span] = []
    for span in spans:
        if keep(span):
            numbers[id(span)] = len(kept)
            kept.append(span)
    above: dict[int, int | None] = {}
    for span in walk_down(forest.roots):  # parents first
        parent = span.parent
        if parent is not None:
            above[id(span)] = numbers.get(id(parent), above.get(id(parent)))
    parents = [above.get(id(span)) for span in kept]
    data = [span.data for span in kept]
    return Forest(data, parents, forest.findings, forest.outside, forest.recorded)


def hidden_name(steps: Iterable[Step], names: Iterable[object]) -> str | None:
    """An error text if one of the names is one that the view leaves out."""
    wanted = [name for name in names if name is not None]
    for step in steps:
        if isinstance(step, Only):
            continue
        for name in wanted:
            if any(_hides(wish, name) for wish in step.wishes):
                return f"{label_of(name)} is left out by {step.title}: nothing can be said about it"
    return None


def _hides(wish: Fields, name: object) -> bool:
    """Whether every span of that name is left out; of a pattern, only where it is the same one."""
    if wish.name is None or wish.scope is not None:
        return False
    if isinstance(name, str):
        return wish.name_matches(name)
    return type(name) is type(wish.name) and bool(name == wish.name)


def names_in(pattern: Pattern) -> list[object]:
    """Every wanted name at and below the pattern."""
    return [one.fields.name for one in parents_first(pattern)]


def unfinished_in(pattern: Pattern) -> list[Fields]:
    """What is wanted of the spans that are expected to be open still."""
    return [one.fields for one in parents_first(pattern) if one.fields.unfinished]
