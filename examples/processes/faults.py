"""How a trace breaks between processes: mostly, one environment says something else than others.

A fault is a context manager. One service runs with another environment while its block lasts, or
something stands between the page and the shop; nothing is mocked::

    with faults.inventory_reads_no_headers(deployment):
        client.post("/checkout", json={"order": 7})
        traces.assert_tree(...)  # fails: 'POST /reserve' is the root of another trace
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from playwright.sync_api import Page, Route

from .deployment import Deployment


def inventory_reads_no_headers(deployment: Deployment) -> AbstractContextManager[None]:
    """The Node.js service was deployed without the propagator for ``traceparent``."""
    return deployment.changed("inventory", OTEL_PROPAGATORS="baggage")


def payments_reads_other_headers(deployment: Deployment) -> AbstractContextManager[None]:
    """One service is still at Zipkin's headers, when all others have gone on to ``traceparent``."""
    return deployment.changed("payments", OTEL_PROPAGATORS="b3multi")


def inventory_keeps_nothing(deployment: Deployment) -> AbstractContextManager[None]:
    """Somebody has set its sampler so, to save money, and has forgotten it."""
    return deployment.changed("inventory", OTEL_TRACES_SAMPLER="always_off")


def warehouse_reads_no_headers(deployment: Deployment) -> AbstractContextManager[None]:
    """The worker does not look for a context in the headers of a message."""
    return deployment.changed("warehouse", OTEL_PROPAGATORS="baggage")


@contextmanager
def traceparent_removed(page: Page) -> Iterator[None]:
    """A gateway between browser and shop lets only those headers through that it knows."""

    def forward(route: Route) -> None:
        known = {
            name: value for name, value in route.request.headers.items() if name != "traceparent"
        }
        route.continue_(headers=known)

    page.route("**/checkout", forward)
    yield
    page.unroute("**/checkout")
