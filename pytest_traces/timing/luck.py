"""Whether it is a matter of luck that spans of several threads overlap."""

from __future__ import annotations

from collections.abc import Collection

from pytest_traces.forest import Span

#: The interpreter lets another thread run every 5 ms (sys.getswitchinterval); a span that is much
#: shorter is often over before the next thread has a turn.
SHORT_NS = 20_000_000


def is_luck(spans: Collection[Span]) -> bool:
    """Whether the spans ran in several threads, and each was short: on the CPU and in waiting.

    False where the source has not read the clocks of the threads.
    """
    threads = {span.data.stamps.start_thread for span in spans if span.data.stamps is not None}
    return len(threads) > 1 and all(_is_short(span) for span in spans)


def _is_short(span: Span) -> bool:
    stamps, elapsed = span.data.stamps, span.elapsed_ns
    if stamps is None or stamps.cpu_end_ns is None or elapsed is None:
        return False
    if stamps.end_thread != stamps.start_thread:
        return False
    used = stamps.cpu_end_ns - stamps.cpu_start_ns
    return used < SHORT_NS and elapsed - used < SHORT_NS
