"""What a recording measures for a baseline."""

from __future__ import annotations

from typing import cast

from pytest_traces.recording import Recording
from pytest_traces.report.explain import Message
from pytest_traces.timing.baseline.measure import Measured, calibrated, measure
from pytest_traces.traces.traces import Traces

_INCOMPLETE = "a test cannot be measured while spans are open"


class _Measuring(Traces):
    def measured(self) -> Measured:
        __tracebackhide__ = True
        self._when_quiet(lambda forest: None, incomplete=_INCOMPLETE)  # noqa: ARG005
        return measure(self._forest(), self._frame.recording.worked)

    def _blind_spot(self) -> Message | None:
        # Where nothing is recorded, nothing is said of what there is elsewhere.
        return super()._blind_spot() if self._forest().spans else None


def measured(recording: Recording, *, timed: bool) -> Measured:
    """Measure the test's own spans once none is open, or the time limit is over.

    Args:
        recording: of the test.
        timed: whether the durations are of use, so that the calibration loop is, too.

    Raises:
        AssertionError: what is here is not all there was: something could not be recorded, spans
            are still open, or are in a forked process, or the sampler has dropped them.
    """
    __tracebackhide__ = True
    found = cast("_Measuring", _Measuring.of(recording)).measured()
    return calibrated(found) if timed else found
