"""Traces from files, and from backends: spans that others have recorded."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_traces.encoding.malformed import Malformed
from pytest_traces.model import SpanData
from pytest_traces.recording import Capture, Recording
from pytest_traces.settings import LOADED, BadValue
from pytest_traces.sources.played import PlayedSource

_NOTES = 5


class UnreadableTrace(ValueError):
    """What was read is no trace: the file or the URL, the place in it, and the reason.

    Attributes:
        origin: the path or the URL, as it was given.
        where: the place: ``line 3``, ``data[0].spans[2].startTime``, ``byte 17``; empty for the
            whole.
        why: what is wrong there.
    """

    def __init__(self, origin: str, where: str, why: str) -> None:
        super().__init__(origin, where, why)
        self.origin = origin
        self.where = where
        self.why = why

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"not a trace: {self.origin}\n  {place}{self.why}\n  nothing of it was kept"


class LoadedSource(PlayedSource):
    """Spans of files and backends; they, too, are put into the journal as the values they are.

    The same file may be loaded by any number of tests: that a parent was in an earlier one says
    nothing.
    """

    name = LOADED
    random_ids = False

    def captured(self, recording: Recording, spans: int) -> Capture:
        """How many spans were loaded, and from where."""
        origins = list(recording.remarks.get(LOADED, ()))
        if len(origins) == 1:
            return Capture("loaded", origins[0])
        notes = origins[:_NOTES]
        if len(origins) > _NOTES:
            notes.append(f"and {len(origins) - _NOTES:,} more")
        return Capture("loaded", f"{spans:,} span{'' if spans == 1 else 's'}", tuple(notes))


loaded = LoadedSource()


def read_file(path: object) -> list[SpanData]:
    """The spans of a file in any known format.

    Raises:
        BadValue: that is no path.
        OSError: the file cannot be read.
        UnreadableTrace: it holds no trace.
        ModuleNotFoundError: it is protobuf, and opentelemetry-proto is not installed.
    """
    if not isinstance(path, str | os.PathLike):
        raise BadValue("path", path, "it is the path of a file")
    origin = os.fsdecode(path)
    return read_trace(Path(origin).read_bytes(), origin)


def read_trace(
    data: bytes, origin: str, *, is_answer: bool = False, parts: list[str] | None = None
) -> list[SpanData]:
    """The spans in what was read from there.

    Args:
        data: all of it.
        origin: where it was read from.
        is_answer: whether it is what a backend says when it is asked for one trace.
        parts: gets what the backend says where it gives a trace only in part.

    Raises:
        UnreadableTrace: it is no trace, or only a part of one and there is no ``parts``.
        ModuleNotFoundError: it is protobuf, and opentelemetry-proto is not installed.
    """
    from pytest_traces.encoding.contents import read

    try:
        return read(data, LOADED, is_answer=is_answer, parts=parts)
    except Malformed as error:
        raise UnreadableTrace(origin, error.where, error.why) from None
    except MemoryError:
        raise UnreadableTrace(origin, "", "to read it takes more memory than there is") from None
