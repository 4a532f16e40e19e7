"""Assertions on what ran at once, and what was waited for."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Overlapping(Looking):
    """Each raises AssertionError with the whole diagnosis."""
