"""pytest's options and ini values, to Settings; a bad one says where it came from."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args

import pytest

from pytest_traces.settings import (
    BASELINES,
    DEFAULTS,
    PRESETS,
    BadValue,
    Settings,
    Show,
    check_attempts,
    check_external,
    check_ignore,
    check_n_plus_one,
    check_sources,
    parse_duration,
)

T = TypeVar("T")

MARKER = "traces"
MARKER_HELP = (
    "traces(under, spans, depth, fanout, bytes, propagated, no_n_plus_one, attempts, force): "
    "record the test and assert limits on what it did; "
    'under="200ms" is for each root span, attempts=5 runs it again while only clocks have failed'
)

#: Set in the processes of ``--traces-record``.
RECORDED = "PYTEST_TRACES_RECORDED"
#: The file in which such a process says what it has recorded.
RECORDED_TO = "PYTEST_TRACES_RECORDED_TO"
#: Set in processes that measure for another one, which alone decides.
MEASURES = "PYTEST_TRACES_MEASURES"


def add_options(parser: pytest.Parser) -> None:
    """Declare every option and ini value of this plugin."""
    group = parser.getgroup("traces", "traces of the tests")
    group.addoption(
        "--traces",
        action="store_true",
        default=DEFAULTS.record_all,
        help="record every test, and show the trace of those that fail",
    )
    group.addoption(
        "--traces-show",
        choices=get_args(Show),
        default=DEFAULTS.show,
        help="whose traces to show: of failed tests (default), of all that recorded, of none",
    )
    _add_recording(parser)
    _add_propagation(parser)
    _add_structure(parser)
    _add_duration(parser)
    _add_baselines(parser, group)
    _add_regressions(group)


def _add_recording(parser: pytest.Parser) -> None:
    parser.addini(
        "traces_timeout",
        'how long assertions wait for open spans: "2s", with a unit of ns, us, ms, s or min',
        default="2s",
    )
    parser.addini(
        "traces_ignore",
        f"names (globs) of spans to leave out; presets: {', '.join(PRESETS)}",
        type="args",
        default=[],
    )
    parser.addini(
        "traces_sources",
        f"which sources to record: {', '.join(DEFAULTS.sources)}",
        type="args",
        default=list(DEFAULTS.sources),
    )
    parser.addini(
        "traces_unsampled",
        "what to do with spans that the application's sampler drops: record or skip",
        default="record",
    )


def _add_propagation(parser: pytest.Parser) -> None:
    parser.addini(
        "traces_external",
        "third parties to whom no context may go: hosts, URL prefixes, globs",
        type="args",
        default=[],
    )
    parser.addini(
        "traces_format",
        "the format of the context headers that the application sends; any one, if not set",
        default="",
    )


def _add_duration(parser: pytest.Parser) -> None:
    parser.addini(
        "traces_attempts",
        "how many runs of a test a failed limit on a duration may take; 1 if tests cannot be rerun",
        default=str(DEFAULTS.attempts),
    )


def _add_structure(parser: pytest.Parser) -> None:
    parser.addini(
        "traces_n_plus_one",
        "how often an operation repeats below one span before it is an N+1: 2 or more",
        default=str(DEFAULTS.n_plus_one),
    )


def _add_baselines(parser: pytest.Parser, group: pytest.OptionGroup) -> None:
    group.addoption(
        "--traces-update",
        metavar="WHAT",
        help="record what tests that pass measure as baselines: structure, timings, or both: "
        "structure,timings",
    )
    group.addoption(
        "--traces-record",
        metavar="N",
        help="record a new baseline of timings: N runs, one after the other, each in a process of "
        "its own, instead of what there was of the tests that pass",
    )
    group.addoption(
        "--traces-prune",
        action="store_true",
        help="with --traces-update or --traces-record: take tests that are no longer collected "
        "out of the baselines; test files of which a part was selected are left alone",
    )
    group.addoption(
        "--traces-update-ci",
        action="store_true",
        help="record baselines where CI is set, too",
    )
    group.addoption(
        "--traces-timings", metavar="DIR", help="the folder of the timings, from where pytest runs"
    )
    parser.addini(
        "traces_timings",
        "the folder of the timings, from the root of the project",
        default=DEFAULTS.timings,
    )
    parser.addini(
        "traces_repeats",
        "least number of runs of each test that is compared or recorded; more of short tests",
        default=str(DEFAULTS.repeats),
    )


def _add_regressions(group: pytest.OptionGroup) -> None:
    group.addoption(
        "--traces-strict",
        action="store_true",
        default=DEFAULTS.strict,
        help="compare every test with its baseline: a difference of structure, a structure that "
        "was never recorded, and a duration that is confirmed to be longer are failures",
    )
    group.addoption(
        "--traces-base",
        metavar="REV",
        help="compare durations with those of this git revision, which is checked out to a "
        "temporary folder and measured there first",
    )
    group.addoption(
        "--traces-report",
        metavar="FILE",
        help="write what was decided in comparison with the baselines to this file, as JSON",
    )


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a run.

    Raises:
        pytest.UsageError: a value that cannot be used.
    """
    try:
        update = _update(config)
        return Settings(
            timeout_ns=_ini(config, "traces_timeout", parse_duration),
            ignore=_ini(config, "traces_ignore", check_ignore),
            sources=_ini(config, "traces_sources", check_sources),
            record_all=bool(
                config.getoption("traces") or update or config.getoption("traces_strict")
            ),
            record_unsampled=_ini(config, "traces_unsampled", _unsampled),
            external=_ini(config, "traces_external", check_external),
            format=_ini(config, "traces_format", _format),
            attempts=_ini(config, "traces_attempts", check_attempts),
            n_plus_one=_ini(config, "traces_n_plus_one", check_n_plus_one),
            show=cast("Show", config.getoption("traces_show")),
            update=update,
            prune=_prune(config, update),
            repeats=_ini(config, "traces_repeats", check_attempts),
            timings=_timings(config),
            strict=_compares(config, update) and bool(config.getoption("traces_strict")),
            base=config.getoption("traces_base") if _compares(config, update) else None,
            report=_report(config) if _compares(config, update) else None,
        )
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None


def processes_to_record(config: pytest.Config) -> int | None:
    """How many processes ``--traces-record`` asks for; None if this is one of them, or without it.

    Raises:
        pytest.UsageError: no such number.
    """
    given = config.getoption("traces_record")
    if given is None or _is_recorded():
        return None
    try:
        return check_attempts(given, "--traces-record")
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None


def _is_recorded() -> bool:
    """Whether this is one of the processes of ``--traces-record``, or a worker of one."""
    return RECORDED in os.environ


def _update(config: pytest.Config) -> tuple[str, ...]:
    given = config.getoption("traces_update")
    asked = set() if given is None else {one.strip() for one in given.split(",")}
    if not asked <= {*BASELINES}:
        raise BadValue("--traces-update", given, "it is structure, timings or structure,timings")
    option = "--traces-update"
    if config.getoption("traces_record") is not None:
        asked.add("timings")
        option = "--traces-record" if given is None else option
    if asked and not config.getoption("traces_update_ci"):
        from pytest_traces.timing.baseline.environment import is_ci

        if is_ci(os.environ):
            raise pytest.UsageError(
                f"{option}: the variable CI is set, and baselines are recorded where somebody "
                "looks at them; a job that is there to record them adds --traces-update-ci"
            )
    return tuple(one for one in BASELINES if one in asked)


def _compares(config: pytest.Config, update: tuple[str, ...]) -> bool:
    """Whether this run may be compared; one that records, or measures for another, is not."""
    return not update and not config.getoption("traces_record") and MEASURES not in os.environ


def _report(config: pytest.Config) -> str | None:
    given = config.getoption("traces_report")
    return None if given is None else str(config.invocation_params.dir / given)


def _prune(config: pytest.Config, update: tuple[str, ...]) -> bool:
    if config.getoption("traces_prune") and not update:
        raise pytest.UsageError("--traces-prune: it goes with --traces-update or --traces-record")
    return bool(config.getoption("traces_prune"))


def _timings(config: pytest.Config) -> str:
    given = config.getoption("traces_timings")
    if given is not None:
        return str(config.invocation_params.dir / given)
    return str(config.rootpath / _ini(config, "traces_timings", _folder))


def _folder(value: str, where: str) -> str:
    if not value.strip():
        raise BadValue(where, value, "it is a folder")
    return value.strip()


def _ini(config: pytest.Config, name: str, check: Callable[[Any, str], T]) -> T:
    """The checked value of an ini setting; a bad one is told with where it was set."""
    where = _origin(config, name)
    try:
        value = config.getini(name)
    except (TypeError, ValueError, pytest.UsageError) as error:
        # A quote that is not closed, or a number in TOML.
        raise pytest.UsageError(f"{where}: {error}") from None
    return check(value, where)


def _origin(config: pytest.Config, name: str) -> str:
    given = config.getoption("override_ini", None) or ()
    if any(one.partition("=")[0] == name for one in given):
        return f"{name} (option -o)"
    return f"{name} (in {config.inipath.name})" if config.inipath is not None else name


def _unsampled(value: str, where: str) -> bool:
    if value not in ("record", "skip"):
        raise BadValue(where, value, "it is one of record, skip")
    return value == "record"


def _format(value: str, where: str) -> str | None:
    if not value:
        return None
    from pytest_traces.propagation import FORMATS

    if value not in FORMATS:
        raise BadValue(where, value, f"the formats are {', '.join(FORMATS)}")
    return value
