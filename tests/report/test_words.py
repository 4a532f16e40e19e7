import pytest

from pytest_traces.report.words import duration, joined, listed, often, plural, quoted, shown


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1_000, "1.00 us"),
        (14_600, "14.6 us"),
        (283_000, "283 us"),
        (31_200_000, "31.2 ms"),
        (999_949_999, "1000 ms"),
        (2_310_000_000, "2.31 s"),
        (90_000_000_000, "1.50 min"),
        (-5_000_000, "-5.00 ms"),
    ],
)
def test_durations_have_three_digits(nanoseconds: int, text: str) -> None:
    """A duration is readable at every scale, and never a number of nineteen digits."""
    assert duration(nanoseconds) == text


def test_numbers_agree_with_their_words() -> None:
    """One span, two spans; thousands are set apart."""
    assert plural(1, "span") == "1 span"
    assert plural(0, "span") == "0 spans"
    assert plural(12_000, "span") == "12,000 spans"


def test_lists_are_cut_and_joined() -> None:
    """A long list says how many it leaves out; a short one reads like a sentence."""
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
    assert listed(["a", "b"]) == "a, b"
    assert joined([]) == ""
    assert joined(["a"]) == "a"
    assert joined(["a", "b", "c"]) == "a, b and c"


def test_bounds_in_words() -> None:
    """How many were wanted."""
    assert often(2, 2) == "2"
    assert often(1, 4) == "1 to 4"
    assert often(2, None) == "at least 2"


def test_names_stay_on_one_line_and_short() -> None:
    """A name with a line break is shown as Python writes it; a very long one is cut."""
    assert shown("a\nb") == r"'a\nb'"
    assert shown(" a") == "' a'"
    assert shown("") == "''"
    assert len(shown("x" * 500)) == 60
    assert quoted("x" * 500).endswith("…'")
    assert quoted("GET") == "'GET'"
