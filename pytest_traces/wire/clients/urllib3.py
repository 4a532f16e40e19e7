"""urllib3: where a pool is asked for a URL, above what instruments and what mocks its connections.

``urlopen`` calls itself for each retry and each redirect. The headers that leave are read by
the hook on http.client below, which carries the request on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

from pytest_traces.model import Headers
from pytest_traces.recording import Journal
from pytest_traces.wire.clients.hooking import Hooks
from pytest_traces.wire.clients.once import Below, bound, take_off


class Urllib3Hooks:
    """Wraps ``HTTPConnectionPool.urlopen``."""

    def __init__(self, journal: Journal, patches: Hooks) -> None:
        self._journal = journal
        self._patches = patches

    def install(self, module: ModuleType) -> None:
        """Hook the class of the module."""
        self._patches.replace(module.HTTPConnectionPool, "urlopen", self._wrap)

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        windows = self._journal.windows

        @wraps(original)
        def urlopen(pool: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
            __tracebackhide__ = True
            send = bound(original, pool)
            if not windows:
                return send(method, url, *args, **kwargs)
            given = args[1] if len(args) > 1 else kwargs.get("headers")
            headers = headers_of(pool.headers if given is None else given)
            flight = take_off(self._journal, "urllib3", method, _url(pool, url), headers)
            try:
                with Below(flight):
                    response = send(method, url, *args, **kwargs)
            except BaseException as error:
                flight.land(error=error)
                raise
            flight.land(status=response.status)
            return response

        return urlopen


def headers_of(headers: Any) -> Headers:
    """Copies headers; those of urllib3 may hold a name more than once."""
    if headers is None:
        return ()
    pairs = headers.iteritems() if hasattr(headers, "iteritems") else headers.items()
    return tuple([(_text(name), _text(value)) for name, value in pairs])


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _url(pool: Any, url: str) -> str:
    if not url.startswith("/"):
        return url  # for a proxy
    host = f"[{pool.host}]" if ":" in pool.host and not pool.host.startswith("[") else pool.host
    default = 443 if pool.scheme == "https" else 80
    port = "" if pool.port in {None, default} else f":{pool.port}"
    return f"{pool.scheme}://{host}{port}{url}"
