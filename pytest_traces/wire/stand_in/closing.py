"""What a stand-in finds at its end: routes nobody called, requests that missed it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import httpx

from pytest_traces.model import RequestData
from pytest_traces.wire.stand_in.address import Address, longest, nearest, port_of
from pytest_traces.wire.stand_in.faults import never_called, no_stand_in, not_intercepted
from pytest_traces.wire.stand_in.received import Received


def faults_of(
    address: Address,
    uncalled: Sequence[str],
    *,
    received: Sequence[Received],
    arrived: Iterable[httpx.Request],
    sent: Iterable[RequestData],
    addresses: Sequence[Address],
) -> list[str]:
    """What is to be said at the end.

    Args:
        address: of the stand-in.
        uncalled: what was there to be called, and was not.
        received: the requests that it answered or refused.
        arrived: the same, and those that it let pass.
        sent: the requests that this process sent.
        addresses: of all stand-ins of the recording.
    """

    def is_own(url: httpx.URL) -> bool:
        return longest(addresses, url) == address

    outgoing = [(one, url) for one in sent if (url := _read(one)) is not None]
    own = [(one, url) for one, url in outgoing if is_own(url)]
    faults = [not_intercepted(address, one) for one in _past_it(own, arrived)]
    failed = [(one, url) for one, url in outgoing if _could_not_connect(one)]
    missed = [(one, url) for one, url in failed if nearest(addresses, url) == address]
    if uncalled:
        calls = [f"{one.method} {address.below(one.request.url.path)}" for one in received]
        elsewhere = [
            f"{one.method} {url.copy_with(query=None)}"
            for one, url in outgoing
            if (url.host == address.host and not is_own(url)) or (one, url) in missed
        ]
        faults.append(never_called(address, uncalled, calls, elsewhere))
    else:
        faults += [no_stand_in(address, one, url) for one, url in missed]
    return list(dict.fromkeys(faults))


def _read(request: RequestData) -> httpx.URL | None:
    try:
        return httpx.URL(request.url) if request.role == "outgoing" else None
    except httpx.InvalidURL:
        return None


def _could_not_connect(request: RequestData) -> bool:
    """Whether httpx asked the network for a server, and there was none."""
    kind = (request.error or "").partition(":")[0]
    is_missing = kind in ("ConnectError", "ConnectTimeout")
    return is_missing and request.client == "httpx" and request.through is None


def _past_it(
    own: Iterable[tuple[RequestData, httpx.URL]], arrived: Iterable[httpx.Request]
) -> list[RequestData]:
    """Requests to the base URL that failed, or were answered by another mock, without arriving."""
    known = Counter((one.method, _place(one.url)) for one in arrived)
    past: list[RequestData] = []
    for request, url in own:
        key = (request.method, _place(url))
        if known[key]:
            known[key] -= 1
        elif request.error is not None or (request.client == "httpx" and request.through):
            past.append(request)
    return past


def _place(url: httpx.URL) -> tuple[str, str, int | None, bytes]:
    """What of a URL gets to a server: neither user nor fragment."""
    return url.scheme, url.host, port_of(url), url.raw_path
