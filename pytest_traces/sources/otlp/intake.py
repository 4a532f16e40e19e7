"""The body of an export becomes entries of the journal."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

from pytest_traces.encoding import otlp_json, otlp_proto
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.encoding.otlp_count import is_too_much, is_too_much_json
from pytest_traces.recording import Entry
from pytest_traces.settings import RECEIVED
from pytest_traces.sources.otlp.bodies import Refused

#: Half of a pair that writes one character, which JSON may have and no text.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
#: As Python has it of version 3.10.7; the time to convert digits grows with their square.
_MOST_DIGITS = 4300


class Intake(NamedTuple):
    """What a request brought: its spans, and what is wrong with those that are left out.

    See :class:`~pytest_traces.recording.Arrival`.
    """

    arrivals: list[Entry]
    rejected: list[str]


def intake(
    body: bytes, *, as_json: bool, owner: int, is_wanted: Callable[[], bool] = lambda: True
) -> Intake:
    """Read a body as far as it must be to be answered.

    The payload of an entry is a SpanData where it came as JSON. Of protobuf it is the whole body,
    to be parsed again when a test looks, and the part is the number of the span in it: of such
    entries there may be 100,000 without anybody noticing.

    Args:
        body: what came.
        as_json: in what it is written.
        owner: the first number of the recording to which its spans belong; 0 for none.
        is_wanted: asked again and again; when it says no, reading ends, with what was found.

    Raises:
        Malformed: it is no export of traces.
        Refused: its spans and attributes are too many to be parsed.
        ModuleNotFoundError: it is protobuf, and opentelemetry-proto is not installed.
    """
    rejected: list[str] = []
    if (is_too_much_json if as_json else is_too_much)(body):
        raise Refused(413, "it has too many spans and attributes: send fewer at once")
    if as_json:
        data = otlp_json.decode(_parsed(body), RECEIVED, rejected, is_wanted)
        return Intake([(RECEIVED, span.end_ns, span, owner, 0) for span in data], rejected)
    numbers, ends = otlp_proto.check(body, rejected, is_wanted)
    entries = zip(repeat(RECEIVED), ends, repeat(body), repeat(owner), numbers)
    return Intake(list(entries), rejected)


def _parsed(body: bytes) -> object:
    try:
        value = json.loads(body, parse_int=_int)
        if _SURROGATE.search(body):
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except RecursionError as error:
        raise Malformed("", "it is nested too deeply") from error
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed("", f"it is no JSON: {error}") from error
    return value


def _int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise Malformed("", f"a number in it has more than {_MOST_DIGITS} digits")
    return int(digits)
