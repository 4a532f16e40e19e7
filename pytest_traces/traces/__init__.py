"""What a test holds. Alone here AssertionError is raised."""
