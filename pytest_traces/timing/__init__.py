"""How long, how often, what overlapped, what was waited for: as data."""
