"""Sentry as a test wants it, and as it was before afterwards; a server that counts requests."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Init = Callable[..., Any]


def close(client: Any) -> None:
    """Close it, and wait for the threads that collect what it would send."""
    batchers = [getattr(client, f"{name}_batcher", None) for name in ("log", "metrics", "span")]
    threads = [getattr(batcher, "_flusher", None) for batcher in batchers]
    client.close(timeout=0)
    for batcher, thread in zip(batchers, threads, strict=True):
        if thread is not None:
            batcher.kill()
            thread.join(15)


@pytest.fixture
def sentry() -> Iterator[Init]:
    """Calls ``sentry_sdk.init`` with these options and none of the default integrations.

    Scopes and client are those of before again when the test is over.
    """
    sentry_sdk = pytest.importorskip("sentry_sdk")
    from sentry_sdk import scope

    before = sentry_sdk.get_global_scope().client
    variables = (scope._current_scope, scope._isolation_scope)
    tokens = [variable.set(None) for variable in variables]
    sentry_sdk.get_global_scope().set_client(None)

    def init(**options: Any) -> Any:
        sentry_sdk.init(
            **{"default_integrations": False, "auto_enabling_integrations": False, **options}
        )
        clients.append(sentry_sdk.get_client())
        return clients[-1]

    clients: list[Any] = []
    yield init
    # Not get_client(): a test may have put something in its place.
    last = sentry_sdk.get_global_scope().client
    for client in (*clients, last):
        if client is not None:
            close(client)
    sentry_sdk.get_global_scope().set_client(before)
    for variable, token in zip(variables, tokens, strict=True):
        variable.reset(token)


class Server:
    """A server on the loopback interface, to be the host of a DSN."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self._came = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def dsn(self) -> str:
        """The DSN of a project here."""
        return f"http://key@{self.address}/1"

    def wait(self, number: int, seconds: float = 15) -> bool:
        """Wait until so many requests have come."""
        with self._came:
            return self._came.wait_for(lambda: len(self.paths) >= number, seconds)

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with server._came:
                    server.paths.append(self.path)
                    server._came.notify_all()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep silent."""

        return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that counts what it is sent."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def run_pytest(tmp_path: Path) -> Callable[..., str]:
    """Runs a suite in a process of its own, with this plugin or without; gives what it printed."""

    def run(text: str, *arguments: str, plugin: bool = True, passed: int, **env: str) -> str:
        path = tmp_path / "test_suite.py"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        plugins = [word for one in ("no:cacheprovider",) for word in ("-p", one)]
        plugins += ["-p", "pytest_traces.plugin"] if plugin else []
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(tmp_path),
             "-W", "error", *plugins, *arguments, str(path)],
            cwd=tmp_path,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "SENTRY_"))},
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "NO_PROXY": "127.0.0.1,localhost",
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=120,
            check=False,
        )  # fmt: skip
        assert f"{passed} passed" in done.stdout, done.stdout
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run
