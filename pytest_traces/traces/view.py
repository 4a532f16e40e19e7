"""A look at one recording: which of its spans, through which lens, waiting how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FunctionType
from typing import NoReturn

from pytest_traces.forest import Forest, Span
from pytest_traces.recording import Capture, SharesContext, SpanKey, journal
from pytest_traces.report.causes import Cause
from pytest_traces.report.explain import Message, add_captured, add_tellings, open_lines
from pytest_traces.report.words import listed, quoted
from pytest_traces.shape.fields import Fields
from pytest_traces.sources.advice import KEEPING
from pytest_traces.sources.handwritten.blocks import blocks_of_this_thread
from pytest_traces.traces import loops
from pytest_traces.traces.captures import ASK_BEFORE_FORK, captures_of
from pytest_traces.traces.exceeded import DurationExceeded
from pytest_traces.traces.frame import Frame, forks, pull_all
from pytest_traces.traces.hearing import (
    SETTLE,
    cut_off,
    is_unheard,
    may_come,
    missing_parents,
    silence,
)
from pytest_traces.traces.lens import Only, Step, hidden_name

_POLL_NS = 20_000_000
#: What an open span may still bring must not be there.
ABSENCE = "absence cannot be asserted while spans are open"


class Viewing:
    """What every view can do for its assertions: see, wait, fail."""

    def __init_subclass__(cls) -> None:
        """Name the methods after the class that users know: a TypeError of Python says so, too."""
        super().__init_subclass__()
        for name, member in vars(cls).items():
            if isinstance(member, FunctionType) and not name.startswith("_"):
                member.__qualname__ = f"Traces.{name}"

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    def _with(self, step: Step) -> Frame:
        return replace(self._frame, steps=(*self._frame.steps, step))

    def _titles(self) -> list[str]:
        return [step.title for step in self._frame.steps]

    def _forest(self) -> Forest:
        pull_all()
        forest = self._frame.forest()
        for step in self._frame.steps:
            forest = step.apply(forest)
        return forest

    def _open_spans(self, waived: Sequence[Fields] = ()) -> list[Span]:
        """The open spans worth waiting for: not those around the assertion itself."""
        pull_all()
        if not self._frame.recording.has_open_entries(*self._frame.bounds()):
            return []
        forest = self._frame.forest()
        exempt = _around_the_caller(forest)
        for step in self._frame.steps:
            if not isinstance(step, Only):  # what is elsewhere may still matter
                forest = step.apply(forest)
        return [
            span
            for span in forest.spans
            if span.end_ns is None
            and _key(span) not in exempt
            and not any(wish.name_matches(span.name) for wish in waived)
        ]

    def _poll_ns(self) -> int | None:
        asks = any(one.pulls or one.is_silent is not None for one in journal.windows)
        return _POLL_NS if asks else None

    def _at_first_success(
        self, check: Callable[[Forest], Message | None], *, waited: bool = False
    ) -> None:
        """Return as soon as the check finds nothing wrong; fail when the time is over.

        Args:
            check: gives the failure, or None.
            waited: the time is over already.
        """
        __tracebackhide__ = True
        failure: list[Message | None] = []

        def holds() -> bool:
            forest = self._forest()
            failure[:] = [self._selects_nothing(forest) or check(forest)]
            return failure[0] is None or bool(self._frame.recording.problems)

        blocked = loops.is_running() and not waited
        # Asked first: who runs now may have ended by then.
        can_wait = not waited and may_come(self._frame.recording)
        if not holds() and can_wait and not blocked:
            journal.wait(holds, self._frame.timeout_ns, self._poll_ns())
        self._fail_on_problems()
        if failure[0] is not None:
            add_tellings(failure[0], self._forest())
            self._fail(failure[0], self._open_spans(), blocked=blocked)

    def _when_quiet(
        self,
        check: Callable[[Forest], Message | None],
        *,
        waived: Sequence[Fields] = (),
        on_its_way: Callable[[], Sequence[str]] = tuple,
        incomplete: str | None = None,
    ) -> None:
        """Wait until no span is open, then check; while something is missing, it may still come.

        Args:
            check: gives the failure, or None.
            waived: the names of spans that are expected to stay open.
            on_its_way: names what else is not over.
            incomplete: why spans that are open when the time is over are a failure by
                themselves, in words.
        """
        __tracebackhide__ = True
        blocked = loops.is_running()
        is_silent = silence(self._frame.recording, blocked=blocked)
        failure: Message | None = None
        is_checked = False

        def decided() -> bool:
            nonlocal failure, is_checked
            busy = self._open_spans(waived) or on_its_way()
            is_checked = not busy and is_silent() and not missing_parents(self._frame)
            if not is_checked:
                return bool(self._frame.recording.problems)
            forest = self._forest()
            failure = self._selects_nothing(forest) or check(forest)
            # Between a producer and its consumer there may be an instant without open spans.
            return not failure or not failure.may_come or bool(self._frame.recording.problems)

        can_wait = may_come(self._frame.recording)
        if not decided() and can_wait and not blocked:
            journal.wait(decided, self._frame.timeout_ns, self._poll_ns())
        self._fail_on_problems()
        still_open, unanswered = self._open_spans(waived), on_its_way()
        if still_open or unanswered or not is_checked:
            forest = self._forest()
            failure = self._selects_nothing(forest) or check(forest)
        self._frame.recording.given_up |= missing_parents(self._frame)  # once is enough
        failure = failure or _too_early(still_open, unanswered, incomplete) or self._blind_spot()
        if failure is None:
            failure = self._unheard(incomplete, is_silent=is_silent(), blocked=blocked)
        if failure is not None:
            add_tellings(failure, self._forest())
            self._fail(failure, still_open, blocked=blocked)

    def _unheard(self, incomplete: str | None, *, is_silent: bool, blocked: bool) -> Message | None:
        """What other processes have not told."""
        if (incomplete is not None or blocked) and not is_silent:
            return _still_sending(blocked=blocked)
        return self._cut_off() if incomplete == ABSENCE else None

    def _cut_off(self) -> Message | None:
        """A received span whose parent, of the same process, has not come."""
        span = next(iter(cut_off(self._frame)), None)
        if span is None:
            return None
        of = f" of {span.service}" if span.service else ""
        return Message(
            f"absence cannot be asserted: the parent of {quoted(span.name)}{of} has not arrived, "
            "so it is still open, or lost"
        )

    def _selects_nothing(self, forest: Forest) -> Message | None:
        """A view that picks subtrees must have found one."""
        only = [step.title for step in self._frame.steps if isinstance(step, Only)]
        if forest.spans or not only:
            return None
        message = Message(f"{only[-1]} selects no span")
        message.may_come = True
        add_captured(message, self._captures())
        return message

    def _fail_on_problems(self) -> None:
        __tracebackhide__ = True
        problems = self._frame.recording.problems
        if problems:
            shown = "\n\n".join(problems[:3])
            more = f"\n\nand {len(problems) - 3} more" if len(problems) > 3 else ""
            raise AssertionError(f"not everything could be recorded\n\n{shown}{more}")

    def _blind_spot(self) -> Message | None:
        """Spans that exist and are not here, so that nothing can be said to be absent."""
        if self._frame.recording.saw_fork(forks):
            when = forks.when(self._frame.recording)
            message = Message(f"spans were started in a process forked {when}")
            message.facts = ["  they are not here, so nothing can be said to be complete or absent"]
            message.hint = ASK_BEFORE_FORK
            return message
        dropped = self._frame.recording.remarks.get("unsampled")
        if dropped:
            names = listed(quoted(name) for name in dropped)
            message = Message(f"spans were dropped by the sampler and not recorded: {names}")
            message.hint = "traces_unsampled = record in the ini file records them too"
            return message
        return None

    def _fail(self, message: Message, still_open: Sequence[Span], *, blocked: bool) -> NoReturn:
        __tracebackhide__ = True
        if still_open and not any("still open" in line for line in message.facts):
            message.facts = open_lines(still_open) + message.facts
        over = [quoted(span.name) for span in still_open if forks.is_over(span.data)]
        is_awaited = message.may_come and is_unheard(self._frame.recording)
        if blocked and (is_awaited or len(over) < len(still_open)):
            message.hint = message.in_loop or SETTLE
        if over and not message.cause:
            message.cause = f"{listed(over)} cannot end any more: the forked child has ended"
            message.hint = message.hint or f"if it was killed, or left by os._exit: {KEEPING}"
        if not message.only_late or still_open:
            raise AssertionError(str(message))
        attempt = self._frame.recording.attempt
        if message.is_repeated and attempt.can_repeat and attempt.number < attempt.allowed:
            attempt.doubted = message.verdict
        raise DurationExceeded(str(message))

    def _refuse_hidden(self, names: Sequence[object]) -> None:
        """Asserting on what the view leaves out is an error.

        Raises:
            ValueError: naming the name and what leaves it out.
        """
        __tracebackhide__ = True
        error = hidden_name(self._frame.steps, names)
        if error is not None:
            raise ValueError(error)

    def _why_root(self, span: Span) -> Cause | None:
        """Why a span is a root, as far as what was sent shows it."""
        del span
        return None

    def _captures(self) -> list[Capture]:
        """Everything there is to say about what was captured."""
        return captures_of(self._frame, self._frame.window()[0], self._open_spans())


def _key(span: Span) -> SpanKey:
    return span.trace_id, span.span_id


def _around_the_caller(forest: Forest) -> set[SpanKey]:
    """The caller's blocks and its current spans, with what is above them.

    Where tasks share what is current, only what has begun in the calling one, or before it in the
    one that has created it, is its own: the rest is work that goes on beside it.
    """
    around: dict[SpanKey, set[SpanKey] | None] = dict.fromkeys(blocks_of_this_thread())
    for source in journal.sources.values():
        if isinstance(source, SharesContext):
            key = source.innermost()
            if key is not None:
                around.setdefault(key, source.begun_here())
        elif (key := source.current()) is not None:
            around[key] = None
    found: set[SpanKey] = set()
    for span in forest.spans if around else ():
        if _key(span) in around:
            own = around[_key(span)]
            line = [_key(one) for one in (span, *span.ancestors)]
            first = (n for n, key in enumerate(line) if own is None or key in own)
            found.update(line[next(first, len(line)) :])
    return found


def _still_sending(*, blocked: bool) -> Message:
    message = Message("absence cannot be asserted while other processes may send spans")
    if blocked:
        message.hint = SETTLE
    return message


def _too_early(
    still_open: Sequence[Span], unanswered: Sequence[str], incomplete: str | None
) -> Message | None:
    """Nothing is wrong so far, but not everything is over."""
    if still_open and incomplete is not None:
        names = listed(quoted(span.name) for span in still_open)
        return Message(f"{incomplete}: {names}")
    if unanswered:
        message = Message(f"no answer has come yet to {listed(unanswered)}")
        message.is_about_spans = False
        return message
    return None
