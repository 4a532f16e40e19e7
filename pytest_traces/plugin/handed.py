"""What a process of ``--traces-record`` tells the one that has started it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pytest_traces.options import RECORDED, RECORDED_TO
from pytest_traces.timing.baseline.environment import run_key


class Handed(NamedTuple):
    """What one process has recorded.

    Attributes:
        path: the file of the timings.
        shown: how messages name it.
        tests: the tests that were recorded.
        left: those that were not, each with the reason.
    """

    path: str
    shown: str
    tests: Sequence[str]
    left: Mapping[str, str]


def hand_over(handed: Handed) -> None:
    """Tell the process that waits for it, if there is one."""
    if to := os.environ.get(RECORDED_TO):
        Path(to).write_text(json.dumps(handed._asdict()), encoding="utf-8")


def handed_over(path: Path) -> Handed | None:
    """What a process has told; None if it did not get that far."""
    try:
        return Handed(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def key_of(key: str, number: int) -> str:
    """The name of the run of one process, of which ``--traces-record`` has the first part."""
    return f"{key}.{number}"


def siblings() -> frozenset[str] | None:
    """The names of the runs that this very ``--traces-record`` has made before; None without it.

    Its processes come one after the other, so a later number is of another one, named alike.
    """
    given = os.environ.get(RECORDED)
    if given is None:
        return None
    key = run_key(os.environ).removesuffix(f".{given}")
    return frozenset(key_of(key, number) for number in range(1, int(given)))
