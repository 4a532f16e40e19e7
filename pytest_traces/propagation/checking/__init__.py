"""Who sent which context with what, and what is wrong with it, as data."""
