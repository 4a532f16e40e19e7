"""The application under test: ``POST /tickets`` and what it asks of a database and a printer."""
