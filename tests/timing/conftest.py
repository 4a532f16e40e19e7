"""Forests with exact times, and the folder of oracles."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.model import SpanData
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits, roots_of

Timed = Callable[..., Forest]


def forest_of_rows(*rows: tuple[Any, ...], **fields: Any) -> Forest:
    """Each row is ``name, place of the parent or None, start, end`` and perhaps a kind."""
    return assemble(
        SpanData(
            name,
            "ab" * 16,
            f"{place:016x}",
            None if parent is None else f"{parent:016x}",
            start,
            end,
            kind=kind[0] if kind else "internal",
            **{key: value[place] for key, value in fields.items()},
        )
        for place, (name, parent, start, end, *kind) in enumerate(rows)
    )


@pytest.fixture(scope="session")
def timed() -> Timed:
    """Makes a forest of rows."""
    return forest_of_rows


@pytest.fixture(scope="session")
def tree() -> Callable[..., Waits]:
    """Makes the tree below the main root of rows, or of a forest."""

    def tree(*rows: Any) -> Waits:
        forest = rows[0] if isinstance(rows[0], Forest) else forest_of_rows(*rows)
        timeline = Timeline(forest.spans)
        return Waits(roots_of(forest.spans, timeline)[0], timeline)

    return tree


@pytest.fixture(scope="session")
def named() -> Callable[[Forest], dict[str, Span]]:
    """The spans of a forest by their names."""
    return lambda forest: {span.name: span for span in forest.spans}


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Any]:
    """Reads a file of cases that others wrote; skips where the folder is absent."""
    asked = os.environ.get("PYTEST_TRACES_ORACLES")
    folder = Path(asked) if asked else Path(__file__).parents[3] / "shared" / "oracles"

    def read(name: str) -> Any:
        if not asked and not folder.is_dir():
            pytest.skip(f"no oracles at {folder}")
        return json.loads((folder / name).read_text(encoding="utf-8"))

    return read
