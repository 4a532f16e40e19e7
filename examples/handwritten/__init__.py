"""A travel agency that traces by hand, and the tests of its traces."""
