"""Baggage in headers of its own: ``uberctx-*`` of Jaeger and ``ot-baggage-*`` of OpenTracing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import Problem
from pytest_traces.propagation.members import (
    MOST_BYTES,
    MOST_MEMBERS,
    TOKEN,
    BaggageMember,
    members_of,
)
from pytest_traces.settings import BadValue

_TEXT = re.compile(r"([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?")
_NO_TOKEN = "a key must be a token (RFC 9110, 5.6.2)"
_TOO_LONG = f"what is beyond {MOST_BYTES} bytes or {MOST_MEMBERS} members is dropped"


class Prefixed(NamedTuple):
    """How a format writes a member into a header.

    Attributes:
        prefix: what the name of the header begins with, in lower case; the key follows.
        encoded: whether the value is URL-encoded.
        listing: a header with all members at once, or "".
    """

    prefix: str
    encoded: bool
    listing: str

    def read(self, headers: Headers) -> tuple[tuple[BaggageMember, ...], tuple[Problem, ...]]:
        """The members, and what was dropped: what W3C Baggage does not carry, neither do these."""
        members: list[BaggageMember] = []
        problems: list[Problem] = []
        room = MOST_BYTES
        for key, header in headers.starting(self.prefix):
            room -= len(key) + len(header.value)
            if room < 0 or len(members) == MOST_MEMBERS:
                problems.append(header.problem(_TOO_LONG))
                break
            if TOKEN.fullmatch(key):
                members.append(BaggageMember(key, self._value(header)))
            else:
                problems.append(header.problem(_NO_TOKEN))
        listed, broken = members_of(headers.all(self.listing) if self.listing else ())
        return (*members, *listed), (*problems, *broken)

    def _value(self, header: Header) -> str:
        return unquote(header.text) if self.encoded else header.text

    def write(self, members: Iterable[BaggageMember]) -> dict[str, str]:
        """A header for each member; its key is a part of the header's name.

        Raises:
            BadValue: a value that cannot stand in a header as it is.
        """
        written: dict[str, str] = {}
        for member in members:
            if not self.encoded and not _TEXT.fullmatch(member.value):
                raise BadValue("baggage", member.value, "this format sends printable ASCII only")
            value = quote(member.value) if self.encoded else member.value
            written[f"{self.prefix}{member.key}"] = value
        return written


#: Jaeger, Client Libraries, "Baggage"; its header for tests and curl is a list as W3C's.
JAEGER = Prefixed("uberctx-", encoded=True, listing="jaeger-baggage")
#: OpenTelemetry, Propagators API, "OT Trace".
OTTRACE = Prefixed("ot-baggage-", encoded=False, listing="")
