"""What a process and its forked children tell each other, in memory that they share."""

from __future__ import annotations

import itertools
import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_FLAGS = 4096
_CHILDREN, _CHILD = 1024, struct.Struct("<q")
_ROUTE = _FLAGS + _CHILDREN * _CHILD.size
_HEAD = struct.Struct("<II")
_SIZE = _ROUTE + 65536
#: In the place of a child that has not begun.
_COMING = -1
#: It is written at once; whoever reads half of it, because another processor writes, reads again.
_TRIES = 1000


class Route(NamedTuple):
    """Where a span belongs that a forked child starts now.

    ``url``: the receiver that takes it; None for none. ``open``: the flags of the recordings that
    are open; ``lost``: those of them that get nothing of what is sent there.
    """

    url: str | None = None
    open: Sequence[int] = ()
    lost: Sequence[int] = ()


class Board:
    """A flag for each recording, which children set; who they are; and their parent's route."""

    def __init__(self) -> None:
        self._shared = mmap.mmap(-1, _SIZE)
        self._numbers = itertools.count()
        self._last = Route()
        #: Children that are gone, and whose places are free.
        self._gone: set[int] = set()

    def new_flag(self) -> int:
        """The number of a flag that nobody has set."""
        flag = next(self._numbers) % _FLAGS
        self._shared[flag] = 0
        return flag

    def raise_flags(self, flags: Iterable[int]) -> None:
        """Set them."""
        for flag in flags:
            self._shared[flag] = 1

    def is_raised(self, flag: int) -> bool:
        """Whether somebody has set it."""
        return self._shared[flag] != 0

    def expect_child(self) -> int:
        """A place for one that is about to be forked; the last of all if none is free."""
        place = next((n for n in range(_CHILDREN) if not self._child(n)), _CHILDREN - 1)
        self.enter_child(place, _COMING)
        return place

    def enter_child(self, place: int, pid: int) -> None:
        """It has begun."""
        _CHILD.pack_into(self._shared, _FLAGS + place * _CHILD.size, pid)

    def has_children(self) -> bool:
        """Whether one of them is alive, or has not begun; those that are gone are forgotten."""
        for place in range(_CHILDREN):
            pid = self._child(place)
            if pid and _is_alive(pid):
                return True
            if pid:
                self._gone.add(pid)
                self.enter_child(place, 0)
        return False

    def is_over(self, pid: object) -> bool:
        """Whether this was a child, and has ended."""
        if not isinstance(pid, int):
            return False
        if pid in [self._child(place) for place in range(_CHILDREN)]:
            return not _is_alive(pid)
        return pid in self._gone

    def _child(self, place: int) -> int:
        pid: int = _CHILD.unpack_from(self._shared, _FLAGS + place * _CHILD.size)[0]
        return pid

    def write(self, route: Route) -> None:
        """From now on this holds."""
        text = json.dumps(route).encode()
        record = _HEAD.pack(len(text), zlib.crc32(text)) + text
        self._shared[_ROUTE : _ROUTE + len(record)] = record

    def read(self) -> Route:
        """What holds now."""
        for _ in range(_TRIES):
            length, checksum = _HEAD.unpack_from(self._shared, _ROUTE)
            begin = _ROUTE + _HEAD.size
            text = self._shared[begin : begin + length]
            if text and zlib.crc32(text) == checksum:
                self._last = Route(*json.loads(text))
                break
        return self._last


def _is_alive(pid: int) -> bool:
    if pid == _COMING:
        return True
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Whether it is a child that has ended, of which nobody has taken notice; nor is it taken."""
    if not hasattr(os, "waitid"):
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except OSError:
        return False
