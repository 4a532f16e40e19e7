"""What is said of a test that was compared with its baseline, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_traces.report.accepting import accepting, structure_command, timings_command
from pytest_traces.report.explain import Message
from pytest_traces.report.words import duration, listed, plural, shown
from pytest_traces.timing.baseline.measure import Range
from pytest_traces.timing.baseline.paths import Path, written
from pytest_traces.timing.baseline.structure import PathStructure, StructureChange
from pytest_traces.timing.decision.comparison import Baseline, Comparison
from pytest_traces.timing.decision.data import Verdict
from pytest_traces.timing.decision.rule import GRAIN_NS, LEAST_RUNS, SPREADS

_UNDECIDED_LINES = 5
_DEEPEST_NAMES = 6
_INDENT = " " * 11


def regression_message(comparison: Comparison) -> Message:
    """The failure of a test whose structure differs, or that is slower."""
    message = Message(_verdict(comparison))
    message.facts = [
        *_certain_lines(comparison.changes),
        *_over_lines(comparison),
        "",
        *remark_lines(comparison),
    ]
    while message.facts and not message.facts[-1]:
        message.facts.pop()
    message.hint = accepting(comparison)
    return message


def nothing_to_compare(test: str, baseline: Baseline) -> Message:
    """The failure of a test of which neither structure nor timings are known."""
    message = Message("nothing to compare with: this test has no structure and no timings recorded")
    if baseline.revision is not None:
        message.facts = [
            f"  its structure, to be committed; the timings are those of {_revision(baseline)}:",
            f"    {structure_command(test)}",
        ]
        return message
    message.facts = [
        "  its structure, to be committed, and its timings of five processes on this machine:",
        f"    {structure_command(test)}",
        f"    {timings_command(test, baseline)}",
    ]
    return message


def note_lines(comparison: Comparison) -> list[str]:
    """What the summary says beside a test that holds: suspects, and what was not decided."""
    lines = [_suspicion(comparison, one) for one in comparison.suspect]
    lines += _no_verdict(comparison)
    lines += _open_questions(comparison.verdicts)
    return [line.strip() for line in lines]


def _suspicion(comparison: Comparison, one: Verdict) -> str:
    figures = "; ".join([*_figures(one), _why_suspect(comparison)])
    return f"suspect: {path_text(one.key[1])} {figures}"


def _revision(baseline: Baseline) -> str:
    return f"revision {baseline.revision}"


def path_text(path: Path) -> str:
    """A path as messages show it, without the middle of a long one."""
    if len(path) > _DEEPEST_NAMES:
        path = (*path[:2], f"… {len(path) - 4:,} levels …", *path[-2:])
    return f"'{written(tuple(shown(name) for name in path))}'"


def _verdict(comparison: Comparison) -> str:
    changes, slower = comparison.changes, comparison.slower
    if not changes:
        return _slower_verdict(slower)
    text = f"the structure differs from the baseline: {change_text(changes[0])}"
    if len(changes) > 1:
        text += f", and {plural(len(changes) - 1, 'more difference')}"
    return f"{text}; {plural(len(slower), 'path')} slower" if slower else text


def _slower_verdict(slower: Sequence[Verdict]) -> str:
    more = f", and {plural(len(slower) - 1, 'more path')}" if len(slower) > 1 else ""
    path = path_text(slower[0].key[1])
    return f"slower than the baseline: {path} takes {times(slower[0].ratio)} as long{more}"


def change_text(change: StructureChange) -> str:
    """One certain difference: ``'book > select': 5 spans, 1 before``."""
    path, before, after = path_text(change.path), change.before, change.after
    if change.kind == "added":
        return f"{path}: {_spans(after)}, none before"
    if change.kind == "gone":
        return f"{path}: no span, {_spans(before)} before"
    if change.kind == "count":
        return f"{path}: {_spans(after)}, {_range(before.count if before else (0, 0))} before"
    if change.kind == "peak":
        now, then = after or before, before or after
        at_once = _range(now.peak) if now else ""
        return f"{path}: {at_once} open at once, {_range(then.peak) if then else ''} before"
    if change.kind == "critical":
        now_critical = after is not None and after.critical
        return f"{path}: {'now' if now_critical else 'no longer'} on the critical path"
    return f"{path}: {_work(before, after)}"


def _spans(structure: PathStructure | None) -> str:
    low, high = structure.count if structure is not None else (0, 0)
    return plural(low, "span") if low == high else f"{low:,} to {high:,} spans"


def _range(numbers: Range) -> str:
    low, high = numbers
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _work(before: PathStructure | None, after: PathStructure | None) -> str:
    if before is not None and after is not None:
        for interpreter, events in before.work.items():
            now = after.work.get(interpreter, events)
            if now != events:
                return f"{plural(now, 'event')} of {interpreter}, {events:,} before"
    return "other work"


def _certain_lines(changes: Sequence[StructureChange]) -> list[str]:
    lines = [f"  certain  {change_text(one)}" for one in changes[:20]]
    if len(changes) > 20:
        lines.append(f"  certain  and {plural(len(changes) - 20, 'more difference')}")
    return lines


def _over_lines(comparison: Comparison) -> Iterator[str]:
    for one in comparison.slower:
        second = (comparison.second or {})[one.key]
        yield from _marked("slower", one)
        best = f"the best of {plural(second.repeats, 'repeat')}"
        yield f"{_INDENT}in a second process {times(second.ratio)}, {best}"
    for one in comparison.suspect:
        yield from _marked("suspect", one)
    if comparison.suspect:
        yield _INDENT + _why_suspect(comparison)


def _marked(word: str, one: Verdict) -> list[str]:
    head = f"  {word:<9}{path_text(one.key[1])}"
    return [head, *(_INDENT + line for line in _figures(one))]


def _figures(one: Verdict) -> list[str]:
    """Before, after, ratio, interval; then the limit and how often it was exceeded."""
    within = f"about 90 % within {times(one.low)} to {times(one.high)}"
    first = f"{duration(one.before_ns)} before, {duration(one.after_ns)} now: "
    why = _corrections(one)
    plain = f"{times(one.after_ns / one.before_ns)}, " if one.before_ns else ""
    if why and plain != f"{times(one.ratio)}, ":
        found = [f"{first}{plain}{times(one.ratio)} with {why}", within]
    else:
        found = [f"{first}{times(one.ratio)}, {within}"]
    return [*found, f"limit {limit(one)}; {_often(one)}"]


def _corrections(one: Verdict) -> str:
    """Why the ratio is not that of the two figures beside it."""
    found = []
    if one.basis != "raw":
        found.append(f"the common factor {times(one.factor)} taken away")
    if one.before_ns < GRAIN_NS:
        found.append(f"what is shorter counted as {duration(GRAIN_NS)}")
    return " and ".join(found)


def _often(one: Verdict) -> str:
    return f"over it in {one.over} of {plural(one.repeats, 'repeat')}"


def _why_suspect(comparison: Comparison) -> str:
    if comparison.trouble is not None:
        return f"not confirmed: {comparison.trouble}"
    if comparison.second is None:
        return "not confirmed: no second process was asked"
    return "not confirmed by a second process, so no failure"


def limit(one: Verdict) -> str:
    """The limit, and where it comes from."""
    if one.cut_from == "floor":
        return f"{times(one.cut)} (the floor)"
    spread = f"{100 * one.spread:.0f} %"
    return f"{times(one.cut)} ({SPREADS:.0f} times the spread of the baseline runs, {spread})"


def times(ratio: float) -> str:
    """``x1.31``, ``x13.4``, ``x1,340``."""
    if ratio < 9.995:
        return f"x{ratio:.2f}"
    return f"x{ratio:.1f}" if ratio < 99.95 else f"x{ratio:,.0f}"


def remark_lines(comparison: Comparison) -> list[str]:
    """The common factor, what was not decided and why, what it was compared with."""
    lines = [*_common(comparison.verdicts), *_open_questions(comparison.verdicts)]
    baseline = comparison.baseline
    if comparison.verdicts and not list(_no_verdict(comparison)):
        origin = f"{plural(baseline.runs, 'run')} of {baseline.environment}"
        if baseline.revision is not None:
            origin = f"{plural(baseline.runs, 'run')} of {_revision(baseline)}"
        lines.append(f"  compared with {origin}; self times, the best of the repeats")
    return [*lines, *_no_verdict(comparison)]


def _common(verdicts: Sequence[Verdict]) -> Iterator[str]:
    decided = [one for one in verdicts if one.runs and one.outcome != "undecided"]
    loudest = sorted(decided, key=lambda one: (one.outcome != "over", -one.paths))
    for one in loudest[:1]:
        if one.paths:
            over = f"over {plural(one.paths, 'path')}: machine or code, cannot tell"
            yield f"  common factor of this run: {times(one.factor)} {over}"
        elif one.factor != 1.0 or one.basis == "calibration":
            yield f"  common factor of this run: {times(one.factor)} by the calibration loop"
    raw = [path_text(one.key[1]) for one in decided if one.basis == "raw" and one.outcome == "over"]
    if raw:
        yield f"  not divided by it, as the baseline does not prove it needs that: {listed(raw)}"


def _open_questions(verdicts: Sequence[Verdict]) -> Iterator[str]:
    lines = [line for one in verdicts if (line := _open_question(one)) is not None]
    yield from lines[:_UNDECIDED_LINES]
    if len(lines) > _UNDECIDED_LINES:
        yield f"  not decided: {plural(len(lines) - _UNDECIDED_LINES, 'more path')}"


def _open_question(one: Verdict) -> str | None:
    path = path_text(one.key[1])
    if one.outcome == "noisy":
        return (
            f"  too noisy to gate: {path}: by the baseline runs its limit would be {times(one.cut)}"
        )
    if one.outcome == "small":
        added = duration(one.added_ns)
        return f"  note: {path} takes {times(one.ratio)} as long, which is only {added} more"
    if one.outcome == "undecided":
        return f"  not decided: {path}: {one.reason}"
    return None


def _no_verdict(comparison: Comparison) -> Iterator[str]:
    """Why there is no verdict on any duration of the test."""
    baseline = comparison.baseline
    if baseline.runs >= LEAST_RUNS:
        return
    if baseline.revision is not None:
        has = plural(baseline.runs, "run") if baseline.runs else "no run"
        has = f"{_revision(baseline)} has {has} of it"
        yield f"  no verdict on durations: {has}, a verdict takes {LEAST_RUNS}"
        return
    if baseline.runs:
        has = f"{plural(baseline.runs, 'run')} in the baseline for {baseline.environment}"
        yield f"  no verdict on durations: {has}, a verdict takes {LEAST_RUNS}"
    else:
        yield f"  no verdict on durations: no baseline for {baseline.environment}"
        if baseline.others:
            yield f"  there are baselines for {listed(baseline.others)}"
    yield f"  to record one: {timings_command(comparison.test, baseline)}"


def unrecorded(test: str, file: str) -> Message:
    """The failure of a test of a strict run that has no structure to be compared with."""
    message = Message(f"this test emits spans, and {file} does not know their structure")
    message.hint = f"record it, and commit the file: {structure_command(test)}"
    return message
