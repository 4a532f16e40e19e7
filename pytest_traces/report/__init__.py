"""Data to words: trees as text, and what a failure says. Nothing here decides anything."""
