"""The application under test: what a bakery has been asked for, and what it can offer."""
