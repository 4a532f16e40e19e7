"""The process that confirms: it measures tests again, alone, and decides nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_traces.plugin.children import run_pytest, same_options
from pytest_traces.timing.baseline.timings import Run
from pytest_traces.timing.baseline.timings_file import load_timings
from pytest_traces.timing.decision.rule import STAGES

#: The command line of the controller, for workers of pytest-xdist, which have another one.
ARGUMENTS = "traces_arguments"


def options_of(config: pytest.Config) -> list[str]:
    """What another process has in common with this one, without any choice of tests."""
    given = getattr(config, "workerinput", {})
    if ARGUMENTS in given:
        return [str(one) for one in given[ARGUMENTS]]
    args = [str(one) for one in config.invocation_params.args]
    options = same_options(args, config.args)
    return [*options, "-n0"] if config.pluginmanager.hasplugin("xdist") else options


def measured_again(config: pytest.Config, tests: Sequence[str]) -> Run | str:
    """What a second process measures of the tests; or why there is nothing."""
    with tempfile.TemporaryDirectory(prefix="pytest-traces-") as name:
        folder = Path(name)
        args = [
            *options_of(config),
            f"--rootdir={config.rootpath}",
            "--traces-update=timings",
            "--traces-update-ci",
            f"--traces-timings={folder / 'timings'}",
            f"--basetemp={folder / 'tmp'}",
            "-o",
            f"traces_repeats={STAGES[-1]}",
            *(f"{config.rootpath}/{test}" for test in tests),
        ]
        variables = {"COVERAGE_FILE": str(folder / ".coverage"), "PYTEST_TRACES_RUN": "second"}
        ended = run_pytest(args, config.invocation_params.dir, variables)
        return _only_run(folder / "timings") or (
            f"a second process measured nothing (its exit status was {ended.status})"
        )


def _only_run(folder: Path) -> Run | None:
    for path in folder.glob("*.json"):  # one environment, one run
        found = load_timings(path, path.name)
        return found.runs[-1] if found is not None and found.runs else None
    return None
