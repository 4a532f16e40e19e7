"""Scripts that print what something costs, or sees, as ratios measured in one run."""
