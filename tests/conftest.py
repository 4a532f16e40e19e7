"""What all tests share."""

import contextlib
import importlib
import pkgutil

import pytest
from hypothesis import settings

import pytest_traces

# Tests that run pytest inside pytest ask for the fixture ``pytester``.
pytest_plugins = ["pytester"]

# The same examples in every run, however loaded the machine is.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")


# A run inside pytest takes back what it was the first to import; what is still held of a module
# would then be another than what the next test imports. The libraries come first, as in every
# application: importing them makes the sources import what hooks them.
_LIBRARIES = ["opentelemetry.propagate", "opentelemetry.sdk.trace", "sentry_sdk"]
_OURS = [one.name for one in pkgutil.walk_packages(pytest_traces.__path__, "pytest_traces.")]
for _name in _LIBRARIES + [one for one in _OURS if not one.endswith("__main__")]:
    with contextlib.suppress(ImportError):  # a library that this environment does not have
        importlib.import_module(_name)


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """No server of the examples, and no span of another test, has anything to do with this one."""
    from pytest_traces.recording import journal

    monkeypatch.setattr(journal, "attach", None)
    journal.past.forget()


@pytest.fixture
def own_port(monkeypatch):
    """The receiver's port of this test alone; servers that other tests started hold another."""
    from pytest_traces.sources.otlp import endpoint, server

    own = server.Port()
    monkeypatch.setattr(server, "port", own)
    monkeypatch.setattr(endpoint, "port", own)
    return own
