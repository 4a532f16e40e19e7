"""The hooks on the clients: each request that this process sends, with the headers that left.

A client is hooked at the lowest place that every mock of it leaves alone; what its own
layers add to a request below that place is read when the request comes back.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from pytest_traces.recording import Journal
from pytest_traces.sources.imports import ImportWatch
from pytest_traces.wire.clients.hooking import Hooks

if TYPE_CHECKING:
    from pytest_traces.wire.clients.aiohttp import AiohttpHooks
    from pytest_traces.wire.clients.http_client import HttpClientHooks
    from pytest_traces.wire.clients.httpx import HttpxHooks
    from pytest_traces.wire.clients.requests import RequestsHooks
    from pytest_traces.wire.clients.urllib3 import Urllib3Hooks

#: Whose requests go unseen when the hook on a module fails; a mock's module has its name.
_CLIENTS = {
    "urllib3.connectionpool": "urllib3",
    "http.client": "http.client and of urllib.request",
    "requests_mock.adapter": "requests under requests-mock",
    "aioresponses.core": "aiohttp under aioresponses",
}


class Wire:
    """Records requests while a recording is open; a part of it, beside the sources.

    Each client's own module is imported when the client is: who uses none of them pays for
    none of them.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._patches = Hooks()
        self._is_open = False
        self._httpx: HttpxHooks | None = None
        self._requests: RequestsHooks | None = None
        self._urllib3: Urllib3Hooks | None = None
        self._http_client: HttpClientHooks | None = None
        self._aiohttp: AiohttpHooks | None = None
        self._watch = ImportWatch(
            {
                "httpx": self._hook_httpx,
                "httpx2": self._hook_httpx,
                "requests": self._hook_requests,
                "requests_mock.adapter": self._hook_requests,
                "urllib3.connectionpool": self._hook_urllib3,
                "http.client": self._hook_http_client,
                "aiohttp": self._hook_aiohttp,
                "aioresponses.core": self._hook_aiohttp,
            }
        )

    def open(self) -> None:
        """Hook the clients that are imported, and the others as soon as they are."""
        if not self._is_open:
            self._is_open = True
            self._watch.start()

    def close(self) -> None:
        """Take all hooks back; closing twice does nothing."""
        if self._is_open:
            self._is_open = False
            self._watch.stop()
            self._patches.undo()
            if self._http_client is not None:
                self._http_client.forget()

    def faults(self) -> list[str]:
        """What could not be hooked, why, and whose requests therefore cannot be seen."""
        return [
            f"{fault}; requests of {_CLIENTS.get(name, name)} cannot be seen"
            for name, fault in self._watch.faults.items()
        ]

    def flush(self) -> None:
        """Tell every open recording what it cannot see; each fault once."""
        faults = self.faults()
        for window in self._journal.windows if faults else ():
            window.unseen += [fault for fault in faults if fault not in window.unseen]

    def _hook_httpx(self, module: ModuleType) -> None:
        from pytest_traces.wire.clients.httpx import HttpxHooks

        self._httpx = self._httpx or HttpxHooks(self._journal, self._patches)
        self._httpx.install(module)

    def _hook_requests(self, module: ModuleType) -> None:
        from pytest_traces.wire.clients.requests import RequestsHooks

        self._requests = self._requests or RequestsHooks(self._journal, self._patches)
        self._requests.install(module)

    def _hook_urllib3(self, module: ModuleType) -> None:
        from pytest_traces.wire.clients.urllib3 import Urllib3Hooks

        self._urllib3 = self._urllib3 or Urllib3Hooks(self._journal, self._patches)
        self._urllib3.install(module)

    def _hook_http_client(self, module: ModuleType) -> None:
        from pytest_traces.wire.clients.http_client import HttpClientHooks

        self._http_client = self._http_client or HttpClientHooks(self._journal, self._patches)
        self._http_client.install(module)

    def _hook_aiohttp(self, module: ModuleType) -> None:
        from pytest_traces.wire.clients.aiohttp import AiohttpHooks

        self._aiohttp = self._aiohttp or AiohttpHooks(self._journal, self._patches)
        self._aiohttp.install(module)
