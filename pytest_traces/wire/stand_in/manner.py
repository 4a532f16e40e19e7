"""How a stand-in, or one of its routes, behaves."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import NamedTuple

import anyio
import anyio.lowlevel

from pytest_traces.settings import BadValue, parse_duration


class Manner(NamedTuple):
    """Whether it may stay uncalled, and how long it takes to answer."""

    optional: bool = False
    delay_ns: int = 0

    def pause(self) -> None:
        """Take that long."""
        if self.delay_ns:
            time.sleep(self.delay_ns / 1e9)

    async def pause_async(self) -> None:
        """Take that long, and let others run at least once.

        Calls that are made together overlap then, as real ones do.
        """
        if self.delay_ns:
            await anyio.sleep(self.delay_ns / 1e9)
        else:
            await anyio.lowlevel.checkpoint()


_PROMPT = Manner()


def read_manner(
    default: Manner = _PROMPT, *, optional: bool | None, delay: str | timedelta | None
) -> Manner:
    """What was asked for; None takes the default's.

    Raises:
        BadValue: ``optional`` is no bool, ``delay`` no duration.
    """
    if optional is not None and not isinstance(optional, bool):
        raise BadValue("optional", optional, "it is True or False")
    return Manner(
        default.optional if optional is None else optional,
        default.delay_ns if delay is None else parse_duration(delay, "delay"),
    )
