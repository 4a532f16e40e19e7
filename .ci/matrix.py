"""The suite on the Pythons of this machine, with the oldest and the newest libraries.

    python .ci/matrix.py [NAME ...]

Pythons are looked for on PATH, among pyenv's versions and in $PYTHONS (a list like PATH, of
interpreters). Each environment lives in .matrix/NAME and is made again when what it requires
changes. Without names: all of them. Exits with 1 if one of them failed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".matrix"
MINORS = ("3.10", "3.11", "3.12", "3.13", "3.14")

TOOLS = [
    "pytest-xdist",
    "pytest-asyncio",
    "pytest-randomly",
    "pytest-rerunfailures",
    "hypothesis",
    "anyio",
    "dirty-equals",
    "freezegun",
    "time-machine",
]
APPLICATIONS = ["fastapi", "httpx2", "flask", "sqlalchemy<2.1"]
CLIENTS = ["aiohttp", "celery", "requests", "responses", "sentry-sdk", "urllib3"]
FLOORS = ["pytest==8.0.0", "httpx==0.27.0", "respx==0.21.0"]
CLIENT_FLOORS = [
    "aiohttp==3.9.0",
    "celery==5.3.1",
    "requests==2.31.0",
    "responses==0.25.0",
    "sentry-sdk==2.20.0",
    "urllib3==1.26.18",
]


def opentelemetry(sdk: str, contrib: str, instrumentations: str) -> list[str]:
    """The SDK and the instrumentations that were released with it."""
    instrumented = [
        f"opentelemetry-instrumentation-{name}=={contrib}" for name in instrumentations.split()
    ]
    exporters = [f"opentelemetry-exporter-otlp-proto-{way}=={sdk}" for way in ("grpc", "http")]
    distro = f"opentelemetry-distro=={contrib}"
    return [f"opentelemetry-sdk=={sdk}", *exporters, distro, *instrumented]


OTEL_1_20 = [
    # Flask's is left out: it asks Flask 3 for an attribute that warns.
    *opentelemetry(
        "1.20.0",
        "0.41b0",
        "aiohttp-client celery fastapi httpx requests sqlalchemy starlette urllib3",
    ),
    "setuptools<67.3",  # they import pkg_resources; later ones warn of that, or lack it
]
INSTRUMENTED = (
    "aiohttp-client celery fastapi flask httpx requests sqlalchemy starlette threading urllib3"
)
OTEL_1_27 = opentelemetry("1.27.0", "0.48b0", INSTRUMENTED)
OTEL_1_33 = opentelemetry("1.33.0", "0.54b0", INSTRUMENTED)


class Environment(NamedTuple):
    """One Python with one set of libraries."""

    name: str
    python: str
    requirements: list[str]
    pytest_arguments: tuple[str, ...] = ()


# The pytest-asyncio that knows pytest 8.0 leaves an event loop unclosed.
UNCLOSED_LOOP = (
    "-W",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "-W",
    "ignore::ResourceWarning",
)
# The README is written for the newest libraries.
WITHOUT_README = ("--ignore=tests/test_readme.py",)

ENVIRONMENTS = [
    *(
        Environment(
            f"{python}-lowest",
            python,
            [".", *FLOORS, *CLIENT_FLOORS, *OTEL_1_20, *TOOLS, *APPLICATIONS],
            (*WITHOUT_README, *UNCLOSED_LOOP),
        )
        for python in ("3.10", "3.11")
    ),
    *(
        Environment(name, python, [".", *sdk, *TOOLS, *APPLICATIONS, *CLIENTS], WITHOUT_README)
        for name, python, sdk in (
            ("3.11-otel-1.27", "3.11", OTEL_1_27),
            ("3.12-otel-1.33", "3.12", OTEL_1_33),
        )
    ),
    Environment("3.12-without-otel", "3.12", [".", *TOOLS, *CLIENTS, "starlette"], WITHOUT_README),
    *(Environment(f"{python}-newest", python, [".[dev]"]) for python in MINORS),
]


class Result(NamedTuple):
    """What came of one environment."""

    name: str
    verdict: str
    seconds: float
    summary: str


def main(names: list[str]) -> int:
    """Runs the environments of these names, or all; prints a table."""
    unknown = set(names) - {environment.name for environment in ENVIRONMENTS}
    if unknown:
        known = "\n  ".join(environment.name for environment in ENVIRONMENTS)
        print(f"no such environment: {', '.join(sorted(unknown))}; there are\n  {known}")
        return 2
    pythons = find_pythons()
    results = [
        attempt(environment, pythons.get(environment.python))
        for environment in ENVIRONMENTS
        if not names or environment.name in names
    ]
    width = max(len(result.name) for result in results)
    print()
    for result in results:
        name = result.name.ljust(width)
        print(f"{name}  {result.verdict}  {result.seconds:4.0f} s  {result.summary}")
    return int(any(result.verdict == "FAIL" for result in results))


def attempt(environment: Environment, python: str | None) -> Result:
    """Makes the environment where needed, and runs the suite in it."""
    if python is None:
        return Result(environment.name, "none", 0, f"no Python {environment.python} found")
    print(f"{environment.name} ...", flush=True)
    begun = time.monotonic()
    installed = install(environment, python)
    done = installed if installed.returncode else run_suite(environment)
    summary = last_summary(done.stdout) if done is not installed else "could not be installed"
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-60:]))
    verdict = "FAIL" if done.returncode else "pass"
    return Result(environment.name, verdict, time.monotonic() - begun, summary)


def install(environment: Environment, python: str) -> subprocess.CompletedProcess[str]:
    """Fills .matrix/NAME, unless what it holds is what is asked for."""
    home = HOME / environment.name
    stamp = home / "required.txt"
    wanted = "\n".join([python, *environment.requirements, (ROOT / "pyproject.toml").read_text()])
    if stamp.exists() and stamp.read_text() == wanted:
        return subprocess.CompletedProcess([], 0, "", "")
    shutil.rmtree(home, ignore_errors=True)
    made = call([python, "-m", "venv", str(home)])
    if made.returncode:
        return made
    pip = [interpreter(home), "-m", "pip", "install", "-q", "-e"]
    done = call([*pip, *environment.requirements])
    if not done.returncode:
        stamp.write_text(wanted)
    return done


def run_suite(environment: Environment) -> subprocess.CompletedProcess[str]:
    """The suite, without the examples: those are written for the newest libraries."""
    python = interpreter(HOME / environment.name)
    options = ["-q", "-n", "auto", "-p", "no:cacheprovider", *environment.pytest_arguments]
    return call([python, "-m", "pytest", "tests", *options])


def call(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Runs it in the checkout, both streams in one text."""
    return subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def last_summary(output: str) -> str:
    """Pytest's closing line, as in '512 passed, 3 skipped in 20.14s'."""
    lines = (line.strip(" =") for line in reversed(output.splitlines()))
    return next((line for line in lines if re.search(r" in [\d.]+s", line)), "did not run")


def interpreter(home: Path) -> str:
    """The Python of a virtual environment."""
    return str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def find_pythons() -> dict[str, str]:
    """The first working interpreter of each minor version."""
    found: dict[str, str] = {}
    for candidate in candidates():
        # A shim of a version manager may be there and not work.
        version = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = call([candidate, "-c", version])
        if not done.returncode:
            found.setdefault(done.stdout.strip(), candidate)
    return found


def candidates() -> Iterator[str]:
    """Whatever may be an interpreter, what was named explicitly first."""
    named = os.environ.get("PYTHONS", "").split(os.pathsep)
    on_path = (shutil.which(f"python{minor}") for minor in MINORS)
    pyenv = (Path.home() / ".pyenv" / "versions").glob("*/bin/python")
    yield from filter(None, [*named, *on_path, *map(str, sorted(pyenv))])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
