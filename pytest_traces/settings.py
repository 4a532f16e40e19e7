"""Every default, stated once, and the parsing of durations. No pytest, no outside library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Show = Literal["failed", "all", "none"]

NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "min": 60_000_000_000,
}
#: No test runs more often, whatever for.
MOST_RUNS = 100
_DURATION = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|min)\s*")

#: The names of the sources; what they are is known only where they live.
SOURCE_NAMES = ("opentelemetry", "sentry", "handwritten", "otlp")
#: The source of what the test itself plays, callers and stand-ins; it is never left out.
PLAYED = "test"
#: The source of what is read from files and backends; it is never left out, either.
LOADED = "file"
#: The source of what other processes send.
RECEIVED = "otlp"
#: What a span may say of its source.
SPAN_SOURCES = (*SOURCE_NAMES, PLAYED, LOADED)

#: The ``http send`` and ``http receive`` spans (and their websocket kin) that the
#: ASGI instrumentation of OpenTelemetry adds for every message of the protocol.
PRESETS = {
    "asgi": ("* http send", "* http receive", "* websocket send", "* websocket receive"),
}


#: The two kinds of baselines.
BASELINES = ("structure", "timings")


class BadValue(ValueError):
    """A setting or an argument that cannot be used: what was given, where, and what is allowed."""

    def __init__(self, where: str, value: object, allowed: str) -> None:
        super().__init__(where, value, allowed)
        self.where = where
        self.value = value
        self.allowed = allowed

    def __str__(self) -> str:
        return f"{self.where}: {self.value!r} is not usable; {self.allowed}"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a recording needs to know. One frozen object holds all defaults."""

    timeout_ns: int = 2 * NANOSECONDS["s"]
    ignore: tuple[str, ...] = ()
    sources: tuple[str, ...] = SOURCE_NAMES
    record_all: bool = False
    record_unsampled: bool = True
    show: Show = "failed"
    #: Third parties, to whom no context may go: hosts, URL prefixes, globs.
    external: tuple[str, ...] = ()
    #: The format of the context headers that the application sends; None for any one.
    format: str | None = None
    #: How many runs of a test a failed limit on a duration may take.
    attempts: int = 1
    #: How often an operation repeats below one span before it is an N+1.
    n_plus_one: int = 3
    #: What this run records as baselines: ``structure``, ``timings``.
    update: tuple[str, ...] = ()
    #: Whether tests that are no longer collected leave the baselines.
    prune: bool = False
    #: How many runs of each test are measured at least where timings are recorded or compared.
    repeats: int = 5
    #: The folder of the timings, from the root of the project.
    timings: str = ".traces/timings"
    #: Whether every test is compared with its baseline, and a missing one is a failure.
    strict: bool = False
    #: The revision whose timings are recorded first, to compare with them.
    base: str | None = None
    #: The file that gets what was decided.
    report: str | None = None

    @property
    def is_compared(self) -> bool:
        """Whether the session as a whole is compared with its baselines, or reported on."""
        return self.strict or self.base is not None or self.report is not None


DEFAULTS = Settings()


def parse_duration(value: object, where: str) -> int:
    """Read a duration: ``"50ms"``, ``"1.5 s"`` or a :class:`~datetime.timedelta`.

    Args:
        value: what the user wrote.
        where: the argument or option it was written for, named in the error.

    Returns:
        Nanoseconds, never negative.

    Raises:
        BadValue: a bare number, an unknown unit, a negative duration, any other type.
    """
    if isinstance(value, timedelta):
        if value < timedelta(0):
            raise BadValue(where, value, "a duration cannot be negative")
        return (
            value.days * 86_400_000_000 + value.seconds * 1_000_000 + value.microseconds
        ) * 1_000
    if isinstance(value, str):
        found = _DURATION.fullmatch(value)
        if found:
            whole, _, fraction = found[1].partition(".")
            scale = NANOSECONDS[found[2]]
            return int(whole) * scale + round(float(f"0.{fraction or 0}") * scale)
    elif _is_bare_number(value):
        unit, word = ("ms", "milliseconds") if isinstance(value, int) else ("s", "seconds")
        raise BadValue(
            where,
            value,
            f'a duration is written with its unit: "{value}{unit}" or timedelta({word}={value})',
        )
    raise BadValue(
        where, value, 'a duration is written like "50ms", with a unit of ns, us, ms, s or min'
    )


def _is_bare_number(value: object) -> bool:
    """Whether a unit is all that it lacks to be a duration."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value < float("inf")


def check_ignore(names: Sequence[str] | str, where: str) -> tuple[str, ...]:
    """The globs, each preset of :data:`PRESETS` replaced by its own.

    Raises:
        BadValue: something among them that is no text, or empty.
    """
    globs: list[str] = []
    for name in _listed(where, names):
        if not isinstance(name, str) or not name.strip():
            presets = ", ".join(PRESETS)
            raise BadValue(where, name, f"it is a glob of names, or a preset: {presets}")
        globs += PRESETS.get(name, (name,))
    return tuple(globs)


def check_sources(names: Sequence[str] | str, where: str) -> tuple[str, ...]:
    """The names, if each is one of a source.

    Raises:
        BadValue: an unknown source, or none.
    """
    given = _listed(where, names)
    for name in given:
        if name not in SOURCE_NAMES:
            raise BadValue(where, name, f"the sources are {', '.join(SOURCE_NAMES)}")
    if not given:
        raise BadValue(where, names, f"name at least one of {', '.join(SOURCE_NAMES)}")
    return given


def check_external(names: Sequence[str] | str, where: str) -> tuple[str, ...]:
    """The hosts, URL prefixes and globs of third parties.

    Raises:
        BadValue: something among them that is no text, or empty.
    """
    given = _listed(where, names)
    for name in given:
        if not isinstance(name, str) or not name.strip():
            raise BadValue(where, name, "it is a host, a URL prefix, or a glob of one of these")
    return given


def check_attempts(value: object, where: str) -> int:
    """The number of runs that a failed limit on a duration may take, as a number or its digits.

    Raises:
        BadValue: no whole number, or one below 1 or above 100.
    """
    number = value
    if isinstance(value, str) and value.strip().isdecimal():
        number = int(value)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_RUNS:
        raise BadValue(where, value, f"it is a whole number from 1 to {MOST_RUNS}")
    return number


def check_n_plus_one(value: object, where: str) -> int:
    """How many repetitions are an N+1.

    Raises:
        BadValue: no whole number, or less than 2.
    """
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit():
        text = int(text)
    if not isinstance(text, int) or isinstance(text, bool) or text < 2:
        raise BadValue(where, value, "it is a whole number, 2 or more")
    return text


def _listed(where: str, names: Sequence[str] | str) -> tuple[str, ...]:
    """A text by itself is one name, not a sequence of letters."""
    if isinstance(names, str):
        return (names,)
    try:
        return tuple(names)
    except TypeError:
        raise BadValue(where, names, "it is a list of names") from None
