"""Whether an event loop runs on this thread."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from pytest_traces.traces import loops


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_library_that_is_being_imported(monkeypatch, library):
    """Another thread imports it just now; it has none of its parts yet, and no loop."""
    monkeypatch.setitem(sys.modules, library, ModuleType(library))
    assert not loops.is_running()
