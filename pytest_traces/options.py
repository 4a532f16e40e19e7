"""pytest's options and ini values, to Settings; a bad one says where it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast, get_args

import pytest

from pytest_traces.settings import (
    DEFAULTS,
    PRESETS,
    BadValue,
    Settings,
    Show,
    check_external,
    check_ignore,
    check_sources,
    parse_duration,
)

T = TypeVar("T")


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


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a run.

    Raises:
        pytest.UsageError: a value that cannot be used.
    """
    try:
        return Settings(
            timeout_ns=_ini(config, "traces_timeout", parse_duration),
            ignore=_ini(config, "traces_ignore", check_ignore),
            sources=_ini(config, "traces_sources", check_sources),
            record_all=bool(config.getoption("traces")),
            record_unsampled=_ini(config, "traces_unsampled", _unsampled),
            external=_ini(config, "traces_external", check_external),
            format=_ini(config, "traces_format", _format),
            show=cast("Show", config.getoption("traces_show")),
        )
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None


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
