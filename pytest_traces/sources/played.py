"""What the test itself plays: an upstream that calls, remote services that answer."""

from __future__ import annotations

from typing import Any

from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording, SpanKey
from pytest_traces.settings import PLAYED


class PlayedSource:
    """Spans of callers and stand-ins; they are put into the journal as the values they are.

    None of them is ever current in this process: only headers lead from and to them.
    """

    name = PLAYED
    random_ids = True
    excluded_scopes: frozenset[str] = frozenset()

    def open(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def current(self) -> SpanKey | None:
        """Never: the test is another process, as far as the application can tell."""
        return None

    def suppressed(self) -> bool:
        """Never."""
        return False

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Entries of this source are SpanData already.

        Raises:
            TypeError: always; the journal does not ask.
        """
        raise TypeError(f"no entry of what the test plays: {entry!r}")

    def flush(self) -> None:
        """Nothing to do."""

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Never asked for: its entries are values.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"no entry of what the test plays: {entry!r}")

    def is_idle(self) -> bool:
        """Never asked: it is not left out."""
        return True

    def captured(self, recording: Recording, spans: int) -> Capture:
        """How many spans callers and stand-ins have recorded, and what these have to say."""
        state = f"{spans} span{'' if spans == 1 else 's'} of callers and stand-ins"
        return Capture("by the test", state, tuple(recording.remarks.get(PLAYED, ())))


played = PlayedSource()
