"""What is wanted of a tree of spans, and how a recorded one differs from it, as data."""
