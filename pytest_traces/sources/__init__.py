"""Where spans come from: one module or small package for each source.

Adding a source is one file, one test file and one line in :func:`all_sources`.
"""

from __future__ import annotations

from pytest_traces.recording import Source, journal
from pytest_traces.sources.opentelemetry import OpenTelemetrySource

#: Installed when pytest starts, so that nothing can be bound before its hooks; the other
#: sources are imported with the first recording.
opentelemetry = OpenTelemetrySource(journal)


def all_sources() -> dict[str, Source]:
    """Every source by name, in the order in which messages list them."""
    from pytest_traces.sources.files import loaded
    from pytest_traces.sources.handwritten import handwritten
    from pytest_traces.sources.otlp import otlp
    from pytest_traces.sources.played import played
    from pytest_traces.sources.sentry import sentry

    every: tuple[Source, ...] = (opentelemetry, sentry, handwritten, otlp, played, loaded)
    return {source.name: source for source in every}
