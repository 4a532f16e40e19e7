"""The four services: how each is started, and what its environment says."""

import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from .node_packages import NODE, find_node
from .process import Service, free_ports

HERE = Path(__file__).parent

INSTRUMENTED = [
    str(Path(sysconfig.get_path("scripts")) / "opentelemetry-instrument"),
    *(sys.executable, "-m"),
]
"""Python with all instrumentation that is installed, set up as the environment says."""


class Deployment:
    """The shop, and everybody whom it needs."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        """Starts nothing yet; `environment` says where spans go, `folder` is for what they keep."""
        self.folder = folder
        self.database = folder / "orders.db"
        self.services: dict[str, Service] = {}
        inventory, payments, queue, shop = free_ports(4)
        self.environment = {
            **environment,
            "DATABASE": str(self.database),
            "INVENTORY_URL": _url(inventory),
            "PAYMENTS_URL": _url(payments),
            "QUEUE_PORT": str(queue),
        }
        self.url = _url(shop)
        node = [find_node(), "--require", "./telemetry.js"]
        flask = [*INSTRUMENTED, "flask", "--app", "services.payments", "run"]
        uvicorn = [sys.executable, "-m", "uvicorn", "services.shop:app"]
        self._add("inventory", inventory, [*node, "inventory.js", str(inventory)], folder=NODE)
        self._add("payments", payments, [*flask, "--port", str(payments)])
        self._add("warehouse", queue, [*INSTRUMENTED, "services.warehouse"])
        self._add("shop", shop, [*uvicorn, "--port", str(shop)])

    @contextmanager
    def running(self) -> Iterator["Deployment"]:
        """All four; those who need them `wait`."""
        try:
            for service in self.services.values():
                service.start()
            yield self
        finally:
            for service in self.services.values():
                service.stop()

    def wait(self) -> None:
        """Until each is ready."""
        for service in self.services.values():
            service.wait()

    @contextmanager
    def changed(self, name: str, **variables: str) -> Iterator[None]:
        """One service with another environment, on the same port."""
        service = self.services[name]
        service.stop()
        service.start(variables)
        try:
            service.wait()
            yield
        finally:
            service.stop()
            service.start()

    def _add(self, name: str, port: int, command: list[str], folder: Path = HERE) -> None:
        self.services[name] = Service(
            name,
            command,
            port,
            environment={**self.environment, "OTEL_SERVICE_NAME": name},
            folder=folder,
            log=self.folder / f"{name}.log",
        )


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
