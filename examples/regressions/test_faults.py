"""Every fault is noticed, and the failure names it."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pytest_traces import Traces, record

from . import faults
from .test_bakery import EVENTS

Check = Callable[[Traces], None]
Fault = Callable[[], AbstractContextManager[None]]


def test_statement_for_each_order_is_noticed(
    traces: Traces, client: TestClient, place: Callable[[int], None]
) -> None:
    """By what grows with the number of orders, and by what one request repeats."""
    with faults.n_plus_one():
        with pytest.raises(AssertionError) as growth:
            traces.assert_no_growth(lambda: client.get("/orders"), arrange=place)
        traces.clear()
        client.get("/orders")
    with pytest.raises(AssertionError) as repeated:
        traces.assert_no_n_plus_one()

    assert "'SELECT bakery' ran" in said(growth)
    assert "'SELECT bakery' ran 8 times below 'GET /orders'" in said(repeated)


@pytest.mark.parametrize(
    ("fault", "check", "told"),
    [
        pytest.param(
            faults.extra_call,
            lambda traces: traces.assert_budget(spans=8),
            "4 × 'GET'",
            id="extra_call",
        ),
        pytest.param(
            faults.one_after_another,
            lambda traces: traces.assert_concurrent("GET", at_least=3),
            "expected 3 × 'GET' at the same time, but all 3 ran one after another",
            id="one_after_another",
        ),
        pytest.param(
            faults.slow,
            lambda traces: traces.assert_duration("GET /offers/{cake}", under="500ms"),
            "'plan oven' alone takes",
            id="slow",
        ),
    ],
)
def test_fault_of_an_offer_is_noticed(
    fault: Fault, check: Check, told: str, traces: Traces, client: TestClient
) -> None:
    """The assertion fails, and its message names what is at fault (shown by ``pytest -rP``)."""
    with fault():
        client.get("/offers/plum")

    with pytest.raises(AssertionError) as failure:
        check(traces)

    assert told in said(failure)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_more_work_is_noticed(client: TestClient) -> None:
    """Whether it takes long is not asked, and on a fast machine it would not show."""
    with faults.more_work(), record(count_work=True) as act:
        client.get("/offers/plum")

    with pytest.raises(AssertionError) as failure:
        act.assert_work("plan oven", at_most=EVENTS)

    assert "'GET /offers/{cake} > plan oven'" in said(failure)


def test_baseline_notices_all_of_them() -> None:
    """What differs from the committed structure is certain; a process of its own is broken here."""
    output = run_broken(faults.n_plus_one, faults.extra_call, faults.one_after_another)

    assert "2 failed" in output
    assert "'GET /orders > SELECT bakery': 5 spans, 2 before" in output
    assert "'GET /offers/{cake} > GET': 4 spans, 3 before" in output
    assert "'GET /offers/{cake} > GET': 1 open at once, 3 before" in output


def run_broken(*broken: Fault) -> str:
    """What the tests that look at the baseline print when these faults are there."""
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment[faults.VARIABLE] = ",".join(fault.__name__ for fault in broken)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "as_before", "."],
        cwd=Path(__file__).parent,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    sys.stdout.write(run.stdout)
    return run.stdout


def said(failure: pytest.ExceptionInfo[AssertionError]) -> str:
    """The message, which is printed, too."""
    message = str(failure.value)
    sys.stdout.write(f"{message}\n\n")
    return message
