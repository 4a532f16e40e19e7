"""Assertions on this run, compared with earlier ones."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Comparing(Looking):
    """Each raises AssertionError with the whole diagnosis."""
