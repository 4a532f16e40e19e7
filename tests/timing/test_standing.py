"""On the path, beside it, or too close to call."""

import pytest

from pytest_traces.timing.critical_path import follow
from pytest_traces.timing.standing import standing

FORK = [("r", None, 0, 100), ("a", 0, 10, 40), ("b", 0, 10, 90), ("c", 2, 20, 80)]


def verdict(tree, rows, wanted, until="root"):
    followed = follow(tree(*rows), until)
    names = wanted.split()
    found = standing(followed, [span for span in followed.waits.spans if span.name in names])
    if found.rival is not None:
        return f"{found.rival.branch.name} {found.rival.branch_ns} {found.rival.other.name} {found.rival.other_ns}"
    return found.holds


@pytest.mark.parametrize(
    ("wanted", "holds"), [("r", True), ("a", False), ("b", True), ("c", True), ("a c", True)]
)
def test_far_from_each_other(tree, wanted, holds):
    """The longer branch took more than 1.5 times as long: what is in it is on the path."""
    assert verdict(tree, FORK, wanted) is holds


@pytest.mark.parametrize(("end", "expected"), [(63, True), (64, "b 80 a 54"), (90, "a 80 b 80")])
def test_the_margin(tree, end, expected):
    """Up to two thirds of the longer branch it is clear."""
    rows = [("r", None, 0, 100), ("a", 0, 10, end), ("b", 0, 10, 90)]

    assert verdict(tree, rows, "b") == expected
    if isinstance(expected, str):
        assert verdict(tree, rows, "a") == expected
    assert verdict(tree, rows, "a b") is True


def test_a_rival_with_the_same_inside_is_none(tree):
    """Whichever branch was waited for, a span of that name was."""
    rows = [
        ("r", None, 0, 100),
        ("a", 0, 10, 85),
        ("x", 1, 20, 80),
        ("b", 0, 10, 90),
        ("x", 3, 20, 80),
    ]

    assert verdict(tree, rows, "x") is True
    assert verdict(tree, rows, "b") == "b 80 a 75"


def test_what_is_before_and_after_both_is_in_no_doubt(tree):
    """Whoever wins, that comes first, and this last."""
    rows = [
        ("r", None, 0, 100),
        ("first", 0, 0, 10),
        ("a", 0, 10, 85),
        ("b", 0, 10, 90),
        ("last", 0, 90, 99),
    ]

    assert verdict(tree, rows, "first") is True
    assert verdict(tree, rows, "last") is True
    assert verdict(tree, rows, "b") == "b 80 a 75"


def test_an_earlier_choice_depends_on_a_later_one(tree):
    """Who began in time for another branch is on the path only if that branch is."""
    rows = [("r", None, 0, 100), ("a", 0, 0, 50), ("b", 0, 50, 95), ("long", 0, 5, 92)]

    assert verdict(tree, rows, "a") == "b 45 long 42"


def test_a_span_that_nearly_was_on_it_has_no_verdict_either(tree):
    """Not on the path, but only just."""
    rows = [("r", None, 0, 100), ("a", 0, 10, 85), ("b", 0, 10, 90)]

    assert verdict(tree, rows, "a") == "b 80 a 75"


def test_the_last_end_has_rivals_too(tree):
    """Where the path begins at the span that ends last."""
    rows = [("r", None, 0, 10), ("a", 0, 5, 100), ("b", 0, 5, 90), ("c", 0, 5, 30)]

    assert verdict(tree, rows, "a", "last") == "a 95 b 85"
    assert verdict(tree, rows, "c", "last") is False


def test_one_that_ends_later_than_it_was_waited_for_is_no_rival(tree):
    """It cannot have held up what had begun before its end."""
    rows = [("r", None, 0, 100), ("a", 0, 0, 50), ("b", 0, 50, 95), ("late", 0, 0, 60)]

    assert verdict(tree, rows, "a") is True


def test_the_closest_of_several_rivals_is_told(tree):
    """One that began only after the branch was over is none."""
    rows = [
        ("r", None, 0, 100),
        ("a", 0, 10, 70),
        ("b", 0, 10, 90),
        ("c", 0, 20, 85),
        ("d", 0, 60, 89),
    ]

    assert verdict(tree, rows, "b") == "b 80 d 79"
