"""Times as people write them, to nanoseconds since the Unix epoch."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal, InvalidOperation
from typing import Literal, get_args

from pytest_traces.settings import NANOSECONDS, BadValue, parse_duration

Unit = Literal["ns", "us", "ms", "s"]

UNITS: tuple[Unit, ...] = get_args(Unit)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EARLIEST = int(datetime(1990, 1, 1, tzinfo=timezone.utc).timestamp()) * NANOSECONDS["s"]
_LATEST = int(datetime(2101, 1, 1, tzinfo=timezone.utc).timestamp()) * NANOSECONDS["s"]
_OUTSIDE = "outside the years 1990 to 2100"
_A_TIME = "a time is a number, an ISO 8601 text or a datetime"

# Not the context of the application, which may round to six digits.
_EXACT = Context(prec=60, traps=[InvalidOperation])
_FRACTION = re.compile(r"(.*:\d\d)[.,](\d+)(.*)")
_ZULU = re.compile(r"[zZ]$")


def check_unit(unit: object) -> Unit:
    """Return the unit if it is one.

    Raises:
        BadValue: it is none of ``ns``, ``us``, ``ms``, ``s``.
    """
    for known in UNITS:
        if unit == known:
            return known
    raise BadValue("unit", unit, f"a unit is one of {', '.join(UNITS)}")


def to_epoch_ns(value: object, unit: Unit, field: str, *, stated: bool = False) -> int:
    """Read one instant.

    Args:
        value: a number or a text of digits in ``unit``, an ISO 8601 text, or a datetime
            (one without a time zone is local time, as everywhere in Python).
        unit: ``ns``, ``us``, ``ms`` or ``s``.
        field: the name of the field, for the error.
        stated: whether the name of the field states the unit, so that no argument changes it.

    Raises:
        BadValue: no instant, or one outside the years 1990 to 2100; then the error names
            the unit that would fit.
    """
    if isinstance(value, datetime):
        return _checked(_from_datetime(value, value, field), value, field)
    number = _number(value)
    if number is not None:
        return _from_number(number, unit, field, value, stated=stated)
    if isinstance(value, str):
        return _checked(_from_iso(value, field), value, field)
    raise BadValue(field, value, _A_TIME)


def to_duration_ns(value: object, unit: Unit, field: str) -> int:
    """Read a length of time: a number in ``unit``, a timedelta, or text such as ``"50ms"``.

    Raises:
        BadValue: none of these, or negative.
    """
    number = _number(value)
    if number is not None and number.is_finite() and number >= 0:
        return round(_EXACT.multiply(number, NANOSECONDS[unit]))
    if number is None and isinstance(value, str | timedelta):
        return parse_duration(value, field)
    raise BadValue(field, value, f"a duration in {unit} is a number, and not negative")


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        # The shortest text of a float is what was meant: 0.1, not 0.1000000000000000055.
        exact = value if isinstance(value, int | Decimal) else str(value).strip()
        return _EXACT.create_decimal(exact)
    except InvalidOperation:
        return None


def _from_number(number: Decimal, unit: Unit, field: str, given: object, *, stated: bool) -> int:
    if not number.is_finite():
        raise BadValue(field, given, "a time is a finite number")
    if _is_plausible(number, unit):
        return round(_EXACT.multiply(number, NANOSECONDS[unit]))
    fitting = [other for other in UNITS if _is_plausible(number, other)]
    if not fitting:
        advice = "times count from 1970-01-01, so those of a monotonic clock cannot be used"
    else:
        advice = f"{fitting[0]} would fit" if stated else f'unit="{fitting[0]}" would fit'
    reading = f"in {unit}, as its name says," if stated else f'with unit="{unit}"'
    raise BadValue(field, given, f"{reading} it lies {_OUTSIDE}; {advice}")


def _is_plausible(number: Decimal, unit: Unit) -> bool:
    return _EARLIEST <= _EXACT.multiply(number, NANOSECONDS[unit]) < _LATEST


def _checked(nanoseconds: int, given: object, field: str) -> int:
    if _EARLIEST <= nanoseconds < _LATEST:
        return nanoseconds
    raise BadValue(field, given, f"it lies {_OUTSIDE}")


def _from_iso(text: str, field: str) -> int:
    # Fractions apart: a datetime keeps six digits, and Python 3.10 reads only three or six.
    whole, nanoseconds = text.strip(), 0
    found = _FRACTION.fullmatch(whole)
    if found is not None:
        whole, nanoseconds = found[1] + found[3], int(found[2][:9].ljust(9, "0"))
    try:
        moment = datetime.fromisoformat(_ZULU.sub("+00:00", whole))  # nor does it know the "Z"
    except ValueError:
        raise BadValue(field, text, _A_TIME) from None
    return _from_datetime(moment, text, field) + nanoseconds


def _from_datetime(value: datetime, given: object, field: str) -> int:
    try:
        since = value.astimezone(timezone.utc) - _EPOCH
    except (OverflowError, OSError, ValueError):  # near the first and the last year there is
        raise BadValue(field, given, f"it lies {_OUTSIDE}") from None
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
