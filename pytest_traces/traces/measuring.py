"""What a recording measures for a baseline."""

from __future__ import annotations

from typing import cast

from pytest_traces.recording import Recording
from pytest_traces.timing.baseline.measure import Measured, calibrated, measure
from pytest_traces.traces.traces import Traces


class _Measuring(Traces):
    def measured(self) -> Measured:
        self.wait_until_quiet()
        return measure(self._forest(), self._frame.recording.worked)


def measured(recording: Recording, *, timed: bool) -> Measured | None:
    """Measure the test's own spans once none is open, or the time limit is over.

    Args:
        recording: of the test.
        timed: whether the durations are of use, so that the calibration loop is, too.

    Returns:
        None where something could not be recorded, so that what is here is not all there was.
    """
    found = cast("_Measuring", _Measuring.of(recording)).measured()
    if recording.problems:
        return None
    return calibrated(found) if timed else found
