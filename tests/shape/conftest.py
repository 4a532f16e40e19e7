"""Forests from nested lists, and the folder of oracles."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import SpanData

Tree = list[Any]


def forest_of_lists(*trees: Tree) -> Forest:
    """Each tree is ``[name, child, ...]``; starts follow the order in which they are written."""
    data: list[SpanData] = []
    stack: list[tuple[Tree, str | None]] = [(tree, None) for tree in reversed(trees)]
    while stack:
        tree, parent = stack.pop()
        number = len(data) + 1
        span_id = f"{number:016x}"
        start = 10**18 + number
        data.append(SpanData(tree[0], "ab" * 16, span_id, parent, start, start + 5))
        stack.extend((child, span_id) for child in reversed(tree[1:]))
    return assemble(data)


@pytest.fixture(scope="session")
def grown() -> Callable[..., Forest]:
    """Makes a forest of nested lists."""
    return forest_of_lists


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
