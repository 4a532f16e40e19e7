"""Assertions on counted work."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Working(Looking):
    """Each raises AssertionError with the whole diagnosis."""
