"""What the rest of this package knows of a library: the contract that every source keeps.

And how all that is begun with a recording is ended with it, whatever fails on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from pytest_traces.model import SpanData
from pytest_traces.recording.journaling import SpanKey

if TYPE_CHECKING:
    from pytest_traces.recording import Recording


class Capture(NamedTuple):
    """What one source has to say about a recording, for "what was captured"."""

    title: str
    state: str
    notes: tuple[str, ...] = ()
    hint: str | None = None


class Part(Protocol):
    """What begins with the first open recording and ends with the last."""

    def open(self) -> None:
        """Install what is needed."""

    def close(self) -> None:
        """Restore what was changed."""

    def flush(self) -> None:
        """Bring the open recordings up to date; called before each look."""


class Source(Part, Protocol):
    """The contract between a library that emits spans and the rest of this package."""

    name: str
    #: Ids are random, so a parent id that belongs to an earlier test proves a late span.
    random_ids: bool
    #: Scopes whose spans are left out, also as parents.
    excluded_scopes: frozenset[str]

    def open(self) -> None:
        """Begin to put spans into the journal; called when the first recording opens."""

    def close(self) -> None:
        """Stop, and restore what was changed; called when the last recording has closed."""

    def current(self) -> SpanKey | None:
        """The span that is current in the calling context; asked, too, when a recording opens."""
        ...

    def suppressed(self) -> bool:
        """Whether the calling context tells instrumentation to keep silent."""
        ...

    def past_key(self, entry: tuple[Any, ...]) -> int:
        """Trace id and span id of an ended span's entry as one number, without decoding it."""
        ...

    def decode(self, entry: tuple[Any, ...]) -> SpanData:
        """Read one of this source's journal entries."""
        ...

    def is_idle(self) -> bool:
        """Whether nothing could come from it even if it were recorded; asked if it is left out."""
        ...

    def captured(self, recording: Recording, spans: int) -> Capture:
        """Say whether and how this source captured, and why perhaps not."""
        ...


@runtime_checkable
class SharesContext(Protocol):
    """A source whose context several tasks may share, and which outlives whoever has set it.

    What is current there need not be the caller's own.
    """

    def innermost(self) -> SpanKey | None:
        """The span within which the caller seems to be, which need not be the current one."""
        ...

    def begun_here(self) -> set[SpanKey]:
        """The open spans that have begun in the calling context, or in one that it is copied of."""
        ...

    def continued(self) -> SpanKey | None:
        """The remote parent that is set in the calling context for whatever begins there next."""
        ...


class Lifeline(Protocol):
    """Brings the spans of forked children to their parent."""

    @property
    def url(self) -> str:
        """Where they are sent."""
        ...

    def serves(self, recording: Recording, *, forked: bool) -> bool:
        """Whether that recording gets all of them that belong there.

        Args:
            recording: one that is open.
            forked: whether the process was forked during it.
        """
        ...

    def expect(self) -> None:
        """From now on children may send."""


class SupportsLostSpans(Protocol):
    """Knows whether a forked child took spans with it."""

    def lost_spans(self, recording: Recording) -> bool:
        """Whether a forked child has started a span that belongs there and is not there."""
        ...


def begin(parts: Sequence[Part]) -> None:
    """Open them all; where one of them cannot, those before it are closed again."""
    opened: list[Part] = []
    try:
        for part in parts:
            opened.append(part)
            part.open()
    except BaseException:
        for part in reversed(opened):
            part.close()
        raise


def run(endings: list[Callable[[], str | None]]) -> list[str]:
    """Run every ending, the last one first; returns what they complain about."""
    faults = []
    while endings:
        try:
            fault = endings.pop()()
        except Exception as error:  # noqa: BLE001  # the other endings have to run
            fault = f"could not undo a hook: {type(error).__name__}: {error}"
        if fault is not None:
            faults.append(fault)
    return faults
