"""Which tests there are, and in which files that is known: what may leave a baseline."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

from pytest_traces.plugin.baselines import node_id_of, parts_of

_OUTPUT = "traces_collected"


class Collected:
    """The tests of each file, and the files of which only a part was selected.

    Args:
        config: of the run.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._tests: dict[str, set[str]] = {}
        self._partial: set[str] = set()
        #: Whether this can be said of no file.
        self._unsure = bool(config.getoption("lf", False)) or self._is_narrowed_by_name()

    def _is_narrowed_by_name(self) -> bool:
        """Note the files of which single tests are named; True where they are not known."""
        for given in self._config.args:
            name, mark, _ = given.partition("::")
            if mark and self._config.getoption("pyargs", False):
                return True
            if mark:
                path = self._config.invocation_params.dir / name
                relative = os.path.relpath(path, self._config.rootpath)
                self._partial.add(relative.replace(os.sep, "/"))
        return False

    @property
    def files(self) -> list[str]:
        """The files with tests, sorted."""
        return sorted(self._tests)

    def of(self, file: str) -> set[str] | None:
        """The tests of a file, or None where that was not collected wholly."""
        if self._unsure or file in self._partial:
            return None
        return self._tests.get(file)

    def add(self, item: pytest.Item) -> None:
        """A test that was found."""
        file, name = parts_of(node_id_of(item))
        self._tests.setdefault(file, set()).add(name)

    def leave_out(self, items: Iterable[pytest.Item]) -> None:
        """Tests that were found and will not run."""
        self._partial.update(parts_of(node_id_of(item))[0] for item in items)

    def look_at(self, report: pytest.CollectReport) -> None:
        """A file that cannot be imported, or is skipped, may have tests."""
        if report.outcome != "passed":
            self._partial.add(parts_of(report.nodeid)[0])

    def send(self) -> None:
        """From a worker of pytest-xdist to whoever writes."""
        output: Any = getattr(self._config, "workeroutput", {})
        output[_OUTPUT] = {
            "tests": {file: sorted(names) for file, names in self._tests.items()},
            "partial": sorted(self._partial),
        }

    def receive(self, node: Any) -> None:
        """What a worker of pytest-xdist has sent, if it came to its end."""
        output = getattr(node, "workeroutput", {}).get(_OUTPUT)
        if output is None:
            return
        self._partial.update(output["partial"])
        for file, names in output["tests"].items():
            self._tests.setdefault(file, set()).update(names)
