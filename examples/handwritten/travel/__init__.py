"""The application under test: it has its own spans and headers, and no tracing library."""
