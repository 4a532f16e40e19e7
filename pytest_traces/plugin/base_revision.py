"""Timings of another revision, recorded in this very job: ``--traces-base=REV``.

The best baseline on machines that differ: the same machine, minutes ago. The revision is checked
out to a temporary folder, the same tests run there in fresh processes, and the folder goes again.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_traces.plugin.children import Ended, run_pytest, same_tests

#: Processes that run the tests of the base; a verdict takes three.
PROCESSES = 5
_WHERE = "--traces-base"
_NOTHING_COLLECTED = 5


class Checkout:
    """A git worktree of a revision, in a folder that must not exist yet.

    Args:
        inside: a folder of the repository.
        revision: anything that git takes for a commit.
        folder: where to put it.

    Raises:
        pytest.UsageError: not in a git repository, an unknown revision, or git cannot check it out.
    """

    def __init__(self, inside: Path, revision: str, folder: Path) -> None:
        top = _git(["rev-parse", "--show-toplevel"], inside)
        if top is None:
            raise pytest.UsageError(f"{_WHERE}: {inside} is not in a git repository")
        self.top = Path(top)
        commit = _git(["rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"], inside)
        if commit is None:
            raise pytest.UsageError(
                f"{_WHERE}: {revision!r} is not usable; it is a commit, a branch or a tag of the "
                "repository (a shallow clone has few: fetch it first)"
            )
        self.commit = commit
        self.folder = folder
        try:
            done = _git(["worktree", "add", "--detach", str(folder), commit], self.top)
        except BaseException:  # somebody does not want to wait for it
            self.close()
            raise
        if done is None:
            self.close()
            raise pytest.UsageError(f"{_WHERE}: git cannot check {revision!r} out to {folder}")

    def place(self, path: Path) -> Path:
        """Where a folder of the repository is in the checkout."""
        with suppress(ValueError):
            return self.folder / path.resolve().relative_to(self.top.resolve())
        return path

    def arguments(self, args: Sequence[str]) -> list[str]:
        """The same command line; absolute paths into the repository lead to the checkout."""
        tops = {str(self.top), str(self.top.resolve())}
        moved = []
        for arg in args:
            name, equals, value = arg.rpartition("=") if arg.startswith("--") else ("", "", arg)
            for top in tops:
                if value == top or value.startswith(top + os.sep):
                    value = str(self.folder) + value[len(top) :]
                    break
            moved.append(f"{name}{equals}{value}")
        return moved

    def variables(self, root: Path) -> dict[str, str]:
        """Imports find the checkout first, also what is installed in editable mode.

        Args:
            root: the folder of the project, which may be a part of the repository.
        """
        moved = [(one, self.place(Path(one))) for one in sys.path if one]
        paths = [there for one, there in moved if there != Path(one)]
        for top in (self.place(root), self.folder):
            paths += [top / "src", top]
        parts = [str(one) for one in dict.fromkeys(paths) if one.is_dir()]
        given = os.environ.get("PYTHONPATH")
        return {"PYTHONPATH": os.pathsep.join([*parts, *([given] if given else [])])}

    def close(self) -> None:
        """Take it away again, whatever is in it."""
        _git(["worktree", "remove", "--force", "--force", str(self.folder)], self.top)
        _git(["worktree", "prune"], self.top)


def _git(args: Sequence[str], folder: Path) -> str | None:
    """What git prints; None if it fails, or is not there."""
    # The hooks of git set these, for the repository they are of.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", *args], cwd=folder, env=environ, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def record_base(config: pytest.Config, revision: str, temporary: Path) -> tuple[Path, str]:
    """Record the timings of a revision, by the tests that this command line asks for.

    Args:
        config: of this session.
        revision: what ``--traces-base`` says.
        temporary: an empty folder; the timings are in it afterwards, the checkout is not.

    Returns:
        The folder of the timings, and what there is to say of the runs.

    Raises:
        pytest.UsageError: there is no such revision, or its tests cannot be run.
    """
    timings = temporary / "timings"
    checkout = Checkout(config.rootpath, revision, temporary / "checkout")
    try:
        start = checkout.place(config.invocation_params.dir)
        if not start.is_dir():
            raise pytest.UsageError(
                f"{_WHERE}: {revision!r} has no folder {start.relative_to(checkout.folder)}, "
                "in which this pytest was started"
            )
        args = checkout.arguments([str(one) for one in same_tests(config.invocation_params.args)])
        ended = [
            run_pytest(
                [
                    *args,
                    *_cache(config, temporary),
                    "--traces-update=timings",
                    "--traces-update-ci",
                    f"--traces-timings={timings}",
                    f"--basetemp={temporary / 'tmp'}",
                ],
                start,
                {
                    **checkout.variables(config.rootpath),
                    "PYTEST_TRACES_RUN": f"base-{number}",
                    "COVERAGE_FILE": str(temporary / ".coverage"),
                },
            )
            for number in range(1, PROCESSES + 1)
        ]
    finally:
        checkout.close()
    return timings, _said_of(ended, revision, checkout.commit)


def _cache(config: pytest.Config, temporary: Path) -> list[str]:
    """What failed there is not what failed here; the options on it stay known."""
    if not config.pluginmanager.hasplugin("cacheprovider"):
        return []
    return ["-o", f"cache_dir={temporary / 'cache'}"]


def _said_of(ended: Sequence[Ended], revision: str, commit: str) -> str:
    for one in ended:
        if one.status not in (0, 1, _NOTHING_COLLECTED):
            raise pytest.UsageError(
                f"{_WHERE}: the tests of {revision!r} cannot be run "
                f"(exit status {one.status}):\n\n{one.output}"
            )
    text = f"base {revision} ({commit[:10]}): measured by {len(ended)} processes"
    failed = max(one.failed for one in ended)
    if failed == 1:
        text += "; 1 test failed there, and has no baseline"
    elif failed:
        text += f"; {failed} tests failed there, and have no baseline"
    return text
