"""The hand-written source: spans that the test or the application's own tracer provides."""

from __future__ import annotations

from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, SpanKey
from pytest_traces.sources.handwritten.blocks import current_block


class HandwrittenSource:
    """Nothing to hook: spans are put into the journal as the values they are."""

    name = "handwritten"
    random_ids = False
    excluded_scopes: frozenset[str] = frozenset()

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def current(self) -> SpanKey | None:
        """The innermost ``start_span`` block of the calling context."""
        block = current_block()
        return None if block is None else block.key

    def suppressed(self) -> bool:
        """Never."""
        return False

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Entries of this source are SpanData already.

        Raises:
            TypeError: always; the journal does not ask.
        """
        raise TypeError(f"no entry of the hand-written source: {entry!r}")

    def flush(self) -> None:
        """Nothing to do."""

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Never asked for: the ids of this source are not random.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"no entry of the hand-written source: {entry!r}")

    def is_idle(self) -> bool:
        """Never: a test can always add a span."""
        return False

    def captured(self, recording: Recording, spans: int) -> Capture:
        """How many spans were added, and which taps heard nothing."""
        state = f"{spans} span{'' if spans == 1 else 's'}" if spans else "nothing added"
        return Capture("hand-written", state, tuple(recording.remarks.get("handwritten", ())))


handwritten = HandwrittenSource()
