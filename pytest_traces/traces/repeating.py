"""Assertions on the same work done over and over."""

from __future__ import annotations

from pytest_traces.traces.looking import Looking


class Repeating(Looking):
    """Each raises AssertionError with the whole diagnosis."""
