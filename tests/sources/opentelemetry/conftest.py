"""Runs generated suites and scripts in processes of their own, and keeps the globals apart."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

#: Each generated suite is run in all of these.
ORDERS = ("listed", "reversed", "parallel")

_CONFTEST = """
    import os

    def pytest_collection_modifyitems(items):
        if os.environ["SUITE_ORDER"] == "reversed":
            items.reverse()
"""


class Result(NamedTuple):
    """What a run of a generated suite said."""

    status: int
    text: str

    def passed(self, number: int) -> None:
        """So many tests passed, and none did anything else."""
        assert self.status == 0, self.text
        assert re.search(rf"^{number} passed in ", self.text, re.MULTILINE), self.text


class Suite:
    """A suite in a directory of its own, run by a pytest of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("conftest.py", _CONFTEST)

    def write(self, name: str, *texts: str) -> None:
        """Write a file; several texts are dedented one by one."""
        text = "\n".join(textwrap.dedent(text) for text in texts)
        (self.path / name).write_text(text, encoding="utf-8")

    def add_to_conftest(self, text: str) -> None:
        """Hooks and fixtures of the suite's own."""
        self.write("conftest.py", _CONFTEST, text)

    def run(
        self,
        order: str = "listed",
        *arguments: str,
        plugins: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        strict: bool = True,
    ) -> Result:
        """Run pytest, with no plugin but this one and those named; warnings are errors.

        Where ``strict`` is false, deprecations are none: other libraries deprecate each other.
        """
        if order == "parallel":
            pytest.importorskip("xdist")
            plugins, arguments = (*plugins, "xdist.plugin"), (*arguments, "-n", "2")
        names = (*plugins, "pytest_traces.plugin", "no:cacheprovider")
        command = ["-m", "pytest", "-q", "--tb=short", *_warnings(strict)]
        command += [word for name in names for word in ("-p", name)]
        return run_python(
            [*command, *arguments],
            self.path,
            {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "SUITE_ORDER": order, **(env or {})},
        )


def _warnings(strict: bool) -> list[str]:
    return ["-W", "error"] if strict else ["-W", "error", "-W", "ignore::DeprecationWarning"]


def run_python(arguments: list[str], path: Path, env: Mapping[str, str]) -> Result:
    """Run this interpreter in an environment that says nothing of tracing or of this pytest."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "PYTEST"))
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=path,
        env={
            **clean,
            "PYTHONPATH": os.pathsep.join(filter(None, [str(path), clean.get("PYTHONPATH")])),
            "PYTHONIOENCODING": "utf-8",
            **env,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout)


@pytest.fixture(params=ORDERS)
def order(request: pytest.FixtureRequest) -> str:
    """The order in which a generated suite runs its tests."""
    return request.param


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """An empty suite."""
    return Suite(tmp_path)


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Runs code in a fresh interpreter, without pytest, and gives what it printed."""

    def run(*texts: str, strict: bool = True, **env: str) -> str:
        path = tmp_path / "script.py"
        path.write_text("\n".join(textwrap.dedent(text) for text in texts), encoding="utf-8")
        result = run_python([*_warnings(strict), str(path)], tmp_path, env)
        assert result.status == 0, result.text
        return result.text

    return run


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``opentelemetry.trace`` as in a process in which nobody has set a provider."""
    from opentelemetry import trace
    from opentelemetry.util._once import Once

    monkeypatch.delenv("OTEL_PYTHON_TRACER_PROVIDER", raising=False)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    return trace


class Exported(NamedTuple):
    """A provider with what its exporter got."""

    provider: Any
    exporter: Any

    @property
    def tracer(self) -> Any:
        """A tracer of that provider."""
        return self.provider.get_tracer("app")

    @property
    def names(self) -> list[str]:
        """The names of what was exported."""
        return [span.name for span in self.exporter.get_finished_spans()]


@pytest.fixture
def sdk() -> Callable[..., Exported]:
    """Makes providers that nobody has set, each with an exporter in memory."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    def make(**arguments: Any) -> Exported:
        provider = TracerProvider(shutdown_on_exit=False, **arguments)
        exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return Exported(provider, exporter)

    return make
