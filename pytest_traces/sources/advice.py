"""What the libraries say about a request that left without a context."""

from __future__ import annotations

from typing import NamedTuple


class Sending(NamedTuple):
    """How a request left.

    Attributes:
        client: the library that sent it.
        url: where to.
        through: the transport or mock that took it; None for the network.
        has_client_span: whether an instrumentation made a span for it.
        source: the source of the span that sent it; None where that was not recorded.
        format: the format of headers that is missing; None for any.
    """

    client: str
    url: str
    through: str | None
    has_client_span: bool
    source: str | None
    format: str | None


class Advice(NamedTuple):
    """Why there is no context, and what to do about it."""

    cause: str
    hint: str | None = None


def advice_on(sending: Sending) -> Advice | None:
    """The first explanation that a library has; None if none knows."""
    from pytest_traces.sources.opentelemetry.unpropagated import explain
    from pytest_traces.sources.sentry.targets import explain as explain_targets

    if sending.format == "sentry":
        return explain_targets(sending)
    if sending.source == "opentelemetry":
        return explain(sending)
    return explain(sending) or explain_targets(sending)
