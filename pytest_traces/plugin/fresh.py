"""``--traces-record=N``: the same pytest again and again, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_traces.options import RECORDED
from pytest_traces.timing.baseline.environment import RUN_VARIABLE, run_key

_TAIL = 30
#: After these another process would not fare better.
_FUTILE = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def record(config: pytest.Config, processes: int) -> int:
    """Run the same command so many times; the worst exit status of all.

    The output of each becomes one line; what failed shows the end of its output.
    """
    worst, key = 0, run_key(os.environ)
    for number in range(1, processes + 1):
        done = subprocess.run(
            _command(config),
            cwd=config.invocation_params.dir,
            env={**os.environ, RECORDED: str(number), RUN_VARIABLE: f"{key}.{number}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        lines = done.stdout.decode(errors="replace").rstrip().splitlines()
        if done.returncode != 0:
            sys.stdout.write("\n".join(lines[-_TAIL:]) + "\n")
        last = lines[-1].strip("= ") if lines else "no output"
        sys.stdout.write(f"traces: recorded {number} of {processes}: {last}\n")
        sys.stdout.flush()
        # A process that a signal ended has a negative status.
        status = done.returncode if done.returncode >= 0 else pytest.ExitCode.INTERNAL_ERROR
        worst = max(worst, int(status))
        if status not in _FUTILE:
            break
    return worst


def _command(config: pytest.Config) -> list[str]:
    """This pytest with its arguments, by the way it was started where that is known."""
    started = Path(sys.argv[0])
    begin = [sys.executable, "-m", "pytest"]
    if started.stem in ("pytest", "py.test") and started.is_file():
        begin = [str(started)] if started.suffix == ".exe" else [sys.executable, str(started)]
    return [*begin, *config.invocation_params.args]
