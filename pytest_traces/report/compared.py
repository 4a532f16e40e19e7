"""What a whole session says in comparison with its baselines: the summary, and JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_traces.report.regression import change_text, note_lines, regression_message
from pytest_traces.report.words import plural
from pytest_traces.timing.baseline.paths import written
from pytest_traces.timing.decision.comparison import Comparison
from pytest_traces.timing.decision.data import Key, Verdict

FORMAT = "pytest-traces report"
VERSION = 1
_MOST_TESTS = 20


def summary_lines(decided: Sequence[Comparison]) -> Iterator[str]:
    """The tests that are slower, each whole; then those that are suspects; then the rest, counted.

    Args:
        decided: of the tests whose own code did not fail.
    """
    slower = [one for one in decided if one.slower]
    suspect = [one for one in decided if one.suspect and not one.slower]
    for one in slower[:_MOST_TESTS]:
        yield f"{one.test}"
        yield from str(regression_message(one)).splitlines()
        yield ""
    if len(slower) > _MOST_TESTS:
        yield f"and {plural(len(slower) - _MOST_TESTS, 'more test')} slower than the baseline"
    for one in suspect[:_MOST_TESTS]:
        yield f"{one.test}"
        yield from (f"  {line}" for line in note_lines(one))
    if len(suspect) > _MOST_TESTS:
        yield f"and {plural(len(suspect) - _MOST_TESTS, 'more test')} suspect"
    yield from _counts(decided)


def _counts(decided: Sequence[Comparison]) -> Iterator[str]:
    verdicts = [one for comparison in decided for one in comparison.verdicts]
    judged = [one for one in verdicts if one.outcome not in ("noisy", "undecided")]
    tests = {one.key[0] for one in judged}
    text = f"{plural(len(judged), 'duration')} of {plural(len(tests), 'test')} compared"
    noisy = sum(1 for one in verdicts if one.outcome == "noisy")
    if noisy:
        text += f"; {plural(noisy, 'path')} too noisy to gate"
    small = sum(1 for one in verdicts if one.outcome == "small")
    if small:
        text += f"; {plural(small, 'path')} over the limit by less than counts"
    undecided = sum(1 for one in verdicts if one.outcome == "undecided")
    if undecided:
        text += f"; {plural(undecided, 'path')} not decided"
    yield text
    yield from _without_baseline(decided)


def _without_baseline(decided: Sequence[Comparison]) -> Iterator[str]:
    """Each reason once, not once a test."""
    reasons: dict[tuple[int, str], int] = {}
    for one in decided:
        if not one.verdicts:
            key = (one.baseline.runs, one.baseline.environment)
            reasons[key] = reasons.get(key, 0) + 1
    for (runs, environment), number in sorted(reasons.items()):
        has = f"only {plural(runs, 'run')}" if runs else "no baseline"
        yield f"no verdict on durations of {plural(number, 'test')}: {has} for {environment}"


def document(
    environment: str, tests: Mapping[str, Mapping[str, Any]], errors: Sequence[str] = ()
) -> dict[str, Any]:
    """The whole report, as JSON takes it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "environment": environment,
        "regressions": sorted(test for test, one in tests.items() if one["verdict"] != "passed"),
        "errors": list(errors),
        "tests": {test: dict(tests[test]) for test in sorted(tests)},
    }


def as_json(one: Comparison) -> dict[str, Any]:
    """One test: its verdict in a word, then all that it comes from."""
    verdict = "certain" if one.changes else "slower" if one.slower else "passed"
    verdict = "unrecorded" if one.is_unrecorded else verdict
    confirmed = {verdict.key for verdict in one.slower}
    return {
        "verdict": verdict,
        "baseline": one.baseline._asdict() | {"others": list(one.baseline.others)},
        "structure": [
            {"kind": change.kind, "path": written(change.path), "text": change_text(change)}
            for change in one.changes
        ],
        "durations": [
            _duration(found, (one.second or {}).get(found.key), found.key in confirmed)
            for found in one.verdicts
        ],
        "trouble": one.trouble,
    }


def _duration(one: Verdict, second: Verdict | None, is_confirmed: bool) -> dict[str, Any]:
    word: str = one.outcome
    if one.outcome == "over":
        word = "slower" if is_confirmed else "suspect"
    key: Key = one.key
    fields = {name: value for name, value in one._asdict().items() if name != "key"}
    fields = {name: _rounded(value) for name, value in fields.items()}
    again = (
        None if second is None else {"ratio": _rounded(second.ratio), "cut": _rounded(second.cut)}
    )
    return {"path": written(key[1]), **fields, "outcome": word, "second": again}


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
