"""What the plugin costs a pytest run that does not use it.

    python benchmarks/startup.py [--rounds 60]

Runs pytest on one empty test, with the plugin and without it, and compares the CPU time (user and
system) of the whole process. The two take turns, so that a slower spell of the machine meets both;
printed is the median of the differences within a turn, and the range in which it lies with 95 %
certainty. A busy machine needs more rounds to say anything.

- *alone*: no other plugin is loaded, and this one is named with ``-p``, against an empty one;
- *as installed*: all plugins of this environment but respx's, whose cost is its own matter, against
  the same with ``-p no:traces``. If one of them imports the OpenTelemetry SDK, hooking that counts;
- *import alone*: inside one process, of the module only; the most exact, and the smallest part.

Then the modules that loading the plugin alone adds to ``sys.modules``, as seen at the end of the
run. Exits with 1 if one of them belongs to a library that only its users should pay for.
Needs Linux or macOS.
"""

from __future__ import annotations

import argparse
import math
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

TARGET_MS = 10
FORBIDDEN = ("opentelemetry", "httpx", "respx", "sentry_sdk", "http.server", "html")

DUMP_MODULES = """
import sys

def pytest_unconfigure():
    print("MODULES", *sys.modules)
"""

IMPORT = """
import pytest, time
begun = time.process_time_ns()
import pytest_traces.plugin
print((time.process_time_ns() - begun) / 1e6)
"""


class Comparison(NamedTuple):
    """Two ways to run pytest."""

    name: str
    autoload: bool
    without: tuple[str, ...]
    with_plugin: tuple[str, ...]


# To find what -p names, pytest reads the metadata of all that is installed: for both, then.
ALONE = Comparison("alone", False, ("-p", "no_plugin"), ("-p", "pytest_traces.plugin"))
AS_INSTALLED = Comparison(
    "as installed", True, ("-p", "no:respx", "-p", "no:traces"), ("-p", "no:respx")
)


def main() -> int:
    """Prints both comparisons and the modules."""
    parser = argparse.ArgumentParser(description="What the plugin costs when it is not used.")
    parser.add_argument("--rounds", type=int, default=60)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_empty.py").write_text("def test_nothing():\n    pass\n")
        (folder / "no_plugin.py").touch()
        (folder / "dump_modules.py").write_text(DUMP_MODULES)
        print(compare(ALONE, folder, rounds), flush=True)
        # Loading all the other plugins takes ten times as long.
        print(compare(AS_INSTALLED, folder, max(rounds // 4, 2)), flush=True)
        print(f"import alone: {verdict(import_costs(folder, rounds))}", flush=True)
        added = modules(ALONE.with_plugin, folder) - modules(ALONE.without, folder)
    return report_modules(added)


def compare(comparison: Comparison, folder: Path, rounds: int) -> str:
    """Measures in turns; one line of result."""

    def cpu_ms(arguments: tuple[str, ...]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run_pytest(arguments, folder, autoload=comparison.autoload)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return 1000 * seconds

    cpu_ms(comparison.with_plugin)  # writes the bytecode
    costs: dict[tuple[str, ...], list[float]] = {
        comparison.without: [],
        comparison.with_plugin: [],
    }
    for number in range(rounds):
        for arguments in sorted(costs, reverse=bool(number % 2)):
            costs[arguments].append(cpu_ms(arguments))
    base, loaded = costs[comparison.without], costs[comparison.with_plugin]
    differences = [more - less for less, more in zip(base, loaded, strict=True)]
    return f"{comparison.name}, on {statistics.median(base):.0f} ms: {verdict(differences)}"


def import_costs(folder: Path, rounds: int) -> list[float]:
    """CPU milliseconds of importing the plugin where pytest is imported already."""
    return [float(run([sys.executable, "-c", IMPORT], folder)) for _ in range(rounds + 1)][1:]


def verdict(costs: list[float]) -> str:
    """The median, where it lies with 95 % certainty (a sign test), and what that says."""
    ordered = sorted(costs)
    reach = round(0.98 * math.sqrt(len(ordered)))
    middle = len(ordered) // 2
    low, high = ordered[max(middle - reach, 0)], ordered[min(middle + reach, len(ordered) - 1)]
    if high < TARGET_MS:
        said = "met"
    else:
        said = "MISSED" if low > TARGET_MS else "not decided, more rounds would"
    median = statistics.median(ordered)
    return f"{median:+.1f} ms of CPU ({low:+.1f} to {high:+.1f}); under {TARGET_MS} ms is {said}"


def modules(arguments: tuple[str, ...], folder: Path) -> set[str]:
    """What is imported at the end of such a run."""
    output = run_pytest(("-p", "dump_modules", *arguments), folder, autoload=False)
    (line,) = (line for line in output.splitlines() if line.startswith("MODULES "))
    return set(line.split()[1:])


def run_pytest(arguments: tuple[str, ...], folder: Path, *, autoload: bool) -> str:
    """Runs the empty test."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return run(command, folder, {} if autoload else {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


def run(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> str:
    """Runs it where nothing but this script decides what Python and pytest do."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST"))
    }
    environment["PYTHONPATH"] = str(folder)
    # Were bytecode not kept, its compilation would be most of what is measured.
    environment["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment | (variables or {}),
        check=False,
        text=True,
        capture_output=True,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nfailed: {' '.join(command)}")
    return done.stdout


def report_modules(added: set[str]) -> int:
    """Prints what loading added; 1 if a forbidden module is among it."""
    own = {name for name in added if name.partition(".")[0] == "pytest_traces"}
    print(f"modules added: {len(own)} of pytest_traces, {len(added - own)} others")
    for name in sorted(added - own):
        print(f"  {name}")
    heavy = sorted(
        name for name in added if any(f"{name}.".startswith(f"{root}.") for root in FORBIDDEN)
    )
    print(f"none of {', '.join(FORBIDDEN)}: {'MISSED: ' + ', '.join(heavy) if heavy else 'met'}")
    return 1 if heavy else 0


if __name__ == "__main__":
    sys.exit(main())
