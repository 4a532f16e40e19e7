"""What recording a span costs the code that is tested.

    python benchmarks/capture.py [--rounds 5]

CPU time per span (start and end, with five attributes and without) where each span is kept by:

- *nothing*: a provider without a processor, against itself: what is not 1.00 here is noise;
- *idle hook*: the plugin is loaded, no recording is open;
- *pytest_traces*: a recording is open;
- *InMemorySpanExporter*: the SDK's own, behind a SimpleSpanProcessor;
- *logfire TestExporter*: likewise.

Every figure is relative to a provider without a processor, measured in the same process a moment
before or after, since the speed of a machine differs more between two minutes than these do. Each
measurement has a new process, so that nobody pays for another's garbage, and they take turns. The
collector of garbage is on: keeping spans costs most of its price there. Reading what was recorded
is not part of it. Printed are medians over the rounds, and the range of the ratios; *share* is the
overhead as a part of InMemorySpanExporter's. Takes about a quarter of an hour.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.trace import Tracer

ATTRIBUTES: dict[str, str | int | bool] = {
    "http.request.method": "POST",
    "http.route": "/checkout",
    "http.response.status_code": 200,
    "server.address": "shop.example",
    "cache.hit": False,
}
PEER = "InMemorySpanExporter"
RECORDING = "pytest_traces"


class Case(NamedTuple):
    """How many spans are kept, with what, and how often that is measured in one process."""

    spans: int
    attributes: bool
    repeats: int

    def __str__(self) -> str:
        """The heading of its table."""
        return f"{self.spans:,} spans, {'5 attributes' if self.attributes else 'no attributes'}"


CASES = tuple(
    Case(spans, attributes, repeats)
    for spans, repeats in ((1_000, 20), (100_000, 2))
    for attributes in (True, False)
)


class Cost(NamedTuple):
    """CPU time of a span in nanoseconds, kept and not kept."""

    base: float
    kept: float

    @property
    def ratio(self) -> float:
        """How much longer it takes to make a span that is kept."""
        return self.kept / self.base


def new_tracer(exporter: SpanExporter | None = None) -> Tracer:
    """A tracer of a provider of its own."""
    provider = TracerProvider(shutdown_on_exit=False)
    if exporter:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider.get_tracer("benchmark")


@contextmanager
def nothing() -> Iterator[Tracer]:
    """No processor."""
    yield new_tracer()


@contextmanager
def idle_hook() -> Iterator[Tracer]:
    """What loading the plugin does once the SDK is imported."""
    from pytest_traces.sources import opentelemetry

    opentelemetry.install()
    try:
        yield new_tracer()
    finally:
        opentelemetry.uninstall()


@contextmanager
def recording() -> Iterator[Tracer]:
    """An open recording, which is checked to have got the spans."""
    from pytest_traces import record

    with record() as act:
        yield new_tracer()
        if not act.spans:
            sys.exit("nothing was recorded")


@contextmanager
def in_memory() -> Iterator[Tracer]:
    """The SDK's exporter for tests."""
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    yield new_tracer(InMemorySpanExporter())


@contextmanager
def logfire_test_exporter() -> Iterator[Tracer]:
    """Logfire's exporter for tests."""
    from logfire.testing import TestExporter

    yield new_tracer(TestExporter())


KEEPERS: dict[str, Callable[[], AbstractContextManager[Tracer]]] = {
    "nothing": nothing,
    "idle hook": idle_hook,
    RECORDING: recording,
    PEER: in_memory,
    "logfire TestExporter": logfire_test_exporter,
}


def main() -> None:
    """Runs the rounds and prints a table for each case."""
    parser = argparse.ArgumentParser(description="What recording a span costs.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", nargs=2, metavar=("CASE", "KEEPER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        case, keeper = options.measure
        print(*measure(CASES[int(case)], KEEPERS[keeper]))
        return
    for number, case in enumerate(CASES):
        costs: dict[str, list[Cost]] = {keeper: [] for keeper in KEEPERS}
        for _ in range(options.rounds):
            for keeper, measured in costs.items():
                measured.append(measure_apart(number, keeper))
        print_table(case, costs)


def measure_apart(case: int, keeper: str) -> Cost:
    """Measures in a new process."""
    command = [sys.executable, __file__, "--measure", str(case), keeper]
    output = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    base, kept = output.split()
    return Cost(float(base), float(kept))


def measure(case: Case, keeper: Callable[[], AbstractContextManager[Tracer]]) -> Cost:
    """The least cost of a span without this keeper and with it, which take turns."""
    pairs = [
        (cost_per_span(nothing, case), cost_per_span(keeper, case)) for _ in range(case.repeats)
    ]
    bases, kept = zip(*pairs, strict=True)
    return Cost(min(bases), min(kept))


def cost_per_span(keeper: Callable[[], AbstractContextManager[Tracer]], case: Case) -> float:
    """CPU nanoseconds for one of that many spans."""
    with keeper() as tracer:
        emit(tracer, 200, attributes=case.attributes)  # the interpreter adapts to its code
        gc.collect()
        begun = time.process_time_ns()
        emit(tracer, case.spans, attributes=case.attributes)
        return (time.process_time_ns() - begun) / case.spans


def emit(tracer: Tracer, spans: int, *, attributes: bool) -> None:
    """The application: starts and ends spans."""
    given = ATTRIBUTES if attributes else None
    for _ in range(spans):
        tracer.start_span("POST /checkout", attributes=given).end()


def print_table(case: Case, costs: dict[str, list[Cost]]) -> None:
    """Medians over the rounds, and whether the target is met."""
    ratios = {keeper: sorted(cost.ratio for cost in measured) for keeper, measured in costs.items()}
    median = {keeper: statistics.median(measured) for keeper, measured in ratios.items()}
    print(f"\n{case}\n{'':22}{'µs per span':>12}{'ratio':>8}{'(range)':>14}{'share':>8}")
    for keeper, measured in ratios.items():
        microseconds = statistics.median(cost.kept for cost in costs[keeper]) / 1000
        spread = f"{measured[0]:.2f} to {measured[-1]:.2f}"
        share = (median[keeper] - 1) / (median[PEER] - 1)
        print(f"{keeper:22}{microseconds:12.2f}{median[keeper]:8.2f}{spread:>14}{share:8.0%}")
    if case.spans == 1_000:
        target, met = "at most 1.10 x nothing", median[RECORDING] <= 1.10
    else:
        target = f"under 25 % of the overhead of {PEER}"
        met = median[RECORDING] - 1 < 0.25 * (median[PEER] - 1)
    print(f"target for {RECORDING}: {target}: {'met' if met else 'MISSED'}", flush=True)


if __name__ == "__main__":
    main()
