"""What all tests share."""

import pytest
from hypothesis import settings

# Tests that run pytest inside pytest ask for the fixture ``pytester``.
pytest_plugins = ["pytester"]

# The same examples in every run, however loaded the machine is.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")


@pytest.fixture
def own_port(monkeypatch):
    """The receiver's port of this test alone; servers that other tests started hold another."""
    from pytest_traces.sources.otlp import endpoint, server

    own = server.Port()
    monkeypatch.setattr(server, "port", own)
    monkeypatch.setattr(endpoint, "port", own)
    return own
