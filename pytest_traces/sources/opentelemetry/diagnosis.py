"""What the OpenTelemetry source says of itself when something was not captured."""

from __future__ import annotations

import os
import sys
from typing import Any

from pytest_traces.recording import Capture, Recording
from pytest_traces.sources.opentelemetry.hints import instrumentation_hint
from pytest_traces.sources.opentelemetry.private import sdk_is_installed
from pytest_traces.sources.opentelemetry.samplers import decider, describe

_TITLE = "OpenTelemetry"
_ALL_THE_SAME = "its spans are recorded all the same"


def capture_of(recording: Recording, spans: int) -> Capture:
    """Describe provider, sampler and whatever kept spans away from this recording.

    Args:
        recording: what was recorded.
        spans: how many spans of this source are looked at.
    """
    first, *others = [*_facts(recording, spans), *_notes(recording)]
    state = f"{spans} span{'' if spans == 1 else 's'}; {first}"
    hint = _BOUND_HINT if "bound" in recording.remarks else instrumentation_hint(recording, spans)
    return Capture(_TITLE, state, tuple(others), hint)


def _facts(recording: Recording, spans: int) -> list[str]:
    api, sdk = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.sdk.trace")
    if api is None:
        return ["never imported in this process"]
    if sdk is None and not sdk_is_installed():
        return ["opentelemetry-sdk is not installed, and without it there are no spans"]
    facts = [] if spans else _nothing(recording)
    if sdk is None:
        return [*facts, "the SDK was never imported"]
    facts.append(_provider(api, sdk, recording))
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        facts.append("OTEL_SDK_DISABLED is true (spans are recorded all the same)")
    return facts


def _nothing(recording: Recording) -> list[str]:
    seen = recording.look()
    if any(span.source == "opentelemetry" for span in seen.spans):
        return ["none in what is looked at"]
    if seen.late or not _NOT_RECORDED.keys().isdisjoint(recording.remarks):
        return []
    return [f"none was started during the {'test' if recording.label else 'recording'}"]


def _provider(api: Any, sdk: Any, recording: Recording) -> str:
    provider = getattr(api, "_TRACER_PROVIDER", None)
    if provider is None or isinstance(provider, api.ProxyTracerProvider):
        return "no provider is set (none is needed)"
    if isinstance(provider, api.NoOpTracerProvider):
        return f"the provider does nothing ({_ALL_THE_SAME})"
    if not isinstance(provider, sdk.TracerProvider):
        return f"a provider of {type(provider).__module__.partition('.')[0]} is set"
    sampler = decider(describe(provider.sampler), None).words
    if sampler.startswith(("AlwaysOff", "ParentBased{root:AlwaysOff")):
        kept = f" ({_ALL_THE_SAME})" if recording.settings.record_unsampled else ""
        return f"the provider's sampler is {sampler}{kept}"
    return "a provider is set"


#: What kept spans away: topic of the remark, and the rest of the sentence.
_NOT_RECORDED = {
    "unsampled": "which the sampler dropped (see traces_unsampled)",
    "disabled": "started on a tracer that the application has disabled",
    "bound": "by a start_span stored before this plugin was loaded",
}
_BOUND_HINT = (
    "call tracer.start_span(...) where the span begins, or load this plugin before the "
    "application: pytest -p pytest_traces.plugin"
)


def _notes(recording: Recording) -> list[str]:
    notes = [
        f"not recorded: {_counted(recording.remarks[topic])}, {why}"
        for topic, why in _NOT_RECORDED.items()
        if topic in recording.remarks
    ]
    if "suppressed" in recording.remarks:
        times = sum(recording.remarks["suppressed"].values())
        often = "once" if times == 1 else f"{times} times"
        notes.append(
            f"suppress_instrumentation was in force {often}: instrumentations are silent there"
        )
    return notes


def _counted(names: dict[str, int]) -> str:
    shown = [repr(name) if n == 1 else f"{n} × {name!r}" for name, n in list(names.items())[:3]]
    return ", ".join(shown) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
