"""Other processes: where they send their spans, and children that are run to their end."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from pytest_traces.propagation import SpanContext, inject
from pytest_traces.recording import SpanKey, journal
from pytest_traces.report.explain import Message
from pytest_traces.report.words import duration
from pytest_traces.settings import BadValue, parse_duration
from pytest_traces.shape.usage import understood
from pytest_traces.sources.otlp import LOST
from pytest_traces.traces.children import (
    Ended,
    check_popen,
    end_of,
    last_line,
    output_lines,
    run_child,
    title_of,
)
from pytest_traces.traces.feeding import Feeding
from pytest_traces.traces.receiver import Receiver, open_receiver

_OTLP = "otlp"
_TRACEPARENT = "TRACEPARENT"


class Receiving(Feeding):
    """Spans of other processes."""

    @property
    def receiver(self) -> Receiver:
        """This test's OTLP receiver; it begins to listen when it is asked for.

        Spans that come to it belong to this test. While one is there, assertions that need all
        spans wait until nothing has come for 250 ms, at most ``traces_timeout``.

        Raises:
            RuntimeError: the recording is over, or ``traces_sources`` leaves ``otlp`` out.

        Example:
            >>> server = subprocess.Popen(["node", "service.js"], env=traces.receiver.env)
        """
        __tracebackhide__ = True
        recording = self._frame.recording
        if isinstance(recording.receiver, Receiver):
            return recording.receiver
        self._must_be_open("receiver")
        if _OTLP not in recording.settings.sources:
            raise RuntimeError("receiver: traces_sources leaves otlp out, so nothing could be seen")
        receiver = recording.receiver = open_receiver(recording)
        return receiver

    def run(
        self,
        args: Any,
        *,
        timeout: str | timedelta = "60s",
        check: bool = True,
        input: str | None = None,  # noqa: A002  # as in subprocess.run
        env: Mapping[str, str] | None = None,
        **popen: Any,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command whose spans come to this test, and wait for its end.

        Its environment has :attr:`Receiver.variables`, and ``TRACEPARENT`` where a span is
        current here (OpenTelemetry, "Environment Variables as Context Propagation Carriers").
        An SDK that reads neither by itself has to be set up by the command.

        Args:
            args: the command and its arguments, a list of texts or paths.
            timeout: how long it may take; then it is killed, except on Windows with all that it
                has started.
            check: whether an exit status other than 0 is a failure.
            input: what it reads from its standard input.
            env: instead of the environment of this process; what it changes stays.
            popen: further arguments of :class:`subprocess.Popen`. With ``process_group`` it stays
                in the session of this process; in another's group it is killed alone.

        Returns:
            What :func:`subprocess.run` returns, output as text.

        Raises:
            AssertionError: it failed or took too long; shows what it has written.
            BadValue: a command or a timeout that is none.
            OSError: it cannot be started; FileNotFoundError: it, or ``cwd``, is not there.
            TypeError: an argument that there is not, such as ``capture_output``: it is captured.
            ValueError: both ``input`` and ``stdin``.
            RuntimeError: the recording is over.

        Example:
            >>> traces.run(["opentelemetry-instrument", "python", "report.py"])
            >>> traces.assert_path("nightly report", "SELECT orders")
        """
        __tracebackhide__ = True
        limit = understood(parse_duration, timeout, "timeout")
        understood(_check, args)
        understood(check_popen, input, popen)
        self._must_be_open("run")
        environment = self.receiver.environment(env)
        self._add_context(environment, env)
        before = self.receiver.accepted
        ended = run_child(args, limit / 1e9, input, {**popen, "env": environment})
        self._remark(title_of(args), ended, has_sent=self.receiver.accepted > before)
        code = ended.process.returncode
        if ended.timed_out or ended.left_behind or (check and code):
            message = Message(f"{title_of(args)} {_fault(ended, duration(limit))}")
            message.facts = output_lines(ended.process)
            if _is_killed(ended):
                message.facts.append(f"  {LOST}")
            raise AssertionError(str(message))
        return ended.process

    def _add_context(self, environment: dict[str, str], given: Mapping[str, str] | None) -> None:
        current = next((key for s in journal.sources.values() if (key := s.current())), None)
        chosen = None if given is None else given.get(_TRACEPARENT)
        if current is None or (chosen is not None and chosen != os.environ.get(_TRACEPARENT)):
            return
        context = SpanContext(*current, sampled=self._is_sampled(current))
        environment[_TRACEPARENT] = inject(context, "tracecontext")["traceparent"]

    def _is_sampled(self, key: SpanKey) -> bool:
        spans = self._frame.recording.look().spans
        return next((s.sampled for s in spans if (s.trace_id, s.span_id) == key), True)

    def _remark(self, title: str, ended: Ended, *, has_sent: bool) -> None:
        """A killed child loses what it has not sent yet; one without an SDK sends nothing."""
        code = ended.process.returncode
        lines = []
        if _is_killed(ended):
            how = "was killed after its timeout" if ended.timed_out else end_of(code)
            lines = [f"{title} {how};", LOST]
        elif not has_sent:
            written = last_line(ended.process)
            what = "and wrote nothing" if written is None else f"its last line: {written}"
            lines = [f"{title} sent no span;", what]
        for line in lines:
            self._frame.recording.remark(_OTLP, line)


def _check(args: Any) -> None:
    words = args if isinstance(args, Sequence) and not isinstance(args, str | bytes) else ()
    if not words or not all(isinstance(word, str | bytes | os.PathLike) for word in words):
        allowed = "it is a list of texts, such as ['python', 'worker.py']"
        raise BadValue("run", args, allowed)


def _is_killed(ended: Ended) -> bool:
    return ended.timed_out or ended.process.returncode < 0


def _fault(ended: Ended, limit: str) -> str:
    if ended.timed_out:
        return f"did not end within {limit}"
    how = end_of(ended.process.returncode)
    if ended.left_behind:
        return f"{how}, but what it has started was still running after {limit}"
    return how
