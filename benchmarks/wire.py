"""What recording the requests costs a suite, beside recording its spans.

    python benchmarks/wire.py [--rounds 8] [--tests 200]

A suite of that many tests in one process: each opens a recording, mocks a remote service with
respx, and calls an instrumented FastAPI application by its test client; its endpoint asks that
service by an instrumented httpx. So each test has two requests, one of them mocked, and its spans.
It runs with the hooks on the clients and without them, in the same process, in turns of a few
tests; spans are recorded in both. Every figure is CPU time. Printed are the median of the ratios
and their range, and beside it the same for the suite without hooks against itself: what is not
1.00 there is noise. Takes about a minute.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Sequence

import httpx
import respx
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider

from pytest_traces.recording import Part, Recording
from pytest_traces.settings import DEFAULTS
from pytest_traces.sources import all_sources
from pytest_traces.traces.session import wire

TARGET = 1.05
#: So many tests with the hooks, then so many without.
TURN = 5
SERVICE = "http://payments.test"


def new_app(provider: TracerProvider) -> FastAPI:
    """An instrumented application that asks a remote service."""
    app, client = FastAPI(), httpx.AsyncClient()  # kept, since reading certificates takes long

    @app.post("/checkout")
    async def checkout() -> dict[str, bool]:
        answer = await client.post(f"{SERVICE}/charge", json={"order": 7})
        return {"paid": answer.is_success}

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    return app


def one_test(app: FastAPI, parts: Sequence[Part]) -> Recording:
    """What a test does from the first line to the last, looking at its spans included."""
    recording = Recording(DEFAULTS)
    recording.open(all_sources(), parts)
    try:
        with respx.mock as router:
            router.post(f"{SERVICE}/charge").respond(json={"ok": True})
            TestClient(app).post("/checkout")
        recording.look()
        recording.requests_between()
    finally:
        recording.close()
    return recording


def suites(app: FastAPI, tests: int, kinds: dict[str, Sequence[Part]]) -> dict[str, float]:
    """CPU seconds of that many tests of each kind, which take turns."""
    took = dict.fromkeys(kinds, 0.0)
    order = list(kinds.items())
    gc.collect()
    for _ in range(0, tests, TURN):
        for kind, parts in order:
            begun = time.process_time()
            for _ in range(TURN):
                one_test(app, parts)
            took[kind] += time.process_time() - begun
        order.append(order.pop(0))
    return took


def measure(rounds: int, tests: int) -> None:
    """Runs the suites in turns, and prints what came out."""
    provider = TracerProvider(shutdown_on_exit=False)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    app = new_app(provider)
    seen = one_test(app, [wire])
    if len(seen.requests_between()) != 2 or not seen.look().spans:
        sys.exit("not everything was recorded")
    hooked: list[float] = []
    noise: list[float] = []
    cost: list[float] = []
    for _ in range(rounds):
        took = suites(app, tests, {"plain": (), "wire": (wire,), "again": ()})
        base = (took["plain"] + took["again"]) / 2
        hooked.append(took["wire"] / base)
        noise.append(took["again"] / took["plain"])
        cost.append((took["wire"] - base) / tests * 1e6)
    print(f"{tests} tests with two requests each, {rounds} rounds")
    print(f"{'':28}{'ratio':>8}{'(range)':>16}")
    for name, ratios in (("without hooks, against itself", noise), ("with the hooks", hooked)):
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:30}{statistics.median(ratios):6.3f}{spread:>16}")
    print(f"the hooks add {statistics.median(cost):.0f} µs to a test")
    met = statistics.median(hooked) < TARGET
    print(f"target: less than {TARGET:.2f}: {'met' if met else 'MISSED'}")


def main() -> None:
    """Reads the options."""
    parser = argparse.ArgumentParser(description="What recording the requests costs a suite.")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--tests", type=int, default=200)
    options = parser.parse_args()
    measure(options.rounds, options.tests)


if __name__ == "__main__":
    main()
