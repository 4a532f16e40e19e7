"""The whole story, from a click in a real browser to the last process that it sets in motion."""

import sys

import pytest
from playwright.sync_api import Page, expect

from pytest_traces import Traces

from . import faults

STORY = """
    click Buy
    └─ POST
       └─ POST /checkout
          ├─ connect
          ├─ SELECT orders
          ├─ POST
          │  └─ POST /reserve
          │     └─ take from shelf
          ├─ POST
          │  └─ POST /charge
          └─ orders publish
             └─ orders process
                ├─ connect
                └─ UPDATE orders
"""


def buy(page: Page) -> None:
    """What a customer does."""
    page.get_by_role("button", name="Buy").click()
    expect(page.get_by_role("status")).to_have_text("paid 5000 cents", timeout=30_000)


def test_whole_story(traces: Traces, page: Page) -> None:
    """Five programs, two languages, a database and a queue: one trace."""
    buy(page)

    traces.eventually("10s").assert_tree(STORY)
    assert len(list(traces)) == 1
    languages = {span.service: span.resource["telemetry.sdk.language"] for span in traces.spans}
    assert languages == {
        "browser": "webjs",
        "shop": "python",
        "inventory": "nodejs",
        "payments": "python",
        "warehouse": "python",
    }


def test_gateway_that_drops_the_header_is_noticed(traces: Traces, page: Page) -> None:
    """The click has a trace, and the request that it sends begins another."""
    with faults.traceparent_removed(page):
        buy(page)
    # Both ends are here: what is missing between them will not come.
    traces.eventually("10s").assert_path("click Buy", "POST")
    traces.eventually("10s").assert_count("UPDATE orders", 1)

    with pytest.raises(AssertionError) as failure:
        traces.eventually("1s").assert_tree(STORY)

    message = str(failure.value)
    sys.stdout.write(message)
    assert message.startswith("'POST /checkout' is not below 'click Buy > POST'")
