"""Defaults, durations, globs, names of sources."""

import dataclasses
import subprocess
import sys
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.settings import (
    DEFAULTS,
    LOADED,
    NANOSECONDS,
    PLAYED,
    SOURCE_NAMES,
    BadValue,
    Settings,
    check_attempts,
    check_ignore,
    check_sources,
    parse_duration,
)
from pytest_traces.sources import all_sources

WRITTEN = 'a duration is written like "50ms", with a unit of ns, us, ms, s or min'


def test_the_defaults_are_stated_once():
    """In one frozen object."""
    assert (
        Settings(
            timeout_ns=2_000_000_000,
            ignore=(),
            sources=("opentelemetry", "sentry", "handwritten", "otlp"),
            record_all=False,
            record_unsampled=True,
            show="failed",
        )
        == DEFAULTS
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        DEFAULTS.timeout_ns = 1


def test_the_names_of_the_sources_are_those_of_the_sources():
    """The list that a setting is checked against is what there is, but what the test itself adds."""
    assert tuple(all_sources()) == (*SOURCE_NAMES, PLAYED, LOADED)


def test_settings_know_nothing_of_pytest():
    """They are imported without it."""
    code = "import sys, pytest_traces.settings; sys.exit('pytest' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("written", "nanoseconds"),
    [
        ("50ms", 50_000_000),
        ("1.5s", 1_500_000_000),
        (" 2 min ", 120_000_000_000),
        ("0.5us", 500),
        ("7ns", 7),
        ("0s", 0),
        ("007ms", 7_000_000),
        ("0.1s", 100_000_000),
        ("1.005s", 1_005_000_000),
        (timedelta(milliseconds=50), 50_000_000),
        (timedelta(days=2, microseconds=1), 172_800_000_001_000),
        (timedelta(0), 0),
    ],
)
def test_durations_are_read(written, nanoseconds):
    """As text with a unit, or as a timedelta; exact."""
    assert parse_duration(written, "under") == nanoseconds


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        (50, 'a duration is written with its unit: "50ms" or timedelta(milliseconds=50)'),
        (0, 'a duration is written with its unit: "0ms" or timedelta(milliseconds=0)'),
        (0.05, 'a duration is written with its unit: "0.05s" or timedelta(seconds=0.05)'),
        (-5, WRITTEN),
        (float("nan"), WRITTEN),
        (float("inf"), WRITTEN),
        ("50", WRITTEN),
        ("-50ms", WRITTEN),
        ("50 m", WRITTEN),
        ("50MS", WRITTEN),
        ("1h", WRITTEN),
        (".5s", WRITTEN),
        ("1s 5ms", WRITTEN),
        ("", WRITTEN),
        (None, WRITTEN),
        (True, WRITTEN),
        (b"50ms", WRITTEN),
        (timedelta(seconds=-1), "a duration cannot be negative"),
    ],
)
def test_what_is_no_duration_is_refused(given, allowed):
    """A bare number with both ways to write it; the whole message."""
    with pytest.raises(BadValue) as caught:
        parse_duration(given, "under")
    assert str(caught.value) == f"under: {given!r} is not usable; {allowed}"
    assert (caught.value.where, caught.value.allowed) == ("under", allowed)
    assert caught.value.value is given


@given(st.integers(0, 10**15), st.sampled_from(sorted(NANOSECONDS)))
def test_every_number_with_a_unit_is_exact(number, unit):
    """Whatever its size."""
    assert parse_duration(f"{number}{unit}", "under") == number * NANOSECONDS[unit]


@given(st.integers(0, 10**9), st.integers(0, 10**9 - 1))
def test_every_fraction_is_exact(seconds, nanoseconds):
    """To the last nanosecond."""
    text = f"{seconds}.{nanoseconds:09}s"

    assert parse_duration(text, "under") == seconds * 10**9 + nanoseconds


@given(st.timedeltas(timedelta(0), timedelta(days=36_500)))
def test_every_timedelta_is_exact(value):
    """As it counts microseconds."""
    assert parse_duration(value, "under") == value // timedelta(microseconds=1) * 1_000


@pytest.mark.parametrize(
    ("names", "globs"),
    [
        ([], ()),
        (["health", "GET *"], ("health", "GET *")),
        (
            ["asgi", "health"],
            ("* http send", "* http receive", "* websocket send", "* websocket receive", "health"),
        ),
        ("GET /", ("GET /",)),
    ],
)
def test_presets_are_replaced_by_their_globs(names, globs):
    """A text by itself is one name, and not its letters."""
    assert check_ignore(names, "ignore") == globs


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([""], "ignore: '' is not usable; it is a glob of names, or a preset: asgi"),
        (["a", 5], "ignore: 5 is not usable; it is a glob of names, or a preset: asgi"),
        (5, "ignore: 5 is not usable; it is a list of names"),
    ],
)
def test_what_is_no_glob_is_refused(names, message):
    """It would leave nothing out."""
    with pytest.raises(BadValue) as caught:
        check_ignore(names, "ignore")
    assert str(caught.value) == message


def test_sources_are_checked():
    """One by itself, or a list of them."""
    assert check_sources("handwritten", "sources") == ("handwritten",)
    assert check_sources(["handwritten", "opentelemetry"], "sources") == (
        "handwritten",
        "opentelemetry",
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["otel"],
            "sources: 'otel' is not usable; the sources are opentelemetry, sentry, handwritten, otlp",
        ),
        ("", "sources: '' is not usable; the sources are opentelemetry, sentry, handwritten, otlp"),
        (
            (),
            "sources: () is not usable; name at least one of opentelemetry, sentry, handwritten, otlp",
        ),
        (None, "sources: None is not usable; it is a list of names"),
    ],
)
def test_what_is_no_source_is_refused(names, message):
    """Unknown names, and none at all."""
    with pytest.raises(BadValue) as caught:
        check_sources(names, "sources")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [1, "1", " 7 ", 100])
def test_attempts(value):
    """A whole number, or its digits."""
    assert check_attempts(value, "attempts") == int(value)


@pytest.mark.parametrize("value", [0, 101, True, 1.5, "1.5", "-1", "", None])
def test_what_is_no_number_of_attempts(value):
    """It would never end, or never begin."""
    with pytest.raises(BadValue, match=r"attempts: .* it is a whole number from 1 to 100"):
        check_attempts(value, "attempts")
