"""What all tests share."""

from hypothesis import settings

# Tests that run pytest inside pytest ask for the fixture ``pytester``.
pytest_plugins = ["pytester"]

# The same examples in every run, however loaded the machine is.
settings.register_profile("steady", deadline=None, derandomize=True, database=None)
settings.load_profile("steady")
