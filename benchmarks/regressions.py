"""Which regressions the helpers see, and how often they cry wolf.

    python benchmarks/regressions.py [--trials 200] [--slow 100] [--faulty 50] [--load 0 3]

The shop of examples/checkout, its services on loopback ports, with two spans added: ``score``, some
milliseconds of pure Python in the payments service, and ``quotes``, three calls of an event loop
that wait at the same time. Each trial is a process of its own (a fork, after all imports), and has
nothing in common with the others but the machine. First five such processes record the baseline, of
up to fifteen repeats each; then come trials of the unchanged program, of one with ``score`` 1.5, 2
and 3 times as slow, of one with an N+1, one with an extra call, and one whose three calls wait one
after another. All of this on the machine as it is, and beside three busy loops.

Printed is how many trials failed, for each helper: of the unchanged program these are false alarms,
of the others they are catches. Beside the helpers stands what people write by hand, a limit on one
reading of the clock, and the rule of pytest-benchmark's ``--benchmark-compare-fail=min:25%``: the
best of five readings against the best of five in one earlier run. It forks, so it takes Linux or
macOS; and an hour for the machine as it is, more beside busy loops.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples"))

import pytest
from checkout.shop import db, services
from checkout.shop.clients import Inventory
from checkout.shop.main import Shop, open_shop
from checkout.shop.services import create_inventory, create_payments
from checkout.shop.serving import serve
from fastapi.testclient import TestClient
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy.orm import Session

from pytest_traces import Traces, record
from pytest_traces.assembly import assemble
from pytest_traces.timing.baseline.measure import calibrated, measure
from pytest_traces.timing.baseline.paths import written
from pytest_traces.timing.decision.data import Key, Past, Present
from pytest_traces.timing.decision.rule import STAGES, is_recorded, judge

ROUNDS = 60_000
RUNS = 5
ROOT = "POST /checkout"
TREE = """
    POST /checkout
      connect
      2 × SELECT orders
      POST
        POST /reserve
      POST
        POST /charge
          score
      orders publish
        orders process
          connect
          UPDATE orders
    quotes
      3 × quote
"""
tracer = TracerProvider(shutdown_on_exit=False).get_tracer("market")


@dataclass(frozen=True)
class Fault:
    """What is done to the program; the unchanged one has none of it."""

    slower: float = 1.0
    n_plus_one: bool = False
    extra_call: bool = False
    one_by_one: bool = False


FAULTS = {
    "unchanged": Fault(),
    "x1.5": Fault(slower=1.5),
    "x2": Fault(slower=2.0),
    "x3": Fault(slower=3.0),
    "N+1": Fault(n_plus_one=True),
    "extra call": Fault(extra_call=True),
    "one by one": Fault(one_by_one=True),
}


@contextmanager
def faulty(fault: Fault) -> Iterator[None]:
    """The program with this fault, and with the two spans that are added to it."""
    accepts, reserve, load = services.bank_accepts, Inventory.reserve, db.load_items

    def score(cents: int) -> bool:
        with tracer.start_as_current_span("score"):
            total = 0
            for number in range(int(ROUNDS * fault.slower)):
                total += number % 7
        return accepts(cents)

    def reserve_twice(inventory: Inventory, order_id: int, articles: Sequence[str]) -> None:
        reserve(inventory, order_id, articles)
        reserve(inventory, order_id, articles)

    def load_one_by_one(session: Session, order_id: int) -> Sequence[db.Item]:
        items = load(session, order_id)
        for item in items:
            session.refresh(item)
        return items

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(services, "bank_accepts", score)
        if fault.extra_call:
            patch.setattr(Inventory, "reserve", reserve_twice)
        if fault.n_plus_one:
            patch.setattr(db, "load_items", load_one_by_one)
        yield


async def ask_for_quotes(*, one_by_one: bool) -> None:
    """Three calls that wait for somebody else."""

    async def quote() -> None:
        with tracer.start_as_current_span("quote"):
            await asyncio.sleep(0.02)

    with tracer.start_as_current_span("quotes"):
        if one_by_one:
            for _ in range(3):
                await quote()
        else:
            await asyncio.gather(quote(), quote(), quote())


def act(client: TestClient, shop: Shop, fault: Fault) -> Traces:
    """One run of the test: a click, and the market beside it."""
    with record() as traces:
        client.post("/checkout", json={"order": 7})
        asyncio.run(ask_for_quotes(one_by_one=fault.one_by_one))
        shop.orders.join()
    return traces


@contextmanager
def opened(fault: Fault) -> Iterator[Callable[[], Traces]]:
    """The program, ready to be run as often as wanted."""
    with ExitStack() as stack:
        stack.enter_context(faulty(fault))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engine = stack.enter_context(db.database(folder / "orders.db"))
        with Session(engine) as session, session.begin():
            session.add(db.Order(id=7))
            session.add_all(
                db.Item(order_id=7, article=article, price=1_000)
                for article in ("tea", "cups", "sugar", "spoons", "cake")
            )
        inventory = stack.enter_context(serve(create_inventory()))
        payments = stack.enter_context(serve(create_payments()))
        shop = stack.enter_context(
            open_shop(engine, inventory_url=inventory, payments_url=payments)
        )
        client = stack.enter_context(TestClient(shop.app))
        act(client, shop, fault)  # the first request imports and connects
        yield lambda: act(client, shop, fault)


def apart(work: Callable[[], Any]) -> Any:
    """The result of the work, done in a process of its own."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(work(), pipe)
            os._exit(0)
        except BaseException:  # noqa: BLE001
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(answer) if answer else sys.exit("a trial has failed")


@dataclass
class Seen:
    """What one trial has seen: who failed, and what was measured."""

    failed: set[str] = field(default_factory=set)
    #: Of each repeat, the self time of each path, in nanoseconds.
    repeats: list[dict[Key, int]] = field(default_factory=list)
    #: Of each repeat, how long ``score`` and the whole request took.
    score_ns: list[int] = field(default_factory=list)
    root_ns: list[int] = field(default_factory=list)

    def present(self) -> Present:
        """The repeats by path."""
        keys = {key for one in self.repeats for key in one}
        return Present({key: [one[key] for one in self.repeats if key in one] for key in keys})

    def add(self, act: Traces) -> None:
        """Measure one run."""
        measured = calibrated(measure(assemble(span.data for span in act.spans)))
        self.repeats.append(
            {("checkout", path): one.total_self_ns for path, one in measured.items()}
        )
        self.score_ns.append(act.get("score").elapsed_ns or 0)
        self.root_ns.append(act.get(ROOT).elapsed_ns or 0)


def structure(act: Traces) -> set[str]:
    """The helpers that fail for this run, none of which looks at the length of anything."""
    helpers: dict[str, Callable[[], object]] = {
        "assert_tree": lambda: act.assert_tree(TREE),
        "assert_count": lambda: act.assert_count("SELECT orders", 2),
        "assert_budget": lambda: act.assert_budget(spans=17, depth=4, fanout=6),
        "assert_volume": lambda: act.assert_volume(spans=17),
        "assert_no_n_plus_one": lambda: act.assert_no_n_plus_one(allow=["quote"]),
        "assert_sequential": lambda: act.assert_sequential("POST"),
        "assert_concurrent": lambda: act.assert_concurrent("quote", at_least=3),
        "assert_on_critical_path": lambda: act.only(ROOT).assert_on_critical_path("POST"),
    }
    return {name for name, helper in helpers.items() if fails(helper)}


def fails(helper: Callable[[], object]) -> bool:
    """Whether this assertion does not hold."""
    try:
        helper()
    except AssertionError:
        return True
    return False


def baseline_run(fault: Fault) -> Seen:
    """One run of the baseline, a process of its own: as many repeats as a recording has."""
    seen, took_ns = Seen(), 0
    with opened(fault) as run:
        while not is_recorded(len(seen.repeats), STAGES[0], took_ns):
            begun = time.perf_counter_ns()
            seen.add(run())
            took_ns += time.perf_counter_ns() - begun
    return seen


@dataclass(frozen=True)
class Baseline:
    """What five processes have measured of the unchanged program."""

    past: tuple[Past, ...]
    score_ns: int
    root_ns: tuple[int, ...]

    @classmethod
    def record(cls) -> Baseline:
        """Run them."""
        runs = [apart(lambda: baseline_run(Fault())) for _ in range(RUNS)]
        return cls(
            tuple(Past({k: min(v) for k, v in run.present().repeats.items()}) for run in runs),
            int(statistics.median(min(run.score_ns) for run in runs)),
            tuple(min(run.root_ns[:5]) for run in runs),
        )


def over(seen: Seen, baseline: Baseline) -> set[Key]:
    """The paths that are over their cut."""
    verdicts = judge(baseline.past, seen.present())
    return {key for key, verdict in verdicts.items() if verdict.outcome == "over"}


def looks_over(seen: Seen, baseline: Baseline) -> bool:
    """Whether more repeats have something to decide."""
    return any(one.looks_over for one in judge(baseline.past, seen.present()).values())


def trial(fault: Fault, baseline: Baseline) -> Seen:
    """What the helpers say of one process: repeats are added only while something is over."""
    with opened(fault) as run:
        first = run()
        seen = Seen(structure(first))
        seen.add(first)
        for step in STAGES:
            while len(seen.repeats) < step:
                seen.add(run())
            if not looks_over(seen, baseline):
                break
    seen.failed |= {f"over {written(path)}" for _, path in over(seen, baseline)}
    seen.failed |= limits(seen, baseline)
    return seen


def limits(seen: Seen, baseline: Baseline) -> set[str]:
    """What limits on durations say of it, and rules that others use."""
    failed = set()
    for headroom in (2, 3):
        limit = headroom * baseline.score_ns
        if seen.score_ns[0] >= limit:
            failed.add(f"one reading < {headroom}x")
        if min(seen.score_ns[:5]) >= limit:
            failed.add(f"assert_duration < {headroom}x")
    if min(seen.root_ns[:5]) > 1.25 * baseline.root_ns[-1]:
        failed.add("pytest-benchmark rule")
    return failed


def judged(fault: Fault, baseline: Baseline) -> set[str]:
    """The failures of one trial; what is over is confirmed in a second process, or dropped."""
    seen: Seen = apart(lambda: trial(fault, baseline))
    suspects = {one for one in seen.failed if one.startswith("over ")}
    failed = seen.failed - suspects
    if suspects:
        again: Seen = apart(lambda: trial(fault, baseline))
        failed |= {"suspect"} if not suspects & again.failed else set()
        confirmed = suspects & again.failed
        if confirmed:
            failed.add("assert_no_regression")
        if any(one.endswith("score") for one in confirmed):
            failed.add("... which names 'score'")
    return failed


@contextmanager
def busy(loops: int) -> Iterator[None]:
    """So many processes that do nothing, as fast as they can."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def table(counts: dict[str, dict[str, int]], trials: dict[str, int]) -> None:
    """Helpers down, faults across."""
    names = sorted({name for seen in counts.values() for name in seen} | set(HELPERS), key=_rank)
    print(f"{'failed in':28}" + "".join(f"{fault:>12}" for fault in trials))
    print(f"{'of so many trials':28}" + "".join(f"{number:>12}" for number in trials.values()))
    for name in names:
        print(f"{name:28}" + "".join(f"{counts[f].get(name, 0):>12}" for f in trials), flush=True)


HELPERS = (
    "assert_tree", "assert_count", "assert_budget", "assert_volume", "assert_no_n_plus_one",
    "assert_sequential", "assert_concurrent", "assert_on_critical_path", "assert_duration < 3x",
    "assert_duration < 2x", "assert_no_regression", "... which names 'score'", "suspect",
    "one reading < 3x", "one reading < 2x", "pytest-benchmark rule",
)  # fmt: skip


def _rank(name: str) -> int:
    return HELPERS.index(name)


def measure_under(loops: int, unchanged: int, slow: int, faulty: int) -> None:
    """The table for so many busy loops."""
    with busy(loops):
        baseline = Baseline.record()
        print(
            f"\nbeside {loops} busy loops; 'score' takes {baseline.score_ns / 1e6:.1f} ms at best"
        )
        trials = {name: slow if fault.slower > 1 else faulty for name, fault in FAULTS.items()}
        trials["unchanged"] = unchanged
        trials = {fault: number for fault, number in trials.items() if number}
        counts: dict[str, dict[str, int]] = {fault: {} for fault in FAULTS}
        for fault, number in trials.items():
            for _ in range(number):
                for name in judged(FAULTS[fault], baseline):
                    counts[fault][name] = counts[fault].get(name, 0) + 1
            print(f"  {fault}: {number} trials", file=sys.stderr, flush=True)
    table(counts, trials)


def main() -> None:
    """Reads the options."""
    parser = argparse.ArgumentParser(description="Which regressions the helpers see.")
    parser.add_argument("--trials", type=int, default=200, help="of the unchanged program")
    parser.add_argument("--slow", type=int, default=100, help="of each slower one")
    parser.add_argument("--faulty", type=int, default=50, help="of each with another fault")
    parser.add_argument("--load", type=int, nargs="+", default=[0, 3], help="busy loops beside it")
    options = parser.parse_args()
    for loops in options.load:
        measure_under(loops, options.trials, options.slow, options.faulty)


if __name__ == "__main__":
    main()
