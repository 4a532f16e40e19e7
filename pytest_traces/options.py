"""pytest's options and ini values, to Settings; a bad one says where it came from."""

from __future__ import annotations

from typing import cast, get_args

import pytest

from pytest_traces.settings import (
    DEFAULTS,
    PRESETS,
    BadValue,
    Settings,
    Show,
    check_sources,
    expand_ignore,
    parse_duration,
)


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
    parser.addini("traces_timeout", "how long assertions wait for open spans", default="2s")
    parser.addini(
        "traces_ignore",
        f"names (globs) of spans to leave out; presets: {', '.join(PRESETS)}",
        type="args",
        default=[],
    )
    parser.addini(
        "traces_sources", "which sources to record", type="args", default=list(DEFAULTS.sources)
    )
    parser.addini(
        "traces_unsampled",
        "what to do with spans that the application's sampler drops: record or skip",
        default="record",
    )


def read_settings(config: pytest.Config) -> Settings:
    """The settings of a run.

    Raises:
        pytest.UsageError: a value that cannot be used.
    """
    try:
        return Settings(
            timeout_ns=parse_duration(config.getini("traces_timeout"), "ini traces_timeout"),
            ignore=expand_ignore(tuple(config.getini("traces_ignore"))),
            sources=check_sources("ini traces_sources", config.getini("traces_sources")),
            record_all=config.getoption("traces"),
            record_unsampled=_unsampled(config.getini("traces_unsampled")),
            show=cast("Show", config.getoption("traces_show")),
        )
    except BadValue as error:
        raise pytest.UsageError(str(error)) from None


def _unsampled(value: str) -> bool:
    if value not in ("record", "skip"):
        raise BadValue("ini traces_unsampled", value, "it is one of record, skip")
    return value == "record"
