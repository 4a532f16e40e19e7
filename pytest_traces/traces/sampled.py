"""Assertions on what the application's own sampler keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_traces.forest import Forest
from pytest_traces.model import Kind, Status
from pytest_traces.report.explain import Message
from pytest_traces.report.sampling import Sampling, sampling_message, undecided_message
from pytest_traces.report.words import listed, quoted
from pytest_traces.shape.pattern import Name
from pytest_traces.shape.usage import understood
from pytest_traces.sources.samplers import undecided
from pytest_traces.traces.looking import Looking
from pytest_traces.traces.selection import Selection, select

_INCOMPLETE = "spans are still open, so not all that fit may have started"


class Sampled(Looking):
    """Each raises AssertionError with the whole diagnosis."""

    def assert_sampled(
        self,
        name: Name = None,
        *,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """Every span that fits is kept by the application's own sampler; at least one fits.

        Takes the keywords of :meth:`find`. This is head sampling: samplers of OpenTelemetry,
        ``traces_sample_rate`` and ``traces_sampler`` of Sentry. Spans that are dropped are
        recorded here all the same. Where no provider is set, the SDK's default sampler decides, as
        ``OTEL_TRACES_SAMPLER`` says. Spans of other processes have been sent, so they are kept.

        A span of Sentry is kept only if it is sent: not if it is late for its transaction, beyond
        the limit of spans, ignored, or taken out by a processor or ``before_send_transaction``. So
        assert after the transaction has ended. With ``instrumenter="otel"`` it is Sentry that
        decides on spans of OpenTelemetry, which needs a DSN; with ``OTLPIntegration`` it is
        OpenTelemetry.

        Raises:
            AssertionError: one is dropped, none fits, a span is still open, or Sentry would have
                to decide and was not asked.
            ValueError: this view leaves spans of that name out.

        Example:
            >>> client.post("/checkout", json={"order": 7})
            >>> traces.assert_sampled("POST /checkout")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        self._is_decided(selection, wanted=True)

    def assert_not_sampled(
        self,
        name: Name = None,
        *,
        kind: Kind | None = None,
        status: Status | None = None,
        attributes: Mapping[str, Any] | None = None,
        service: Any = None,
        scope: Any = None,
        source: str | None = None,
        inside: Name = None,
    ) -> None:
        """Every span that fits is dropped by the application's own sampler; at least one fits.

        Takes the keywords of :meth:`find`; see :meth:`assert_sampled`. It needs spans that are
        dropped to be recorded: ``traces_unsampled = record``, which is the default.

        Raises:
            AssertionError: one is kept, none fits, or a span is still open.
            ValueError: this view leaves spans of that name out.

        Example:
            >>> client.get("/health")
            >>> traces.assert_not_sampled("GET /health")
        """
        __tracebackhide__ = True
        selection = understood(
            select, name, kind=kind, status=status, attributes=attributes, service=service,
            scope=scope, source=source, inside=inside,
        )  # fmt: skip
        self._refuse_hidden([name, inside])
        self._is_decided(selection, wanted=False)

    def _is_decided(self, selection: Selection, *, wanted: bool) -> None:
        __tracebackhide__ = True
        recording = self._frame.recording

        def check(forest: Forest) -> Message | None:
            found = selection.of(forest)
            if not found:
                return self._none_recorded(selection, forest)
            for span in found:
                why = undecided(recording, span.data)
                if why is not None:
                    return undecided_message(span, why, forest)
            wrong = [span for span in found if span.sampled is not wanted]
            if not wrong:
                return None
            return sampling_message(Sampling(str(selection), found, wrong, wanted), forest)

        self._when_quiet(check, incomplete=_INCOMPLETE)

    def _none_recorded(self, selection: Selection, forest: Forest) -> Message:
        """No span fits; perhaps because those that are dropped are not recorded."""
        message = self._none_fits(selection, forest)
        dropped = self._frame.recording.remarks.get("unsampled")
        if dropped:
            names = listed(quoted(name) for name in dropped)
            message.verdict = (
                f"no span fits {selection}, but the sampler dropped some, which are not recorded: "
                f"{names}"
            )
            message.hint = (
                "traces_unsampled = record in the ini file, or record(unsampled=True), records "
                "what the sampler drops"
            )
        message.may_come = True
        return message
