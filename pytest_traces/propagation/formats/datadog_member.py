"""The member ``dd`` of ``tracestate``, in which Datadog's tracers keep what W3C has no field for.

Its form is that of dd-trace-py: ``s`` the sampling priority, ``o`` the origin, ``p`` the last
span of Datadog, ``t.`` and a name for each tag of the trace.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_traces.propagation.context import InvalidContext, Pairs

KEY = "dd"
_SOURCE = "Datadog, Trace Context Propagation"
_FORM = f"the member must be name:value, with semicolons ({_SOURCE})"
_PRIORITY = f"the sampling priority must be a whole number ({_SOURCE})"
_NUMBER = re.compile("-?[0-9]{1,9}")
#: What W3C allows in a value, less the characters that structure this one.
_NOT_ALLOWED = re.compile(r"[^\x20-\x2b\x2d-\x3a\x3c-\x7d]")


class DatadogMember(NamedTuple):
    """What the member says.

    Attributes:
        priority: the sampling priority, -1 to 2.
        origin: where the trace began: ``rum``, ``synthetics``.
        parent: the span id of the last span that Datadog knows, 16 hex digits.
        tags: the tags of the trace by their full names, ``_dd.p.dm``.
    """

    priority: int | None = None
    origin: str | None = None
    parent: str | None = None
    tags: Pairs = ()


def read_member(value: str) -> DatadogMember:
    """Read the value of the member ``dd``.

    Raises:
        InvalidContext: a part has no name, or the priority is no number; the rest of the
            ``tracestate`` is not concerned.

    Example:
        >>> read_member("s:2;o:rum;t.dm:-4").tags
        (('_dd.p.dm', '-4'),)
    """
    fields: dict[str, str] = {}
    for part in value.split(";"):
        name, sign, text = part.partition(":")
        if part.strip() and not sign:
            raise InvalidContext("datadog", "tracestate", value, _FORM)
        fields[name] = text.replace("~", "=")
    priority = fields.get("s")
    if priority is not None and not _NUMBER.fullmatch(priority):
        raise InvalidContext("datadog", "tracestate", value, _PRIORITY)
    return DatadogMember(
        None if priority is None else int(priority),
        fields.get("o"),
        fields.get("p"),
        tuple((f"_dd.p.{key[2:]}", text) for key, text in fields.items() if key.startswith("t.")),
    )


def write_member(member: DatadogMember) -> str:
    """The value of the member ``dd``; what W3C does not allow in it becomes ``_``.

    Example:
        >>> write_member(DatadogMember(1, "synthetics", tags=(("_dd.p.usr.id", "baz64=="),)))
        's:1;o:synthetics;t.usr.id:baz64~~'
    """
    parts: list[tuple[str, str]] = []
    if member.priority is not None:
        parts.append(("s", str(member.priority)))
    if member.origin:
        parts.append(("o", member.origin))
    if member.parent:
        parts.append(("p", member.parent))
    parts += [(f"t.{name.removeprefix('_dd.p.')}", text) for name, text in member.tags]
    return ";".join(
        f"{name}:{_NOT_ALLOWED.sub('_', text).replace('=', '~')}" for name, text in parts
    )
