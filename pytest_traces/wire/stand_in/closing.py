"""What a stand-in finds at its end: routes that nobody called, requests that went past it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import httpx

from pytest_traces.model import RequestData
from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.faults import never_called, not_intercepted
from pytest_traces.wire.stand_in.received import Received


def faults_of(
    address: Address,
    uncalled: Sequence[str],
    received: Sequence[Received],
    sent: Iterable[RequestData],
    is_own: Callable[[httpx.URL], bool],
) -> list[str]:
    """What is to be said at the end.

    Args:
        address: of the stand-in.
        uncalled: what was there to be called, and was not.
        received: the requests that arrived.
        sent: the requests that this process sent.
        is_own: whether a URL belongs to this stand-in and not to another one.
    """
    outgoing = [(one, url) for one in sent if (url := _read(one)) is not None]
    own = [one for one, url in outgoing if is_own(url)]
    faults = [not_intercepted(address, one) for one in _past_it(own, received)]
    if uncalled:
        calls = [f"{one.method} {address.below(one.request.url.path)}" for one in received]
        elsewhere = [
            f"{one.method} {url.copy_with(query=None)}"
            for one, url in outgoing
            if url.host == address.host and not is_own(url)
        ]
        faults.append(never_called(address, uncalled, calls, elsewhere))
    return list(dict.fromkeys(faults))


def _read(request: RequestData) -> httpx.URL | None:
    try:
        return httpx.URL(request.url) if request.role == "outgoing" else None
    except httpx.InvalidURL:
        return None


def _past_it(own: Iterable[RequestData], received: Sequence[Received]) -> list[RequestData]:
    """Requests to the base URL that failed, or were answered by another mock, without arriving."""
    arrived = Counter((one.method, one.url) for one in received)
    past: list[RequestData] = []
    for request in own:
        key = (request.method, request.url)
        if arrived[key]:
            arrived[key] -= 1
        elif request.error is not None or (request.client == "httpx" and request.through):
            past.append(request)
    return past
