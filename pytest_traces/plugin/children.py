"""Other processes of pytest that run the same tests: how they are called, and what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pytest_traces.options import MEASURES

_FAILED = re.compile(r"\b(\d+) (?:failed|errors?)\b")
_LAST_LINES = 15

#: Options for somebody who sits there.
_PROMPTING = {"--pdb": False, "--trace": False}
#: Options that are of one process only, each with whether it has a value.
_OF_ONE = {
    "--basetemp": True,
    "--junitxml": True,
    "--junit-xml": True,
    "--html": True,
    "--report-log": True,
    "--log-file": True,
    "--maxfail": True,
    "--exitfirst": False,
    "-x": False,
    **_PROMPTING,
    "--lf": False,
    "--last-failed": False,
    "--ff": False,
    "--failed-first": False,
    "--nf": False,
    "--new-first": False,
    "--sw": False,
    "--stepwise": False,
    "--traces-strict": False,
    "--traces-report": True,
    "--traces-base": True,
    "--traces-timings": True,
    "--traces-update": True,
    "--traces-update-ci": False,
    "--traces-record": True,
    "--traces-prune": False,
}
#: Options that say which tests are run, and in how many processes.
_SELECTING = {
    "-k": True,
    "-m": True,
    "--deselect": True,
    "-n": True,
    "--numprocesses": True,
    "--dist": True,
    "--tx": True,
    "-d": False,
}


class Ended(NamedTuple):
    """A process of pytest that is over.

    Attributes:
        status: its exit status.
        failed: how many tests failed, as its last line says.
        output: its last lines.
    """

    status: int
    failed: int
    output: str


def same_options(args: Sequence[str], positional: Iterable[str]) -> list[str]:
    """The options of a command line that other processes share, without any choice of tests."""
    names = set(positional)
    return [one for one in _without(args, {**_OF_ONE, **_SELECTING}) if one not in names]


def same_tests(args: Sequence[str]) -> list[str]:
    """A command line without what is of one process only."""
    return _without(args, _OF_ONE)


def without_prompts(args: Sequence[Any]) -> list[str]:
    """The same command line, for a process that nobody sits at."""
    return _without([str(one) for one in args], _PROMPTING)


def _without(args: Sequence[str], options: Mapping[str, bool]) -> list[str]:
    kept: list[str] = []
    skip = False
    for arg in args:
        name, has_value, _ = arg.partition("=")
        if skip:
            skip = False
        elif name in options:
            skip = options[name] and not has_value
        elif not (arg[:2] in options and arg[1:2] != "-"):  # -n2, -kname
            kept.append(arg)
    return kept


def run_pytest(args: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Ended:
    """Run pytest in a process of its own that measures and decides nothing; wait for its end.

    Args:
        args: its command line.
        folder: where it starts.
        variables: what to add to the environment of this process.
    """
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTEST_XDIST_") and name != "PYTEST_CURRENT_TEST"
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *args, "--maxfail=0"],  # also with -vx, or an ini file's
        cwd=folder,
        env={**environ, MEASURES: "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    lines = done.stdout.decode(errors="replace").rstrip().splitlines()
    failed = sum(int(number) for number in _FAILED.findall(lines[-1])) if lines else 0
    return Ended(done.returncode, failed, "\n".join(lines[-_LAST_LINES:]))
