"""Where spans come from: one module or small package for each source.

Adding a source is one file, one test file and one line in :data:`SOURCES`.
"""

from __future__ import annotations

from pytest_traces.recording import Source, journal
from pytest_traces.sources.handwritten import HandwrittenSource
from pytest_traces.sources.opentelemetry import OpenTelemetrySource

opentelemetry = OpenTelemetrySource(journal)
handwritten = HandwrittenSource()

#: Every source by name, in the order in which messages list them.
SOURCES: dict[str, Source] = {
    source.name: source for source in (opentelemetry, handwritten)
}
