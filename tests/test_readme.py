"""Every example of the README runs, and the failure in it is the one that is printed."""

import re
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.instrumentation.fastapi")
pytest.importorskip("opentelemetry.instrumentation.httpx")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
pytest.importorskip("sentry_sdk")
pytest.importorskip("flask")

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
FAILURES = re.findall(r"```\n(AssertionError: .*?)```", README, re.DOTALL)

TRACING = """
def record_span(span):
    pass
"""
AGENCY = '''
import pytest
import time
import tracing

class Agency:
    """Makes three spans, each the child of the one before."""

    def book(self, city):
        now, parent = time.time() * 1000, None
        for number, name in enumerate(["POST /book", "load trips", "select"], 1):
            span = dict(trace_id="ab" * 16, span_id=number, parent_id=parent, name=name,
                        start=now, end=now + 1)
            tracing.record_span(span)
            parent = number

@pytest.fixture
def agency():
    return Agency()
'''

#: Sets the SDK up by what its environment says.
SDK = """
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.propagate import extract
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    def set_up(service):
        provider = TracerProvider(resource=Resource.create({"service.name": service}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        return provider
"""
STOCK = """
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from sdk import extract, set_up

    tracer = set_up("stock").get_tracer("stock")

    class Stock(BaseHTTPRequestHandler):
        def do_GET(self):
            with tracer.start_as_current_span("GET /stock", extract(dict(self.headers))):
                with tracer.start_as_current_span("SELECT items"):
                    pass
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Stock)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
"""
REPORT = """
    from sdk import set_up

    provider = set_up("report")
    tracer = provider.get_tracer("report")
    with tracer.start_as_current_span("report"):
        with tracer.start_as_current_span("SELECT orders"):
            pass
    provider.shutdown()
"""


@pytest.fixture
def shop(pytester: pytest.Pytester) -> pytest.Pytester:
    """A suite with the fixtures that the README's tests use."""
    conftest = (ROOT / "tests" / "data" / "readme_conftest.py").read_text(encoding="utf-8")
    pytester.makeconftest(conftest + AGENCY)
    pytester.makepyfile(tracing=TRACING, sdk=SDK, stock=STOCK, report=REPORT)
    pytester.makeini("[pytest]\npythonpath = .\n")
    return pytester


def test_every_python_block_is_a_test_that_passes(shop: pytest.Pytester) -> None:
    """All code of the README runs as it stands."""
    assert len(PYTHON) == 7
    shop.makepyfile(**{f"test_{number}": code for number, code in enumerate(PYTHON)})

    shop.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=10)


@pytest.mark.parametrize(
    ("failure", "code", "fixture"),
    [
        (0, 0, "context_is_lost"),
        (1, 2, "gateway_is_loud"),
        (2, 3, "items_are_lazy"),
    ],
)
def test_failure_is_printed_as_the_readme_says(
    failure: int, code: int, fixture: str, shop: pytest.Pytester
) -> None:
    """Each failure in the README is what its test prints once something is broken."""
    assert len(FAILURES) == 3
    broken = f"\n\nimport pytest\n\n\n@pytest.fixture\ndef {fixture}():\n    return True\n"
    shop.makepyfile(test_broken=PYTHON[code] + broken)

    result = shop.runpytest_subprocess("--traces-show=none")

    printed = [line[1:].strip() for line in result.outlines if line.startswith("E ")]
    assert without_what_varies(printed) == without_what_varies(FAILURES[failure].splitlines())


def test_no_other_promise_is_made() -> None:
    """Every method of `traces` that the README names exists."""
    from pytest_traces import Traces

    named = set(re.findall(r"traces\.(\w+)\(", README))
    assert named
    assert {name for name in named if not hasattr(Traces, name)} == set()


@pytest.mark.parametrize(
    "name",
    ["README.md", "docs/durations.md", "docs/sources.md", "examples/regressions/README.md"],
)
def test_every_option_exists(name: str, pytester: pytest.Pytester) -> None:
    """pytest knows every option and ini setting that is written about."""
    text = (ROOT / name).read_text(encoding="utf-8")
    wanted = set(re.findall(r"--traces[a-z-]*", text)) | set(re.findall(r"`(traces_[a-z_]+)", text))

    known = pytester.runpytest_subprocess("--help").stdout.str()

    wanted -= {"traces_receiver", "traces_sample_rate", "traces_sampler"}  # a fixture, and Sentry's
    assert wanted
    assert {one for one in wanted if not re.search(rf"(?<![\w-]){one}(?![\w-])", known)} == set()


def test_every_assertion_exists() -> None:
    """Every assertion that is written about exists."""
    from pytest_traces import Traces

    docs = (ROOT / "docs" / name for name in ("durations.md", "sources.md"))
    text = README + "".join(doc.read_text(encoding="utf-8") for doc in docs)
    named = set(re.findall(r"\bassert_\w+(?=[(`])", text))
    assert len(named) > 15
    assert {name for name in named if not hasattr(Traces, name)} == set()


def without_what_varies(lines: list[str]) -> list[str]:
    """The words of each line, with the same duration and the same id everywhere."""
    text = [re.sub(r"\d[\d.]* (ms|us|s|ns)\b", "1 ms", line) for line in lines]
    text = [re.sub(r"[0-9A-F]{32}-[0-9A-F]{16}-0\d", "IDS", line) for line in text]
    return [" ".join(line.split()) for line in text if line.strip()]
