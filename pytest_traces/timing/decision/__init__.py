"""Whether a difference of durations is a regression: statistics, as data."""
