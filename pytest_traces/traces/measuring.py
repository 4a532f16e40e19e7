"""What a recording measures for a baseline."""

from __future__ import annotations

from typing import cast

from pytest_traces.recording import Recording
from pytest_traces.timing.baseline.measure import Measured, calibrated, measure
from pytest_traces.traces.traces import Traces


class _Measuring(Traces):
    def measured(self) -> Measured:
        __tracebackhide__ = True
        self.wait_until_quiet()
        self._fail_on_problems()
        return measure(self._forest(), self._frame.recording.worked)


def measured(recording: Recording, *, timed: bool) -> Measured:
    """Measure the test's own spans once none is open, or the time limit is over.

    Args:
        recording: of the test.
        timed: whether the durations are of use, so that the calibration loop is, too.

    Raises:
        AssertionError: something could not be recorded, so that what is here is not all there was.
    """
    __tracebackhide__ = True
    found = cast("_Measuring", _Measuring.of(recording)).measured()
    return calibrated(found) if timed else found
