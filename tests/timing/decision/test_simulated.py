"""The decision rule in simulated sessions: how often it errs. Seeded, and without any clock."""

import math
import random
from typing import NamedTuple

import pytest

from pytest_traces.timing.baseline.paths import CALIBRATION
from pytest_traces.timing.decision.data import Key, Past, Present, Verdict
from pytest_traces.timing.decision.rule import STAGES, judge


class World(NamedTuple):
    """How noisy everything is: relative deviations of machines, and of a path from run to run."""

    machines: float = 0.3
    noise: float = 0.05
    runs: int = 5
    work: int = 12
    waits: int = 4
    #: The baseline is of one machine only.
    is_one_machine: bool = False


class Process:
    """One process of pytest on one machine: its luck with memory, and noise in each repeat."""

    def __init__(
        self, chance: random.Random, steady: dict[Key, float], world: World, machine: float
    ) -> None:
        self._chance, self._steady, self._machine = chance, steady, machine
        self._luck = {key: math.exp(chance.gauss(0, world.noise)) for key in steady}
        #: The loop of each test, which no luck with memory slows.
        self.loops = {
            (test, CALIBRATION): round(1e6 * machine * math.exp(chance.gauss(0, 0.04)))
            for test, _ in steady
        }

    def once(self, key: Key, slowdown: float = 1.0) -> int:
        taken = self._steady[key] * slowdown
        if key[1] == ("wait",):
            taken += 60_000 + abs(self._chance.gauss(0, 30_000))  # the timer's
        else:
            taken *= self._machine * self._luck[key]
        return round(taken * (1 + 0.03 * self._chance.paretovariate(1.3)))  # now and then far more


def session(
    chance: random.Random, world: World, slow: Key | None = None, by: float = 1.0
) -> tuple[dict[Key, Verdict], set[Key]]:
    """A baseline, then a session: what it says first, and the paths that are confirmed."""
    steady = {(f"work {i}", ("work",)): chance.lognormvariate(14.5, 1) for i in range(world.work)}
    steady |= {
        (f"wait {i}", ("wait",)): chance.lognormvariate(16.8, 0.7) for i in range(world.waits)
    }

    def machine() -> float:
        return chance.lognormvariate(0, world.machines)

    first = machine()
    past = []
    for _ in range(world.runs):
        process = Process(chance, steady, world, first if world.is_one_machine else machine())
        bests = {key: min(process.once(key) for _ in range(5)) for key in steady}
        past.append(Past({**bests, **process.loops}))
    now = machine()

    def look() -> tuple[dict[Key, Verdict], set[Key]]:
        process, over = Process(chance, steady, world, now), set(steady)
        times: dict[Key, list[int]] = {key: [] for key in steady}
        loops = {key: [ns] for key, ns in process.loops.items()}
        verdicts: dict[Key, Verdict] = {}
        for stage in STAGES:
            for key in over:
                more = range(stage - len(times[key]))
                times[key] += [process.once(key, by if key == slow else 1.0) for _ in more]
            verdicts = judge(past, Present({**times, **loops}))
            over = {key for key in over if verdicts[key].looks_over}
        return verdicts, {key for key in over if verdicts[key].outcome == "over"}

    verdicts, over = look()
    return verdicts, over & look()[1] if over else over


WORLDS = {
    "a fleet": World(),
    "three runs": World(runs=3),
    "ten runs": World(runs=10),
    "one machine": World(machines=0.02, is_one_machine=True),
    "few paths": World(work=3, waits=2),
    "mostly waits": World(work=4, waits=12),
}


@pytest.mark.parametrize("name", WORLDS)
def test_unchanged_code_makes_no_alarms(name: str) -> None:
    """At most 1 in 200 checks, nearly none of them too noisy to tell."""
    chance, world = random.Random(name), WORLDS[name]
    checks = alarms = noisy = 0
    for _ in range(30):
        verdicts, slower = session(chance, world)
        checks += len(verdicts)
        alarms += len(slower)
        noisy += sum(1 for one in verdicts.values() if one.outcome == "noisy")

    assert alarms <= checks / 200
    assert noisy <= checks / 20


def test_a_baseline_of_one_machine_makes_few_alarms_on_another() -> None:
    """It cannot show what goes with the machine, so both views have to agree: 1 in 100 checks."""
    chance, world = random.Random(7), World(is_one_machine=True)
    alarms = sum(len(session(chance, world)[1]) for _ in range(40))

    assert alarms <= 40 * (world.work + world.waits) / 100


@pytest.mark.parametrize("slow", [("work 0", ("work",)), ("wait 0", ("wait",))])
@pytest.mark.parametrize("name", ["a fleet", "ten runs", "one machine", "mostly waits"])
def test_twice_as_slow_is_caught(name: str, slow: Key) -> None:
    """In 95 of 100 sessions at least, those left out in which the path was too noisy to gate."""
    chance, caught, gated = random.Random(name), 0, 0
    for _ in range(40):
        verdicts, slower = session(chance, WORLDS[name], slow, by=2.0)
        gated += verdicts[slow].outcome != "noisy"
        caught += slow in slower

    assert gated >= 37
    assert caught >= 0.95 * gated


@pytest.mark.parametrize("slow", [("work 0", ("work",)), ("wait 0", ("wait",))])
@pytest.mark.parametrize("name", ["a fleet", "ten runs", "one machine"])
def test_three_times_as_slow_is_always_caught(name: str, slow: Key) -> None:
    """Unless the path was too noisy to gate, and said to be."""
    chance = random.Random(name)
    for _ in range(25):
        verdicts, slower = session(chance, WORLDS[name], slow, by=3.0)
        assert slow in slower or verdicts[slow].outcome == "noisy"
