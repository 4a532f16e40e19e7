"""Assertions on what a trace costs: spans, depth, bytes."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Spending(Looking):
    """Each raises AssertionError with the whole diagnosis."""
