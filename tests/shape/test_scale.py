"""Large trees and hard patterns. An algorithm that explodes would never come to an end here."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from pytest_traces import glob, span
from pytest_traces.forest import Forest
from pytest_traces.report.explain import tree_message
from pytest_traces.shape.align import Aligner
from pytest_traces.shape.literal import literal_matches
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.outline import parse
from pytest_traces.shape.pattern import Pattern, forest_of
from pytest_traces.shape.rendering import render

Grown = Callable[..., Forest]


def matches(forest: Forest, *expected: Pattern) -> bool:
    return Matcher(forest_of(expected), forest.roots).forest_matches()


def explained(forest: Forest, *expected: Pattern) -> str:
    """The failure, which is short whatever the size of the trees."""
    alignment = Aligner(forest_of(expected), forest.roots).run()
    text = str(tree_message(alignment, forest, [], []))
    assert len(text.splitlines()) < 60
    return text.splitlines()[0]


def chain(length: int, name: Callable[[int], str]) -> list[Any]:
    tree: list[Any] = [name(length)]
    for number in range(length - 1, 0, -1):
        tree = [name(number), tree]
    return tree


def wide(parents: int, children: int) -> list[Any]:
    return [
        "root",
        *([f"n{n}", *([f"c{m}"] for m in range(children))] for n in range(parents)),
    ]


def test_ten_thousand_siblings(grown: Grown) -> None:
    """`span("x") * 10_000`, and one less."""
    forest = grown(["root", *(["x"] for _ in range(10_000))])
    assert matches(forest, span("root", span("x") * 10_000))
    assert explained(forest, span("root", span("x") * 9_999)) == (
        "'x' ran 10,000 times below 'root', expected 9999"
    )


@pytest.mark.parametrize(
    "tree",
    [wide(10_000, 9), wide(100, 1_000), chain(100_000, lambda n: f"n{n % 7}")],
    ids=["many parents", "many children", "chain"],
)
def test_a_hundred_thousand_spans_against_their_own_outline(grown: Grown, tree: list[Any]) -> None:
    """The outline is printed, read and matched, and a name changed at its end is found."""
    forest = grown(tree)
    text = render(forest)
    expected, _ = parse(text)
    assert literal_matches(forest_of(expected), forest.roots)

    head, last = text.rsplit("\n", 1)
    other, _ = parse(f"{head}\n{re.sub(r'[a-z]+[0-9]+$', 'zzz', last)}")
    assert "'zzz'" in explained(forest, *other)


def test_a_chain_of_wildcards(grown: Grown) -> None:
    """Ten thousand levels of `*` against as many spans, and against one more."""
    pattern = span(glob("*"))
    for _ in range(9_999):
        pattern = span(glob("*"), pattern)
    forest = grown(chain(10_000, lambda n: "x"))
    assert matches(forest, pattern)
    assert not matches(grown(chain(10_001, lambda n: "x")), pattern)


@pytest.mark.parametrize("size", [10, 100, 400])
def test_overlapping_wildcards(grown: Grown, size: int) -> None:
    """A staircase: the first pattern fits every span, the last one only one."""
    names = [f"a{n:03}" for n in range(size)]
    forest = grown(["root", *([name] for name in names)])
    stairs = [span(re.compile("|".join(names[n:]))) for n in range(size)]
    assert matches(forest, span("root", *stairs))
    assert matches(forest, span("root", *reversed(stairs)))
    tight = [span(re.compile("|".join(names[n:] if n else names[1:]))) for n in range(size)]
    assert not matches(forest, span("root", *tight))
    explained(forest, span("root", *tight))


def test_wildcards_over_subtrees_that_differ_far_below(grown: Grown) -> None:
    """Binary trees of wildcards: what backtracking would try twice at every level."""

    def tree(depth: int, leaf: str) -> list[Any]:
        return [leaf] if depth == 0 else ["n", tree(depth - 1, "q"), tree(depth - 1, leaf)]

    def pattern(depth: int, leaf: str) -> Pattern:
        if depth == 0:
            return span(glob(leaf))
        return span(glob("*"), pattern(depth - 1, "*"), pattern(depth - 1, leaf))

    forest = grown(tree(10, "z"))
    assert matches(forest, pattern(10, "z"))
    assert not matches(forest, pattern(10, "y"))
    explained(forest, pattern(10, "y"))


def test_everything_is_unexpected_or_missing(grown: Grown) -> None:
    """Nothing fits, and the failure is short all the same."""
    forest = grown(["root", *([f"n{n}"] for n in range(20_000))])
    assert "20,000" in explained(forest, span("root"))
    assert "20,000" in explained(grown(["root"]), span("root", *(f"n{n}" for n in range(20_000))))
    explained(forest, span("root", *(f"m{n}" for n in range(20_000))))
