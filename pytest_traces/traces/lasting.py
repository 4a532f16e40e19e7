"""Assertions on how long spans took."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Lasting(Looking):
    """Each raises AssertionError with the whole diagnosis."""
