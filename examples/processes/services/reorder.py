"""A command that buys. ``opentelemetry-instrument python -m services.reorder URL 7``."""

import sys

import httpx
from opentelemetry import trace


def main(url: str, order: str) -> None:
    """Buys as the page does."""
    with trace.get_tracer("reorder").start_as_current_span("reorder"):
        response = httpx.post(f"{url}/checkout", json={"order": int(order)}, trust_env=False)
    sys.stdout.write(f"paid {response.json()['cents']} cents\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
