"""Every fault between processes is noticed, and the failure names it."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from pytest_traces import Traces

from . import faults
from .deployment import Deployment
from .test_processes import TREE


@pytest.mark.parametrize(
    ("fault", "names"),
    [
        (faults.inventory_reads_no_headers, "POST /reserve"),
        (faults.inventory_keeps_nothing, "POST /reserve"),
        (faults.payments_reads_other_headers, "POST /charge"),
        (faults.warehouse_reads_no_headers, "orders process"),
    ],
)
def test_fault_is_noticed(
    fault: Callable[[Deployment], AbstractContextManager[None]],
    names: str,
    traces: Traces,
    deployment: Deployment,
    client: httpx.Client,
) -> None:
    """The assertion fails, and its message names what is at fault (shown by ``pytest -rP``)."""
    with fault(deployment):
        client.post("/checkout", json={"order": 7})
        # By the last process of all: what is missing now will not come.
        traces.eventually("10s").assert_count("UPDATE orders", 1)

        with pytest.raises(AssertionError) as failure:
            traces.eventually("1s").assert_tree(TREE)

    message = str(failure.value)
    sys.stdout.write(message)
    assert names in message.splitlines()[0]
