"""The application under test: ``POST /checkout`` and all that it sets in motion."""
