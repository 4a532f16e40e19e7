"""A service in a process of its own: started, awaited, stopped, and heard."""

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 60
"""Seconds for a service to be ready; it takes one or two, on a machine that has time."""


@dataclass
class Service:
    """Runs until it is stopped; it is ready when somebody listens on its port."""

    name: str
    command: Sequence[str]
    port: int
    environment: Mapping[str, str]
    folder: Path
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)
    seen: int = 0

    def start(self, changes: Mapping[str, str] | None = None) -> None:
        """Returns at once: ask `wait` when it is needed."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**self.environment, **(changes or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Until it takes requests."""
        until = time.monotonic() + PATIENCE
        while not self.is_ready():
            if self.process is None or self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                msg = f"{self.name} did not start:\n{self.log.read_text()}"
                raise RuntimeError(msg)
            time.sleep(0.02)

    def is_ready(self) -> bool:
        """Whether somebody listens."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Asks it to end, waits, and then asks no more."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def news(self) -> str:
        """What it has written since the last time."""
        text = self.log.read_text()
        new, self.seen = text[self.seen :], len(text)
        return new


def free_ports(count: int) -> list[int]:
    """Ports on which nobody listens at present."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
