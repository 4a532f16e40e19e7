"""``--traces-record=N``: the same pytest again and again, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_traces.options import RECORDED, RECORDED_TO
from pytest_traces.plugin.children import without_prompts
from pytest_traces.plugin.handed import Handed, handed_over, key_of
from pytest_traces.report.recorded import new_baseline_lines
from pytest_traces.timing.baseline.environment import RUN_VARIABLE, run_key
from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.timings_file import load_timings

_TAIL = 30
#: After any other end another process would not fare better.
_ORDINARY = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)


def record(config: pytest.Config, processes: int) -> int:
    """Run the same command so many times; the worst exit status of all.

    The output of each becomes one line; what failed shows the end of its output. At the end, also
    at an untimely one, it is said what was recorded.
    """
    worst, key = 0, run_key(os.environ)
    handed: list[Handed] = []
    with tempfile.TemporaryDirectory(prefix="pytest-traces-") as folder:
        try:
            for number in range(1, processes + 1):
                told = Path(folder, f"{number}.json")
                variables = {
                    RECORDED: str(number),
                    RECORDED_TO: str(told),
                    RUN_VARIABLE: key_of(key, number),
                }
                status = _run(config, variables, f"{number} of {processes}")
                found = handed_over(told)
                handed += [found] if found is not None else []
                worst = max(worst, status)
                if status not in _ORDINARY:
                    break
        except KeyboardInterrupt:
            sys.stdout.write("traces: interrupted\n")
            worst = max(worst, int(pytest.ExitCode.INTERRUPTED))
    for line in _recorded_lines(handed):
        sys.stdout.write(f"traces: {line}\n")
    return worst


def _run(config: pytest.Config, variables: dict[str, str], which: str) -> int:
    done = subprocess.run(
        _command(config),
        cwd=config.invocation_params.dir,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    lines = done.stdout.decode(errors="replace").rstrip().splitlines()
    if done.returncode != 0:
        sys.stdout.write("\n".join(lines[-_TAIL:]) + "\n")
    last = lines[-1].strip("= ") if lines else "no output"
    sys.stdout.write(f"traces: recorded {which}: {last}\n")
    sys.stdout.flush()
    # A process that a signal ended has a negative status.
    return int(done.returncode if done.returncode >= 0 else pytest.ExitCode.INTERNAL_ERROR)


def _recorded_lines(handed: Sequence[Handed]) -> list[str]:
    """What the file says now of the tests that were recorded, and which tests were not."""
    if not handed:
        return ["nothing was recorded"]
    wanted = {test for one in handed for test in one.tests}
    path, shown = Path(handed[-1].path), handed[-1].shown
    try:
        timings = load_timings(path, shown)
    except BaselineError as error:
        return [str(error)]
    runs = timings.runs if timings is not None else ()
    counts = Counter(test for run in runs for test in run.tests if test in wanted)
    return new_baseline_lines(shown, counts, [one.left for one in handed])


def _command(config: pytest.Config) -> list[str]:
    """This pytest with its arguments, by the way it was started where that is known."""
    started = Path(sys.argv[0])
    begin = [sys.executable, "-m", "pytest"]
    if started.stem in ("pytest", "py.test") and started.is_file():
        begin = [str(started)] if started.suffix == ".exe" else [sys.executable, str(started)]
    return [*begin, *without_prompts(config.invocation_params.args)]
