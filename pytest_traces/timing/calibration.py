"""A fixed piece of work that says how fast this process is, where too few paths can say it."""

from __future__ import annotations

from collections.abc import Callable

from pytest_traces.recording.journaling import Clock

_ROUNDS = 3
_STEPS = 4_000


def calibrate(clock: Callable[[], int] = Clock.perf_counter_ns) -> int:
    """The best time of a small loop of pure Python, in nanoseconds; some milliseconds in all.

    It is the same work in every version, or recorded figures would mean something else.
    """
    best = 0
    for _ in range(_ROUNDS):
        begun = clock()
        _work()
        took = max(1, clock() - begun)
        best = min(best, took) if best else took
    return best


def _work() -> int:
    """Calls, attributes, dictionaries and numbers, as most code has them."""
    counts: dict[int, int] = {}
    total = 0
    for step in range(_STEPS):
        slot = step % 17
        counts[slot] = counts.get(slot, 0) + step
        total += len(str(step))
    return total + len(counts)
