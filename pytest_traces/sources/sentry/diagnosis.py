"""What the Sentry source says of itself when something was not captured."""

from __future__ import annotations

import sys
from typing import Any

from pytest_traces.recording import Capture, Recording
from pytest_traces.settings import DEFAULTS
from pytest_traces.sources.sentry.current import is_streaming
from pytest_traces.sources.sentry.holding import HELD

_TITLE = "Sentry"
_ALL_THE_SAME = "spans are recorded all the same, as not sampled"


def capture_of(recording: Recording, spans: int) -> Capture:
    """Describe what Sentry is set to, and what it did not send.

    Args:
        recording: what was recorded.
        spans: how many spans of this source are looked at.

    Returns:
        With an empty state where nobody can want to know of Sentry.
    """
    sdk: Any = sys.modules.get("sentry_sdk")
    is_asked_for = recording.settings.sources != DEFAULTS.sources
    if sdk is None:
        return Capture(_TITLE, "never imported in this process" if is_asked_for else "")
    if not (spans or is_asked_for or is_initialized()) and recording.size():
        return Capture(_TITLE, "")  # imported by who knows whom, and there are spans of others
    first, *others = _setting(sdk)
    state = f"{spans} span{'' if spans == 1 else 's'}; {first}"
    held = recording.remarks.get(HELD, {})
    if held:
        listed = ", ".join(f"{n} of {kind!r}" for kind, n in sorted(held.items()))
        others.append(f"held back while recording: {listed}")
    return Capture(_TITLE, state, tuple(others))


def is_initialized() -> bool:
    """Whether ``init()`` has been called, as seen from here."""
    sdk: Any = sys.modules.get("sentry_sdk")
    try:
        return bool(sdk.get_client().is_active())
    except Exception:  # noqa: BLE001  # not imported, or only in part, or of another make
        return False


def _setting(sdk: Any) -> list[str]:
    """What the client of the calling context is set to, most telling first."""
    try:
        client = sdk.get_client()
        options, is_active = client.options or {}, client.is_active()
    except Exception:  # noqa: BLE001  # being imported, or of another version
        return ["what it is set to cannot be told"]
    if not is_active:
        return [f"init() was never called ({_ALL_THE_SAME})"]
    is_fed = options.get("instrumenter") == "otel"
    needed = "SentrySpanProcessor needs one" if is_fed else "none is needed"
    found = [] if options.get("dsn") else [f"without a DSN ({needed})"]
    sampler, rate = options.get("traces_sampler"), options.get("traces_sample_rate")
    if options.get("enable_tracing") is False:
        found.append(f"enable_tracing is False ({_ALL_THE_SAME})")
    elif sampler is None and rate is None:
        found.append(f"traces_sample_rate is not set ({_ALL_THE_SAME})")
    elif sampler is None and rate == 0:
        found.append(f"traces_sample_rate is 0 ({_ALL_THE_SAME})")
    else:
        found.append("tracing is on")
    if is_streaming():
        found.append("trace_lifecycle is 'stream': only sentry_sdk.traces.start_span() makes spans")
    elif is_fed:
        found.append("instrumenter is 'otel': only OpenTelemetry makes spans")
    return found
