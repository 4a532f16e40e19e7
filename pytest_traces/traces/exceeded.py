"""The failure of a limit on a duration, apart from all others: time alone was wrong."""

from __future__ import annotations


class DurationExceeded(AssertionError):
    """Spans took longer than their limits, and nothing else was wrong.

    Raised by :meth:`Traces.assert_duration`, by ``under=`` in a pattern and on the marker. A test
    that fails with it, and with nothing else, is run again while it has attempts left
    (``attempts=`` of the marker, ``traces_attempts`` in the ini file).

    Example:
        >>> with pytest.raises(DurationExceeded):
        ...     traces.assert_duration("GET /report", under="10ms")
    """
