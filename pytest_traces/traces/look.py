"""One look at what leaves: what was sent in the part that a view shows, and all that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import CarrierData, Headers, RequestData
from pytest_traces.propagation.checking.incoming import Arrivals
from pytest_traces.propagation.checking.index import Index, key_of_span
from pytest_traces.propagation.checking.parts import Asked
from pytest_traces.recording import Recording, journal
from pytest_traces.traces.frame import Frame
from pytest_traces.traces.lens import Only, Without


@dataclass(frozen=True)
class Wanted:
    """What has to be in the headers: a format, members of tracestate and baggage."""

    format: str | None
    asked: Asked


class Look:
    """What a view shows of requests and carriers, beside every span that they may name.

    A span may have begun in the set-up, or before this recording within a wider one: its ids are
    good ones all the same.
    """

    def __init__(self, frame: Frame) -> None:
        recording, bounds = frame.recording, frame.bounds()
        self._frame = frame
        self._widest = _widest(recording)
        self.forest: Forest = frame.forest()
        self.requests: Sequence[RequestData] = [
            one for one in recording.requests_between(*bounds) if one.role != "export"
        ]
        self.carriers: Sequence[CarrierData] = recording.carriers_between(*bounds)
        self._aliases: Mapping[str, str] = {**self._widest.aliases, **recording.aliases}

    @cached_property
    def here(self) -> Index:
        """The spans of the part that is looked at."""
        return Index(self.forest)

    @cached_property
    def index(self) -> Index:
        """Every span that is known."""
        spans = self._widest.look().spans
        return self.here if len(spans) == len(self.forest.spans) else Index(assemble(spans))

    def known(self, span: Span | None) -> Span | None:
        """The span among all that are known, with all of its ancestors."""
        return None if span is None else self.index.get(key_of_span(span)) or span

    @cached_property
    def arrivals(self) -> Arrivals:
        """Every context that came in."""
        came: list[Headers] = [
            one.headers for one in self._widest.requests_between() if one.role == "incoming"
        ]
        came += [one.headers for one in self._widest.carriers_between() if one.action == "extract"]
        return Arrivals(came, self.index)

    def played_url(self, url: str) -> str | None:
        """The URL that a stand-in plays at this loopback address."""
        url = url.replace("//localhost:", "//127.0.0.1:", 1)
        for served, base in self._aliases.items():
            if url == served or url.startswith((f"{served}/", f"{served}?")):
                return base + url[len(served) :]
        return None

    def hides(self, span: Span | None) -> bool:
        """Whether the view leaves out what this span sent; what no span sent is in no subtree."""
        steps = [step for step in self._frame.steps if isinstance(step, Only | Without)]
        if not steps:
            return False
        if span is None or self.here.get(key_of_span(span)) is None:
            return any(isinstance(step, Only) for step in steps)
        return key_of_span(span) not in self._visible

    @cached_property
    def _visible(self) -> frozenset[tuple[str, str]]:
        forest = self.forest
        for step in self._frame.steps:
            if isinstance(step, Only | Without):  # what is lifted out has sent something, too
                forest = step.apply(forest)
        return frozenset(key_of_span(span) for span in forest.spans)


def _widest(recording: Recording) -> Recording:
    """Of the recordings that are open around this one the first, or this one."""
    around = [one for one in journal.windows if one.first < recording.first]
    return min(around, key=lambda one: one.first, default=recording)
