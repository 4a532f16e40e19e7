"""The plugin can be switched off."""

import pytest


def test_without_the_plugin_there_is_no_fixture_and_no_option(pytester, monkeypatch):
    """``-p no:traces``, under the name of its entry point."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(
        """
        import sys

        def test_it(pytestconfig):
            assert not pytestconfig.pluginmanager.has_plugin("traces")
            assert "pytest_traces.plugin" not in sys.modules
            assert pytestconfig.getoption("--traces", None) is None

        def test_traces(traces):
            pass
        """
    )
    others = [option for name in ("logfire", "hypothesispytest", "django", "inline_snapshot",
              "syrupy", "pytest_httpx", "respx") for option in ("-p", f"no:{name}")]  # fmt: skip
    result = pytester.runpytest_subprocess("-p", "no:traces", *others)

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["E *fixture 'traces' not found"])


def test_the_entry_point_loads_it(pytester, monkeypatch):
    """Under the name ``traces``, without being asked for."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.makepyfile(
        """
        def test_it(pytestconfig, traces):
            assert pytestconfig.pluginmanager.has_plugin("traces")
        """
    )

    assert pytester.runpytest_inprocess("-p", "no:asyncio").ret == pytest.ExitCode.OK
