"""One module for each format of context headers."""
