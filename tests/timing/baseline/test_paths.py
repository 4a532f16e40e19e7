"""Paths, as keys and as text."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.baseline.paths import CALIBRATION, DEEPEST, paths_of, read, written

names = st.text(alphabet=" >\\ab\n", max_size=6) | st.text(max_size=4)


@given(st.lists(names, min_size=1, max_size=5).map(tuple))
def test_what_is_written_is_read_again(path):
    """Whatever the names are: with the mark in them, at their ends, with backslashes."""
    assert read(written(path)) == path


def test_the_calibration_loop_has_a_text_of_its_own():
    """No path of spans is written like it, whatever their names are."""
    assert written(CALIBRATION) == "> calibration"
    assert read("> calibration") == CALIBRATION
    assert written(("> calibration",)) == "\\> calibration"
    assert written(("", "calibration")) == " > calibration"


def test_only_what_could_be_misread_is_escaped():
    """A ``>`` that stands by itself; arrows, comparisons and backslashes stay as they are."""
    assert written(("GET /a", "a->b", "x>=1", "c:\\d")) == "GET /a > a->b > x>=1 > c:\\d"
    assert written(("a > b", ">", "\\>")) == "a \\> b > \\> > \\\\>"


def test_names_lose_their_values(grow):
    """So that one path stands for all rows."""
    forest = grow(("GET /cart/7", 0, 9), ("GET /cart/7 > SELECT 1", 1, 2))

    assert set(paths_of(forest).values()) == {("GET /cart/#",), ("GET /cart/#", "SELECT #")}


def test_a_path_too_deep_loses_its_middle(grow):
    """A chain of 3,000 spans does not make texts of 3,000 names."""
    lines, path = [], ""
    for depth in range(3_000):
        path = f"{path} > n" if path else "n"
        lines.append((path, depth, 9_000 - depth))
    found = set(paths_of(grow(*lines)).values())

    assert max(len(one) for one in found) == DEEPEST
    assert ("n",) * (DEEPEST - 2) + ("…", "n") in found
    assert len(found) == DEEPEST + 1
