"""Where the baselines of this run are: files, the environment, the names of tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.settings import Settings
from pytest_traces.timing.baseline.environment import environment_key
from pytest_traces.timing.baseline.structure_file import structure_path
from pytest_traces.timing.baseline.timings_file import timings_path


def workers_of(config: pytest.Config) -> int:
    """How many processes of pytest-xdist run the tests; 0 without it. The same in all of them."""
    given: Any = getattr(config, "workerinput", {})
    if "workercount" in given:
        return int(given["workercount"])
    if config.getoption("dist", "no") == "no":
        return 0
    return sum(_number_of(spec) for spec in config.getoption("tx", None) or ())


def _number_of(spec: str) -> int:
    number, star, _ = spec.partition("*")
    return int(number) if star and number.isdecimal() else 1


def environment_of(config: pytest.Config) -> str:
    """The name of the environment in which the tests run."""
    return environment_key(workers_of(config))


def timings_place(config: pytest.Config, settings: Settings) -> tuple[Path, str]:
    """The file of the timings of this environment, and how messages name it."""
    path = timings_path(Path(settings.timings), environment_of(config))
    return path, shown_path(config, path)


def structure_place(config: pytest.Config, test_file: str) -> tuple[Path, str]:
    """The file of the structure of a test file, and how messages name it.

    Args:
        config: of the run.
        test_file: the first part of the node ids of its tests.
    """
    path = structure_path(Path(os.path.normpath(config.rootpath / test_file)))
    return path, shown_path(config, path)


def shown_path(config: pytest.Config, path: Path) -> str:
    """The path from the root of the project where it is below it, with slashes."""
    try:
        return path.relative_to(config.rootpath).as_posix()
    except ValueError:
        return str(path)


def node_id_of(item: pytest.Item) -> str:
    """The node id of a test, without the group that pytest-xdist adds to it."""
    if not hasattr(item.config, "workerinput"):
        return item.nodeid
    groups = {
        str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
        for mark in item.iter_markers("xdist_group")
    }
    return item.nodeid.removesuffix("@" + "_".join(sorted(groups))) if groups else item.nodeid


def parts_of(node_id: str) -> tuple[str, str]:
    """The test file, and the name of the test in it."""
    file, _, name = node_id.partition("::")
    return file, name or file
