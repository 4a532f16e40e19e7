"""Traces from backends: asked for over HTTP until they are complete."""
