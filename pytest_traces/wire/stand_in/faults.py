"""What a stand-in complains about, in words."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

import httpx
import respx

from pytest_traces.model import RequestData
from pytest_traces.wire.stand_in.address import Address, origin_of
from pytest_traces.wire.stand_in.labels import label_of, lacking


class UnroutedRequest(AssertionError):
    """A request below the base URL of a stand-in that none of its routes takes.

    Raised where the application sent the request, and reported at the end once more. It is no
    ``httpx.HTTPError``: an application that handles those must not mistake what the test forgot
    to declare for a service that is down.
    """


def unrouted(address: Address, routes: Sequence[respx.Route], request: httpx.Request) -> str:
    """A request that no route takes, and the route that would nearly have taken it."""
    path = address.below(request.url.path) or request.url.path
    asked = f"{request.method} {path}"
    told = f"stand-in {address}: {asked} has no route"
    if not routes:
        return f"{told}, and it has none at all\n  hint: {_declaration(request.method, path)}"
    nearest, missing = _nearest(address, routes, request, asked)
    others = [key for key in missing if key not in ("method", "path", "url")]
    if missing and others == missing:
        return f"{told} that fits: {nearest} is there, but not with such {_and(others)}"
    if not missing:  # its handler returned None, which says that it is no match
        return f"{told} that fits; the nearest is {nearest}, which declined"
    return f"{told}; the nearest is {nearest}"


def _nearest(
    address: Address, routes: Sequence[respx.Route], request: httpx.Request, asked: str
) -> tuple[str, list[str]]:
    def distance(route: respx.Route) -> tuple[bool, float]:
        is_elsewhere = bool({"path", "url"} & set(lacking(route, request)))
        like = difflib.SequenceMatcher(None, asked, str(label_of(route, address)))
        return is_elsewhere, -like.ratio()

    route = min(routes, key=distance)
    return str(label_of(route, address)), lacking(route, request)


def _declaration(method: str, path: str) -> str:
    verb = method.lower()
    if verb in ("get", "post", "put", "patch", "delete", "head", "options"):
        return f'.{verb}("{path}").respond(...)'
    return f'.request("{method}", "{path}").respond(...)'


def exhausted(address: Address, route: respx.Route) -> str:
    """A route was called more often than its list of side effects has items."""
    return (
        f"stand-in {address}: {label_of(route, address)} was called {times(route.call_count + 1)}, "
        "more often than it has side effects"
    )


def repeated(text: str, count: int) -> str:
    """A fault that came up more than once, said once."""
    first, _, rest = text.partition("\n")
    often = f"{first} ({times(count)})" if count > 1 else first
    return f"{often}\n{rest}" if rest else often


def never_called(
    address: Address, labels: Sequence[str], calls: Iterable[str], elsewhere: Sequence[str]
) -> str:
    """Routes that nobody called.

    Args:
        address: of the stand-in.
        labels: of the routes; or what else was there to be called.
        calls: method and path of each request that came.
        elsewhere: requests that look as if they had been meant for it.
    """
    counts = Counter(calls)
    came = [f"{call} ({times(count)})" if count > 1 else call for call, count in counts.items()]
    verb = "was" if len(labels) == 1 else "were"
    told = f"stand-in {address}: {_and(labels)} {verb} never called"
    told += f"; calls that came: {', '.join(came)}" if came else "; no call came"
    lines = [told]
    if elsewhere:
        lines.append(f"  near it, but not there: {', '.join(dict.fromkeys(elsewhere))}")
    else:
        lines.append("  hint: optional=True, on the stand-in or on the route, if that is meant")
    return "\n".join(lines)


def not_intercepted(address: Address, request: RequestData) -> str:
    """A request to the base URL that went past the stand-in."""
    sent = f"stand-in {address}: {request.method} {request.url}, sent by {request.client},"
    error = (request.error or "").partition(":")[0]  # the rest may have any length
    if request.client == "httpx":
        told = f"{sent} never arrived: {request.through or error} came first"
        return f"{told}\n  hint: {_way_past(address, request.through)}"
    failed = f" and failed ({error})" if error else ""
    return (
        f"{sent} went to the network{failed}: only httpx can be intercepted"
        f'\n  hint: give the application stand_in.url instead of "{address}"'
    )


def no_stand_in(address: Address, request: RequestData, url: httpx.URL) -> str:
    """A request that was sent near the stand-in, where nobody is."""
    error = (request.error or "").partition(":")[0]
    return (
        f"stand-in {address}: {request.method} {url.copy_with(query=None)} went to the network "
        f"and failed ({error}): there is no stand-in for {origin_of(url)}"
    )


def _way_past(address: Address, mock: str | None) -> str:
    if mock == "pytest-httpx":
        condition = f'lambda request: request.url.host != "{address.host}"'
        return f"@pytest.mark.httpx_mock(should_mock={condition})"
    return "the client must use the network, or what it uses leave this URL alone"


def times(count: int) -> str:
    """How often: ``1 time``, ``2 times``."""
    return f"{count} time{'' if count == 1 else 's'}"


def _and(words: Sequence[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
