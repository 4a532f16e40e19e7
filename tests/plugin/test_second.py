"""The process that confirms."""

from pathlib import Path

import pytest

from pytest_traces.plugin.second import measured_again
from pytest_traces.timing.baseline.timings import Run

TEST = """
def test_a(traces):
    traces.add({"trace_id": 1, "span_id": 1, "name": "work", "start": 1_700_000_000_000, "end": 1_700_000_000_002})

def test_b(traces):
    raise ValueError
"""


@pytest.fixture
def config(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Config:
    """Of a session that was started with these options."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("CI", "true")
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(test_it=TEST)
    return pytester.parseconfig("-p", "pytest_traces.plugin", "-k", "nothing", "test_it.py")


def test_it_measures_the_tests_that_are_named(config: pytest.Config) -> None:
    """Thirty times, whatever this session has selected; those that fail are not in it."""
    found = measured_again(config, ["test_it.py::test_a", "test_it.py::test_b"])

    assert isinstance(found, Run)
    assert list(found.tests) == ["test_it.py::test_a"]
    timing = found.tests["test_it.py::test_a"]["work",]
    assert (timing.best_ns, timing.repeats) == (2_000_000, 30)
    assert not (config.rootpath / ".traces").exists()


def test_where_nothing_was_measured_it_says_so(config: pytest.Config) -> None:
    """The test has failed there, or is not there."""
    assert measured_again(config, ["test_it.py::test_b"]) == (
        "a second process measured nothing (its exit status was 1)"
    )


def test_a_worker_has_the_options_of_its_controller(config: pytest.Config) -> None:
    """Its own command line is another one."""
    config.workerinput = {"traces_arguments": ["--no-such-option"]}  # type: ignore[attr-defined]

    assert measured_again(config, ["test_it.py::test_a"]) == (
        "a second process measured nothing (its exit status was 4)"
    )
