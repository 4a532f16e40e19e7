"""How samplers of the OpenTelemetry SDK are named, and which of their parts has decided."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pytest_traces.model import Sampler

_PARENT_BASED = "ParentBased{"
#: Its parts, as it describes itself, and what each of them is where nobody has said otherwise.
_PARTS = {
    "root": "",
    "remoteParentSampled": "AlwaysOnSampler",
    "remoteParentNotSampled": "AlwaysOffSampler",
    "localParentSampled": "AlwaysOnSampler",
    "localParentNotSampled": "AlwaysOffSampler",
}
_BRACKETS = {"{": 1, "(": 1, "[": 1, "}": -1, ")": -1, "]": -1}


def describe(sampler: Any) -> str:
    """How a sampler describes itself; the name of its class where it cannot."""
    try:
        return str(sampler.get_description())
    except Exception:  # noqa: BLE001  # the application's own sampler
        return type(sampler).__name__


@lru_cache(maxsize=1_000)
def decider(description: str, parent: tuple[bool, bool] | None) -> Sampler:
    """What has decided on a span.

    Args:
        description: how the sampler of its tracer describes itself.
        parent: of its parent, whether it is of another process, and whether it is sampled; None
            for a root.
    """
    read = _read(description, 0)
    if read is None or read[1] != len(description):
        return Sampler(_short(description), yields=True)
    parts = read[0]
    words = f"{_PARENT_BASED}root:{_short(parts['root'])}}}"
    if parent is None:
        return Sampler(words, follows_caller=True, yields=True)
    remote, sampled = parent
    name = f"{'remote' if remote else 'local'}Parent{'' if sampled else 'Not'}Sampled"
    if parts[name] == _PARTS[name]:
        return Sampler(words, follows_caller=True, yields=True)
    was = "sampled" if sampled else "did not sample"
    if not remote:
        was = "is sampled" if sampled else "is not sampled"
    who = "caller" if remote else "parent"
    asked = f"{_short(parts[name])}, which {words} asks where the {who} {was}"
    return Sampler(asked, alone=True, yields=True)


def _short(description: str) -> str:
    """Without what ``ParentBased`` does with parents where that is what it nearly always is."""
    at = description.find(_PARENT_BASED)
    read = _read(description, at) if at >= 0 else None
    if read is None:
        return description
    parts, end = read
    told = (f"{name}:{_short(one)}" for name, one in parts.items() if one != _PARTS[name])
    return f"{description[:at]}{_PARENT_BASED}{','.join(told)}}}{_short(description[end:])}"


def _read(text: str, at: int) -> tuple[dict[str, str], int] | None:
    """The parts of the ``ParentBased`` that is described there, and where that ends.

    None where it is something else, or has a part that cannot be told from the next.
    """
    if not text.startswith(_PARENT_BASED, at):
        return None
    parts: dict[str, str] = {}
    at += len(_PARENT_BASED)
    for name, separator in zip(_PARTS, ",,,,}", strict=True):
        if not text.startswith(f"{name}:", at):
            return None
        first = at = at + len(name) + 1
        depth = 0
        while at < len(text) and (depth or text[at] not in ",}"):
            depth += _BRACKETS.get(text[at], 0)
            at += 1
        if text[at : at + 1] != separator:
            return None
        parts[name] = text[first:at]
        at += 1
    return parts, at
