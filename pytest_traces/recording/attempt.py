"""One run of a test among several of the same: what is known, and what the next is for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Attempt:
    """The runs of one test. The recording of each run has the same object.

    Attributes:
        number: the run that is under way, from 1.
        allowed: how many runs a failed limit on a duration may take (marker, ini, or 1).
        can_repeat: whether somebody can run the test again: pytest, not ``record()``.
        counting: whether events of the interpreter are counted in this run.
        counts_next: whether they are to be counted in the next one.
        wanted: why the test has to run again, set by whoever needs that; None if it has not.
        doubted: the verdict of an assertion for which the test runs again if it fails by that, and
            not if the test has caught it.
        measuring: whether that run is wanted only to measure, whatever it takes: then nothing is
            wrong with this one, and it is not reported as a rerun.
        judged: whether this run fails because of what all runs have shown together, set by whoever
            fails it; other new failures show that the test cannot be repeated.
        test: its id in the baselines; None where no session runs it.
        history: what its session is compared with, given by whoever runs the session.
        measured: what each run has measured, by the assertion that did; it is theirs alone.
    """

    number: int = 1
    allowed: int = 1
    can_repeat: bool = False
    counting: bool = False
    counts_next: bool = False
    wanted: str | None = None
    doubted: str | None = None
    measuring: bool = False
    judged: bool = False
    test: str | None = None
    history: object | None = None
    measured: dict[str, list[object]] = field(default_factory=dict)
