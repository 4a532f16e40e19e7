"""What the summary at the end of a run says beside the verdicts."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

_MOST = 20
_WIDTH = 100

#: A test, what is to be said of it, and its inherited limits that apply to nothing.
Noted = tuple[str, list[str], list[str]]


def write_sections(reporter: pytest.TerminalReporter, section: str) -> None:
    """What the tests that have passed have in a section of this name."""
    for report in reporter.getreports("passed"):
        for title, text in report.sections:
            if title == section:
                reporter.section(f"traces of {report.nodeid}", sep="-")
                reporter.line(text)


def write_notes(reporter: pytest.TerminalReporter, noted: Sequence[Noted]) -> None:
    """The notes of the tests, each once, and how many limits did not apply."""
    notes = list(dict.fromkeys((nodeid, note) for nodeid, those, _ in noted for note in those))
    idle = Counter(limit for _, _, limits in noted for limit in limits)
    reporter.section("traces: notes")
    last = None
    for nodeid, note in notes[:_MOST]:
        if nodeid != last:
            reporter.line(nodeid)
        last = nodeid
        reporter.line(textwrap.fill(note, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    if len(notes) > _MOST:
        reporter.line(f"and {len(notes) - _MOST:,} more")
    for limit, number in idle.items():
        tests = "1 test" if number == 1 else f"{number:,} tests"
        reporter.line(f"not applicable in {tests}: {limit}")


def write_unclaimed(reporter: pytest.TerminalReporter, counts: Mapping[str, int]) -> None:
    """What servers have sent between the tests, or after the one that it belongs to."""
    total = sum(counts.values())
    shown = [
        f"{number} × {name}" if number > 1 else name for name, number in sorted(counts.items())
    ]
    names = ", ".join(shown[:_MOST]) + (", …" if len(shown) > _MOST else "")
    reporter.section("traces: received for no test")
    spans = "1 span" if total == 1 else f"{total:,} spans"
    text = f"{spans} came to traces_receiver and belonged to no test that was running: {names}"
    reporter.line(textwrap.fill(text, _WIDTH))
