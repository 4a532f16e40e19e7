"""How a stand-in, or one of its routes, behaves."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import NamedTuple

import anyio
import anyio.lowlevel

from pytest_traces.settings import BadValue, parse_duration
from pytest_traces.wire.stand_in.patience import Patience


class Manner(NamedTuple):
    """Whether it may stay uncalled, and how long it takes to answer."""

    optional: bool = False
    delay_ns: int = 0

    def pause(self, patience: Patience) -> None:
        """Take that long, but no longer than the client waits.

        Raises:
            httpx.ReadTimeout: it waits no longer.
        """
        __tracebackhide__ = True
        if self.delay_ns:
            seconds, is_enough = self._pause(patience)
            time.sleep(seconds)
            if not is_enough:
                raise patience.end()

    async def pause_async(self, patience: Patience) -> None:
        """Take that long, but no longer than the client waits, and let others run at least once.

        Calls that are made together overlap then, as real ones do.

        Raises:
            httpx.ReadTimeout: it waits no longer.
        """
        __tracebackhide__ = True
        if not self.delay_ns:
            await anyio.lowlevel.checkpoint()
            return
        seconds, is_enough = self._pause(patience)
        await anyio.sleep(seconds)
        if not is_enough:
            raise patience.end()

    def _pause(self, patience: Patience) -> tuple[float, bool]:
        """How long to pause, and whether that is the whole delay."""
        wanted, left = self.delay_ns / 1e9, patience.left()
        return (wanted, True) if left is None or wanted < left else (left, False)


_PROMPT = Manner()


def read_manner(
    default: Manner = _PROMPT, *, optional: bool | None, delay: str | timedelta | None
) -> Manner:
    """What was asked for; None takes the default's.

    Raises:
        BadValue: ``optional`` is no bool, ``delay`` no duration.
    """
    __tracebackhide__ = True
    if optional is not None and not isinstance(optional, bool):
        raise BadValue("optional", optional, "it is True or False")
    return Manner(
        default.optional if optional is None else optional,
        default.delay_ns if delay is None else parse_duration(delay, "delay"),
    )
