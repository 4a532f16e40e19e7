"""What decides which transactions and segments Sentry keeps, asked when it decides."""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.model import Sampler

_RATE = "traces_sample_rate"
_CALLER = Sampler("Sentry", follows_caller=True)
_UNDER_LOAD = Sampler("Sentry under load, although its caller sampled")

#: On what is within a transaction or a segment that was not seen to start.
BEFORE = Sampler("Sentry, which had already decided on its trace")
NO_TRANSACTION = Sampler("Sentry: it belongs to no transaction")
NEVER_STARTED = Sampler("Sentry: sentry_sdk.start_transaction() never started it")


def decider(*, sampled: bool | None, caller: bool | None, rate: Any = 1) -> Sampler:
    """What has decided: ``traces_sampler``, else the caller, else ``traces_sample_rate``.

    (Sentry's documentation, "Sampling", "Precedence".) Without a rate and a function, nothing is
    kept; where the spans are sent one by one, what the caller keeps is.

    Args:
        sampled: what was decided.
        caller: what the caller has decided, if it has said.
        rate: what came of the function; None for nothing that could be used.
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    client = sdk.get_client()
    options = client.options if client.is_active() else None
    if options is None:
        return Sampler("Sentry, which sentry_sdk.init() never set up")
    chosen, number = options.get("traces_sampler"), options.get(_RATE)
    is_off = options.get("enable_tracing") is False
    if is_off or (chosen is None and number is None):
        why = "enable_tracing is False" if is_off else f"no {_RATE} is set"
        return _CALLER if sampled else Sampler(f"Sentry, where {why}")
    if callable(chosen):
        name = getattr(chosen, "__name__", type(chosen).__name__)
        words = f"Sentry's traces_sampler ({name})"
        if rate is None:
            return Sampler(f"{words}, which gave no rate")
    elif caller is not None:
        return _UNDER_LOAD if caller and not sampled else _CALLER
    else:
        words = f"Sentry's {_RATE} ({number})"
    is_strained = getattr(getattr(client, "monitor", None), "downsample_factor", 0) > 0
    return Sampler(f"{words}, lowered under load" if is_strained and not sampled else words)
