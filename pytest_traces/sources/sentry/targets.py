"""Requests to which Sentry adds no header, because its options say so."""

from __future__ import annotations

import re
import sys
from typing import Any

from pytest_traces.sources.advice import Advice, Sending

_OPTION = "trace_propagation_targets"


def explain(sending: Sending) -> Advice | None:
    """Whether ``trace_propagation_targets`` leaves this URL out.

    The option is a list of regular expressions, as texts or compiled, each searched in the URL
    (Sentry's developer documentation, "Trace Propagation"; ``match_regex_list`` of the SDK).
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    try:
        client = sdk.get_client()
        targets = client.options.get(_OPTION) if client.is_active() else None
    except AttributeError:  # not imported, or older than this interface
        return None
    if targets is None or any(_is_in(target, sending.url) for target in targets):
        return None
    shown = ", ".join(repr(getattr(target, "pattern", target)) for target in targets) or "empty"
    return Advice(
        f"Sentry's {_OPTION} ({shown}) leave {sending.url} out",
        f"sentry_sdk.init(..., {_OPTION}=[...]) with a text that is in that URL",
    )


def _is_in(target: Any, url: str) -> bool:
    """What is no expression matches nothing."""
    try:
        return re.search(target, url) is not None
    except (re.error, TypeError):
        return False
