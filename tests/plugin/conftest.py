"""pytest inside pytest, with this plugin and those that a test asks for."""

import os
import re
from collections.abc import Callable

import pytest

# Not imported by the inner run, which would forget them at its end and import them again.
from pytest_traces import Traces, record

assert Traces
assert record

Run = Callable[..., pytest.RunResult]

#: An application with a tracer of its own, whose spans come whether or not a test asks for them.
APP = """
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("app")

    def emit(*names):
        for name in names:
            tracer.start_span(name).end()
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the tests in a text; with ``plugins=`` by the names of their modules."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PYTEST_ADDOPTS", "PY_COLORS", "FORCE_COLOR", "NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    # Older versions of pytest remark that the plugin of this very run cannot be rewritten again.
    quiet = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-W '{quiet}'")

    def run(
        source: str,
        *args: str,
        plugins: tuple[str, ...] = (),
        ini: str = "",
        conftest: str = "",
        subprocess: bool = False,
    ) -> pytest.RunResult:
        if ini:
            pytester.makeini(f"[pytest]\n{ini}")
        if conftest:
            pytester.makeconftest(conftest)
        pytester.makepyfile(test_it=source)
        options = [o for name in ("pytest_traces.plugin", *plugins) for o in ("-p", name)]
        options += ["-p", "no:cacheprovider"]
        if subprocess:
            return pytester.runpytest_subprocess(*options, *args)
        return pytester.runpytest_inprocess(*options, *args, no_reraise_ctrlc=True)

    return run


@pytest.fixture
def app(pytester: pytest.Pytester) -> None:
    """The module ``app`` for the inner tests: ``emit(*names)`` makes spans."""
    pytest.importorskip("opentelemetry.sdk.trace")
    pytester.makepyfile(app=APP)


@pytest.fixture
def sections() -> Callable[[pytest.RunResult], list[str]]:
    """The "traces" sections of a run, without durations."""

    def sections(result: pytest.RunResult) -> list[str]:
        text = re.sub(r" +\d+(\.\d+)? (ns|us|ms|s)\b", " TIME", result.stdout.str())
        found = re.findall(
            r"-{3,} traces -{3,}\n(.*?)(?=\n[-_=]{3,} |\n[-_=]{5,}|\Z)", text, re.DOTALL
        )
        return [one.strip() for one in found]

    return sections


@pytest.fixture
def parallel() -> list[str]:
    """The options that give the inner run two processes."""
    pytest.importorskip("xdist")
    return ["-n", "2", "--max-worker-restart=0"] if os.cpu_count() else []
