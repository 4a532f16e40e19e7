"""Times and durations in every spelling."""

import decimal
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.settings import NANOSECONDS, BadValue
from pytest_traces.sources.handwritten.times import UNITS, check_unit, to_duration_ns, to_epoch_ns

SECONDS = 1_700_000_000
EARLIEST = 631_152_000
LATEST = 4_133_980_800
BERLIN = timezone(timedelta(hours=1))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", [int, float, str, Decimal])
def test_numbers_are_read_in_their_unit(unit, kind):
    """As an integer, a float, text or a Decimal."""
    number = SECONDS * NANOSECONDS["s"] // NANOSECONDS[unit]

    assert to_epoch_ns(kind(number), unit, "start") == SECONDS * NANOSECONDS["s"]


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("2023-11-14T22:13:20Z", 0),
        ("2023-11-14T22:13:20z", 0),
        ("2023-11-14 22:13:20+00:00", 0),
        ("2023-11-14T23:13:20+01:00", 0),
        ("2023-11-14T17:13:20-05:00", 0),
        ("2023-11-14T22:13:20.5Z", 500_000_000),
        ("2023-11-14T22:13:20.123Z", 123_000_000),
        ("2023-11-14T22:13:20.123456+00:00", 123_456_000),
        ("2023-11-14T22:13:20.123456789Z", 123_456_789),
        ("2023-11-14T23:13:20,000000001+01:00", 1),
        (datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc), 0),
        (datetime(2023, 11, 14, 23, 13, 20, 7, tzinfo=BERLIN), 7_000),
    ],
)
def test_moments_are_read_to_the_nanosecond(written, nanoseconds):
    """ISO 8601 with Z or an offset and any number of digits; datetimes with a time zone."""
    assert to_epoch_ns(written, "ms", "start") == SECONDS * NANOSECONDS["s"] + nanoseconds


def test_a_moment_without_time_zone_is_local_time():
    """As everywhere in Python, for datetimes and for text."""
    naive = datetime.fromtimestamp(SECONDS)  # noqa: DTZ006

    assert to_epoch_ns(naive, "ms", "start") == SECONDS * NANOSECONDS["s"]
    assert to_epoch_ns(naive.isoformat(), "ms", "start") == SECONDS * NANOSECONDS["s"]


@pytest.mark.parametrize("right", UNITS)
@pytest.mark.parametrize("wrong", UNITS)
def test_a_wrong_unit_is_refused_with_the_one_that_fits(right, wrong):
    """A year outside 1990 to 2100 gives a wrong unit away."""
    if right == wrong:
        return
    number = SECONDS * NANOSECONDS["s"] // NANOSECONDS[right]

    with pytest.raises(BadValue) as caught:
        to_epoch_ns(number, wrong, "start")
    assert str(caught.value) == (
        f'start: {number} is not usable; with unit="{wrong}" it lies outside the years 1990 to '
        f'2100; unit="{right}" would fit'
    )


def test_a_unit_that_the_name_states_cannot_be_changed_by_an_argument():
    """The advice then speaks of the name."""
    with pytest.raises(BadValue) as caught:
        to_epoch_ns(SECONDS * 1_000, "ns", "start_ns", stated=True)
    assert str(caught.value) == (
        "start_ns: 1700000000000 is not usable; in ns, as its name says, it lies outside the years "
        "1990 to 2100; ms would fit"
    )


def test_a_monotonic_clock_is_recognised():
    """No unit fits a time that counts from the start of the machine."""
    with pytest.raises(BadValue) as caught:
        to_epoch_ns(81_345.25, "s", "start")
    assert str(caught.value) == (
        'start: 81345.25 is not usable; with unit="s" it lies outside the years 1990 to 2100; times '
        "count from 1970-01-01, so those of a monotonic clock cannot be used"
    )


@pytest.mark.parametrize(
    "written",
    [
        datetime(1971, 1, 1, tzinfo=timezone.utc),
        datetime(2101, 1, 1, tzinfo=timezone.utc),
        datetime.min,
        datetime.max,
        "1989-12-31T23:59:59Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_moments_of_other_centuries_are_refused(written):
    """Moments are held to the same years as numbers."""
    with pytest.raises(BadValue) as caught:
        to_epoch_ns(written, "ms", "end")
    assert str(caught.value) == (
        f"end: {written!r} is not usable; it lies outside the years 1990 to 2100"
    )


@pytest.mark.parametrize("second", [EARLIEST, LATEST - 1])
def test_the_first_and_the_last_second_are_read(second):
    """1990 and 2100 are in."""
    assert to_epoch_ns(second, "s", "start") == second * NANOSECONDS["s"]


@pytest.mark.parametrize("second", [EARLIEST - 1, LATEST])
def test_the_seconds_beside_them_are_not(second):
    """1989 and 2101 are out."""
    with pytest.raises(BadValue, match="outside the years 1990 to 2100"):
        to_epoch_ns(second, "s", "start")


@pytest.mark.parametrize(
    "written", ["yesterday", "", "2023-13-01T00:00:00Z", True, None, [], object, b"1", 1 + 2j]
)
def test_what_is_no_time_is_refused(written):
    """Other text and other types."""
    with pytest.raises(BadValue) as caught:
        to_epoch_ns(written, "ms", "start")
    assert str(caught.value) == (
        f"start: {written!r} is not usable; a time is a number, an ISO 8601 text or a datetime"
    )


@pytest.mark.parametrize("written", [float("nan"), float("inf"), "nan", "-Infinity", "1e999999999"])
def test_a_time_is_finite(written):
    """Not a number, and infinite ones."""
    with pytest.raises(BadValue, match=re.escape("a time is a finite number")):
        to_epoch_ns(written, "ms", "start")


def test_the_decimal_context_of_the_application_does_not_matter():
    """An application may count money with six digits."""
    with decimal.localcontext(decimal.Context(prec=6, traps=[decimal.Inexact])):
        read = to_epoch_ns(f"{SECONDS}.123456789", "s", "start")

    assert read == SECONDS * NANOSECONDS["s"] + 123_456_789


@pytest.mark.parametrize(
    ("written", "unit", "read"),
    [
        (25, "ms", 25_000_000),
        (0.5, "s", 500_000_000),
        ("25", "us", 25_000),
        (Decimal("0.1"), "ns", 0),
        (0, "ms", 0),
        (timedelta(milliseconds=25), "s", 25_000_000),
        ("25 ms", "s", 25_000_000),
    ],
)
def test_durations_are_read(written, unit, read):
    """A number in the unit, a timedelta, or text with a unit of its own."""
    assert to_duration_ns(written, unit, "duration") == read


@pytest.mark.parametrize("written", [-1, float("nan"), float("inf"), None, [], True])
def test_what_is_no_duration_is_refused(written):
    """Negative, not finite, other types."""
    with pytest.raises(BadValue) as caught:
        to_duration_ns(written, "ms", "duration")
    assert str(caught.value) == (
        f"duration: {written!r} is not usable; a duration in ms is a number, and not negative"
    )


def test_a_text_that_is_no_duration_is_refused():
    """It says how a duration is written."""
    with pytest.raises(BadValue) as caught:
        to_duration_ns("long", "ms", "elapsed")
    assert str(caught.value) == (
        "elapsed: 'long' is not usable; a duration is written like \"50ms\", with a unit of ns, us, "
        "ms, s or min"
    )


@pytest.mark.parametrize("written", ["min", "m", "", None, 5, "MS"])
def test_an_unknown_unit_is_refused(written):
    """It names those there are."""
    with pytest.raises(BadValue) as caught:
        check_unit(written)
    assert str(caught.value) == f"unit: {written!r} is not usable; a unit is one of ns, us, ms, s"


@given(st.integers(EARLIEST * 10**9, LATEST * 10**9 - 1), st.sampled_from(UNITS))
def test_times_round_trip_in_every_unit(nanoseconds, unit):
    """Written with all its digits, as a Decimal or as text, a time is read to the nanosecond."""
    exact = Decimal(nanoseconds).scaleb(-len(str(NANOSECONDS[unit])) + 1)

    assert to_epoch_ns(exact, unit, "start") == nanoseconds
    assert to_epoch_ns(str(exact), unit, "start") == nanoseconds


@given(st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30)), st.integers(-720, 720))  # noqa: DTZ001
def test_datetimes_round_trip_in_every_zone(naive, minutes):
    """A datetime and its ISO text are the same instant."""
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    expected = since // timedelta(microseconds=1) * 1_000

    assert to_epoch_ns(moment, "ms", "start") == expected
    assert to_epoch_ns(moment.isoformat(), "ms", "start") == expected


@given(st.integers(0, 10**15), st.sampled_from(UNITS))
def test_durations_round_trip_in_every_unit(nanoseconds, unit):
    """Written with all its digits, a duration is read to the nanosecond."""
    exact = Decimal(nanoseconds).scaleb(-len(str(NANOSECONDS[unit])) + 1)

    assert to_duration_ns(exact, unit, "duration") == nanoseconds
