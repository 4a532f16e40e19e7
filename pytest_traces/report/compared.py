"""What a whole session says in comparison with its baselines: the summary, and JSON."""

from __future__ import annotations

from collections import Counter
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
_MOST_NAMED = 3
#: Of a verdict: said otherwise, or over when the report is made.
_UNTOLD = ("key", "looks_over")


def summary_lines(
    decided: Sequence[Comparison], tests: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """The tests that are slower, each in a line; then the suspects; then the rest, counted.

    Args:
        decided: of the tests whose own code did not fail; what an assertion decides, it says.
        tests: what is known of every test, as in the report.
    """
    slower = [one for one in decided if one.slower]
    suspect = [one for one in decided if one.suspect and not one.slower]
    for one in slower[:_MOST_TESTS]:
        yield f"{one.test}: {regression_message(one).verdict}"
    if len(slower) > _MOST_TESTS:
        yield f"and {plural(len(slower) - _MOST_TESTS, 'more test')} slower than the baseline"
    for one in suspect[:_MOST_TESTS]:
        yield f"{one.test}"
        yield from (f"  {line}" for line in note_lines(one))
    if len(suspect) > _MOST_TESTS:
        yield f"and {plural(len(suspect) - _MOST_TESTS, 'more test')} suspect"
    # Who fails by structure alone, is told that, and has nothing to be counted.
    told = {test: one for test, one in tests.items() if one["durations"] or _has_passed(one)}
    if told:
        yield _counts(told)
        yield from _without_baseline(told)


def _has_passed(one: Mapping[str, Any]) -> bool:
    return bool(one["verdict"] == "passed")


def _counts(tests: Mapping[str, Mapping[str, Any]]) -> str:
    outcomes = [(test, path["outcome"]) for test, one in tests.items() for path in one["durations"]]
    number = Counter(outcome for _, outcome in outcomes)
    judged = [test for test, outcome in outcomes if outcome not in ("noisy", "undecided")]
    text = f"{plural(len(judged), 'duration')} of {plural(len(set(judged)), 'test')} compared"
    if number["noisy"]:
        text += f"; {plural(number['noisy'], 'path')} too noisy to gate"
    if number["small"]:
        text += f"; {plural(number['small'], 'path')} over the limit by less than counts"
    if number["undecided"]:
        text += f"; {plural(number['undecided'], 'path')} not decided"
    return text


def _without_baseline(tests: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Each reason once, with some of its tests."""
    reasons: dict[tuple[int, str], list[str]] = {}
    for test, one in sorted(tests.items()):
        if not one["durations"]:
            baseline = one["baseline"]
            revision = baseline["revision"]
            whose = f"for {baseline['environment']}" if revision is None else f"of {revision}"
            reasons.setdefault((baseline["runs"], whose), []).append(test)
    for (runs, whose), those in sorted(reasons.items()):
        has = f"only {plural(runs, 'run')}" if runs else "no baseline"
        yield f"no verdict on durations of {plural(len(those), 'test')}: {has} {whose}"
        yield from (f"  {test}" for test in those[:_MOST_NAMED])
        if len(those) > _MOST_NAMED:
            yield f"  and {len(those) - _MOST_NAMED:,} more"


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
    told = {name: value for name, value in one._asdict().items() if name not in _UNTOLD}
    fields = {name: _rounded(value) for name, value in told.items()}
    again = (
        None if second is None else {"ratio": _rounded(second.ratio), "cut": _rounded(second.cut)}
    )
    return {"path": written(key[1]), **fields, "outcome": word, "second": again}


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
