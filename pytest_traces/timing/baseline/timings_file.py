"""The file of the timings of one environment: to read, to add a run to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeGuard

from pytest_traces.timing.baseline.files import (
    BaselineError,
    Document,
    Kind,
    ignored_folder,
    laid_out,
    locked,
    read_document,
    write_text,
)
from pytest_traces.timing.baseline.paths import Path, read, written
from pytest_traces.timing.baseline.timings import (
    PathTiming,
    Run,
    Timings,
    replaced,
    united,
    without,
)

TIMINGS = Kind(
    "pytest-traces timings",
    1,
    "restore it, or delete it and record it again with --traces-record=5",
    levels=5,
)
_HEAD = ("format", "version", "environment", "runs")
_RUN = ("key", "recorded", "revision", "tests")
_NUMBERS = ("best_ns", "median_ns", "repeats")


def timings_path(folder: FilePath, environment: str) -> FilePath:
    """Where the timings of an environment are."""
    return folder / f"{environment}.json"


def load_timings(path: FilePath, shown: str) -> Timings | None:
    """Read the file of the environment that it is named after, if there is one.

    Raises:
        BaselineError: it cannot be used, or is of another environment; with its line.
    """
    document = read_document(path, TIMINGS, shown)
    if document is None:
        return None
    found = understand_timings(document)
    if found.environment != path.stem:
        problem = f'its "environment" is {found.environment!r}, not {path.stem!r}'
        document.fail(problem, "environment", advice="each environment has its own file")
    return found


def understand_timings(document: Document) -> Timings:
    """What the file says, checked.

    Raises:
        BaselineError: something is not what it has to be.
    """
    data = document.data
    environment, runs = data.get("environment"), data.get("runs")
    if not isinstance(environment, str) or not environment:
        document.fail(f'"environment" is {environment!r}, not a name', "environment")
    if not isinstance(runs, list):
        document.fail('"runs" is no list', "runs")
    fields = {name: data[name] for name in data if name not in _HEAD}
    return Timings(environment, tuple(_run(document, run) for run in runs), fields)


def _run(document: Document, run: Any) -> Run:
    if not isinstance(run, dict):
        document.fail("a run is no object", "runs")
    key, recorded, revision = run.get("key"), run.get("recorded"), run.get("revision")
    if not isinstance(key, str) or not key:
        document.fail(f'the "key" of a run is {key!r}, not a name', "runs")
    if not isinstance(recorded, str) or not recorded:
        document.fail(f'"recorded" is {recorded!r}, not a time', "runs", key)
    if revision is not None and not isinstance(revision, str):
        document.fail(f'"revision" is {revision!r}, not a name', "runs", key)
    tests = run.get("tests")
    if not isinstance(tests, dict):
        document.fail('the "tests" of this run are no object', "runs", key)
    return Run(
        key=key,
        recorded=recorded,
        revision=revision,
        tests={test: _paths(document, paths, key, test) for test, paths in tests.items()},
        fields={name: run[name] for name in run if name not in _RUN},
    )


def _paths(document: Document, paths: Any, key: str, test: str) -> dict[Path, PathTiming]:
    if not isinstance(paths, dict):
        document.fail("this is no object of paths", "runs", key, test)
    found: dict[Path, PathTiming] = {}
    for text, entry in paths.items():
        values = entry if isinstance(entry, dict) else {}
        best, middle, repeats = (values.get(name) for name in _NUMBERS)
        if not (_is_number(best) and _is_number(middle) and _is_number(repeats)):
            wanted = ", ".join(_NUMBERS)
            document.fail(f"these are not the numbers {wanted}", "runs", key, test, text)
        rest = {name: values[name] for name in values if name not in _NUMBERS}
        found[read(text)] = PathTiming(best, middle, repeats, rest)
    return found


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def timings_text(timings: Timings) -> str:
    """The text of the file."""
    runs = [
        {
            "key": run.key,
            "recorded": run.recorded,
            "revision": run.revision,
            **_sorted(run.fields),
            "tests": {
                test: {written(path): _entry(paths[path]) for path in sorted(paths)}
                for test, paths in sorted(run.tests.items())
            },
        }
        for run in timings.runs
    ]
    fields = _sorted(timings.fields)
    return laid_out(TIMINGS, {"environment": timings.environment, **fields, "runs": runs})


def _entry(one: PathTiming) -> dict[str, object]:
    return {**{name: getattr(one, name) for name in _NUMBERS}, **_sorted(one.fields)}


def add_run(
    folder: FilePath,
    environment: str,
    run: Run,
    shown: str,
    gone: set[str],
    *,
    beside: Collection[str] | None = None,
) -> Timings:
    """Add a run to the file of its environment; several processes may do so at once.

    Args:
        folder: where timings are kept.
        environment: which file.
        run: what was measured.
        shown: how messages name the file.
        gone: node ids of tests to forget in all runs.
        beside: of a new baseline, the keys of its other runs: what older ones say of the tests
            of this run is forgotten. None to add to what there is.

    Raises:
        BaselineError: the file cannot be used or written, and is as it was.
    """
    path = timings_path(folder, environment)
    try:
        ignored_folder(folder)
        with locked(folder):
            old = load_timings(path, shown) or Timings(environment)
            runs = united((*old.runs, run)) if beside is None else replaced(old.runs, run, beside)
            new = old._replace(runs=without(runs, gone))
            write_text(path, timings_text(new), shown)
    except OSError as error:
        problem = f"its folder cannot be used ({error.strerror})"
        raise BaselineError(shown, None, problem, "it has to be one that can be written") from None
    return new


def _sorted(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: fields[name] for name in sorted(fields)}
