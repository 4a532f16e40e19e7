"""Times as people write them, to nanoseconds since the Unix epoch."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Literal, get_args

from pytest_traces.settings import NANOSECONDS, BadValue

Unit = Literal["ns", "us", "ms", "s"]

UNITS: tuple[Unit, ...] = get_args(Unit)
_EARLIEST = int(datetime(1990, 1, 1, tzinfo=timezone.utc).timestamp()) * NANOSECONDS["s"]
_LATEST = int(datetime(2101, 1, 1, tzinfo=timezone.utc).timestamp()) * NANOSECONDS["s"]
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def check_unit(unit: str) -> Unit:
    """Return the unit if it is one.

    Raises:
        BadValue: it is none of ``ns``, ``us``, ``ms``, ``s``.
    """
    for known in UNITS:
        if unit == known:
            return known
    raise BadValue("unit", unit, f"a unit is one of {', '.join(UNITS)}")


def to_epoch_ns(value: object, unit: Unit, field: str) -> int:
    """Read one instant.

    Args:
        value: a number or a string of digits in ``unit``, an ISO 8601 string, or a datetime
            (one without a time zone is local time, as everywhere in Python).
        unit: ``ns``, ``us``, ``ms`` or ``s``.
        field: the name of the field, for the error.

    Raises:
        BadValue: no instant, or one outside the years 1990 to 2100; then the error names
            the unit that would fit.
    """
    if isinstance(value, datetime):
        return _from_datetime(value)
    if isinstance(value, str):
        text = value.strip()
        try:
            return _from_number(Decimal(text), unit, field, value)
        except ArithmeticError:
            return _from_iso(text, field)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = Decimal(value) if isinstance(value, int) else Decimal(str(value))
        return _from_number(number, unit, field, value)
    raise BadValue(field, value, "a time is a number, an ISO 8601 string or a datetime")


def to_duration_ns(value: object, unit: Unit, field: str) -> int:
    """Read a length of time in ``unit``.

    Raises:
        BadValue: not a number.
    """
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return round(Decimal(str(value)) * NANOSECONDS[unit])
    raise BadValue(field, value, f"a duration in {unit} is a number")


def _from_number(number: Decimal, unit: Unit, field: str, given: object) -> int:
    if not number.is_finite():
        raise BadValue(field, given, "a time is a finite number")
    if _is_plausible(number, unit):
        return round(number * NANOSECONDS[unit])
    fitting = [other for other in UNITS if _is_plausible(number, other)]
    advice = (
        f'unit="{fitting[0]}" would fit'
        if fitting
        else "times count from 1970-01-01, so those of a monotonic clock cannot be used"
    )
    raise BadValue(field, given, f'with unit="{unit}" it lies outside the years 1990 to 2100; {advice}')


def _is_plausible(number: Decimal, unit: Unit) -> bool:
    return _EARLIEST <= number * NANOSECONDS[unit] < _LATEST


def _from_iso(text: str, field: str) -> int:
    try:
        # Python 3.10 does not know the "Z".
        return _from_datetime(datetime.fromisoformat(text.replace("Z", "+00:00")))
    except ValueError:
        raise BadValue(field, text, "a time is a number, an ISO 8601 string or a datetime") from None


def _from_datetime(value: datetime) -> int:
    since = value.astimezone(timezone.utc) - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
