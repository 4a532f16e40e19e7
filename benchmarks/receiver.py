"""How many spans a second the receiver of OTLP accepts, beside parsing and throwing them away.

    python benchmarks/receiver.py [--rounds 15] [--requests 40] [--burst 100000]

A child process sends requests of 512 spans with 5 attributes each, over one connection that it
keeps, to the receiver, whose spans go into an open recording; and the same requests to a server of
the same kind (``http.server``, a thread for each connection) that parses each and throws it away.
They take turns, and the ratio is that of neighbouring turns, on the clock of the child: spans a
second as who sends them sees it. Beside it stands the CPU time of this process, which is the server
both times, and nothing of the child. The throwing server is compared with itself, too: what is not
1.00 there is noise. Spans are read when a test looks at them; what that takes is printed, and is no
part of the ratio.

Then a child with OpenTelemetry's SDK, started as tests start one, ends as many spans as it can in
one go, and all of them have to be there. Takes about a minute.
"""

from __future__ import annotations

import argparse
import http.server
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pytest_traces import record
from pytest_traces.recording import Recording, journal
from pytest_traces.settings import DEFAULTS
from pytest_traces.sources import all_sources
from pytest_traces.sources.otlp.endpoint import Endpoint

SPANS, ATTRIBUTES = 512, 5
#: Of the spans a second of the server that throws them away.
TARGET = 1 / 3

_SENDER = """
import http.client, sys, time
from urllib.parse import urlsplit
body = open(sys.argv[1], "rb").read()
connections = {}
for line in sys.stdin:
    url, requests = line.split()
    parts = urlsplit(url)
    if parts.netloc not in connections:
        connections[parts.netloc] = http.client.HTTPConnection(parts.netloc)
    connection = connections[parts.netloc]
    begun = time.perf_counter()
    for _ in range(int(requests)):
        headers = {"Content-Type": "application/x-protobuf"}
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{url} answers {answer.status}")
    print(time.perf_counter() - begun, flush=True)
"""

_BURST = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("burst")
for number in range(int(sys.argv[1])):
    tracer.start_span("burst", attributes={"number": number}).end()
provider.shutdown()
"""


def new_request() -> bytes:
    """The body of one request."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "benchmark"
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "benchmarks.receiver"
    now = time.time_ns()
    for number in range(1, SPANS + 1):
        span = scope_spans.spans.add(
            trace_id=(1).to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            parent_span_id=(number - 1).to_bytes(8, "big"),
            name=f"GET /orders/{number}",
            kind=2,
            start_time_unix_nano=now + number,
            end_time_unix_nano=now + number + 1_000_000,
        )
        for attribute in range(ATTRIBUTES):
            added = span.attributes.add(key=f"benchmark.attribute.{attribute}")
            added.value.string_value = f"value {number}"
    body: bytes = request.SerializeToString()
    return body


class Thrower(http.server.BaseHTTPRequestHandler):
    """Parses each request and throws it away."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:  # http.server's name for it
        """Answer an export."""
        ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response_only(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def thrower() -> Iterator[str]:
    """A server that throws away; its URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thrower)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces"
    finally:
        server.shutdown()
        server.server_close()


class Took(NamedTuple):
    """Seconds of sending: of CPU in this process, which receives, and on the clock."""

    cpu: float
    clock: float


class Sender:
    """The child that sends, on demand."""

    def __init__(self, path: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SENDER, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, url: str, requests: int) -> Took:
        """Send so many requests."""
        stdin: Any = self._process.stdin
        stdout: Any = self._process.stdout
        begun = time.process_time()
        stdin.write(f"{url} {requests}\n")
        stdin.flush()
        clock = float(stdout.readline())
        return Took(time.process_time() - begun, clock)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def accept(send: Sender, requests: int) -> tuple[Took, float]:
    """What sending to the receiver takes, and seconds of CPU to read its spans as a test does."""
    recording = Recording(DEFAULTS)
    recording.open(all_sources())
    endpoint = Endpoint(journal.put_all, owner=recording.first)
    try:
        took = send(f"{endpoint.url}/v1/traces", requests)
        begun = time.process_time()
        found = len(recording.look().spans)
        read = time.process_time() - begun
        if found != requests * SPANS or endpoint.problems:
            sys.exit(f"{found} of {requests * SPANS} spans arrived; {endpoint.problems}")
    finally:
        endpoint.close()
        recording.close()
    return took, read


def compare(rounds: int, requests: int, path: str) -> None:
    """Send to both servers in turns, and print what came out."""
    send = Sender(path)
    thrown, again, kept, reads = [], [], [], []
    with thrower() as url:
        send(url, requests)
        accept(send, requests)
        for _ in range(rounds):
            thrown.append(send(url, requests))
            took, read = accept(send, requests)
            kept.append(took)
            again.append(send(url, requests))
            reads.append(read)
    send.close()
    spans = requests * SPANS
    print(f"{rounds} rounds of {requests} requests of {SPANS} spans x {ATTRIBUTES} attributes")
    print(f"{'':26}{'spans/s':>10}{'ratio':>8}{'(range)':>16}{'CPU: µs a span':>18}{'ratio':>8}")
    for name, turns in (
        ("parsed and thrown away", thrown),
        ("the same again", again),
        ("accepted into a recording", kept),
    ):
        pairs = list(zip(thrown, turns, strict=True))
        ratios = [base.clock / turn.clock for base, turn in pairs]
        of_cpu = statistics.median(base.cpu / turn.cpu for base, turn in pairs)
        rate = statistics.median(spans / turn.clock for turn in turns)
        cost = statistics.median(turn.cpu for turn in turns) / spans * 1e6
        spread, ratio = f"{min(ratios):.2f} to {max(ratios):.2f}", statistics.median(ratios)
        print(f"{name:26}{rate:10,.0f}{ratio:8.2f}{spread:>16}{cost:18.2f}{of_cpu:8.2f}")
    print(f"read by the first look: {statistics.median(reads) / spans * 1e6:.1f} µs of CPU a span")
    print(f"target: at least {TARGET:.2f}: {'met' if ratio >= TARGET else 'MISSED'}")


def burst(spans: int) -> None:
    """Have a child end that many spans, and print whether all are there."""
    with record() as act:
        begun = time.perf_counter()
        act.run([sys.executable, "-c", _BURST, str(spans)], timeout="10min")
        took = time.perf_counter() - begun
        numbers = {span.attributes["number"] for span in act.spans}
    print(f"{spans:,} spans of one child with the SDK: {len(numbers):,} arrived, {took:.1f} s")
    if numbers != {*range(spans)}:
        sys.exit("LOST")


def main() -> None:
    """Reads the options."""
    import tempfile
    from pathlib import Path

    parser = argparse.ArgumentParser(description="How many spans a second the receiver accepts.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--burst", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "request.bin")
        path.write_bytes(new_request())
        compare(options.rounds, options.requests, str(path))
    burst(options.burst)


if __name__ == "__main__":
    main()
