"""The URL of one trace."""

from __future__ import annotations

import pytest

from pytest_traces.sources.backends.address import read_address

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("last", "trace_id", "found"),
    [
        (TRACE, TRACE, True),
        (TRACE.upper() + "/?a=1", TRACE, True),
        (TRACE[16:], TRACE, True),
        (TRACE, TRACE[16:].rjust(32, "0"), True),
        ("b", f"{11:032x}", True),
        ("11", f"{11:032x}", True),
        (str(int(TRACE[16:], 16)), TRACE, True),
        ("1" * 32, TRACE, False),
        ("b", f"{12:032x}", False),
        ("11", f"{12:032x}", False),
    ],
)
def test_the_trace_that_a_url_names(last: str, trace_id: str, found: bool) -> None:
    """In hex, of which half is enough; or in decimal, as Datadog has it."""
    assert read_address(f"http://jaeger/api/traces/{last}").is_of(trace_id) is found
