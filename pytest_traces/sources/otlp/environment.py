"""The environment that points OpenTelemetry's SDKs, in any language, at a receiver.

The names are those of the specification, "OpenTelemetry Environment Variable Specification" and
"OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_traces.settings import BadValue

TOKEN_HEADER = "x-pytest-traces"
PROTOCOLS = ("http/protobuf", "http/json", "grpc")
#: What comes in a burst is not to be lost: by default an SDK drops what is above 2048.
QUEUE_SIZE = "262144"
#: What is said of exporters that were told something else.
STRANGER = "an export came to its port without its token: compare traces.receiver.endpoint"
GRPC_TO_HTTP = "an exporter speaks gRPC to the HTTP port: use traces.receiver.grpc.env"
_OWN, _OF_SESSION = "traces.receiver", "traces_receiver"
_LOOPBACK = ("127.0.0.1", "localhost")


def variables_for(
    address: str, token: str, protocol: str, environment: Mapping[str, str]
) -> dict[str, str]:
    """What to add to that environment.

    Variables that it has, and that would be heeded instead, are overruled by their own names.

    Args:
        address: of the receiver, by this protocol; a URL.
        token: what its requests carry.
        protocol: one of :data:`PROTOCOLS`.
        environment: what the variables are added to.

    Raises:
        BadValue: an unknown protocol.
    """
    if protocol not in PROTOCOLS:
        raise BadValue("variables(protocol=)", protocol, f"allowed: {', '.join(PROTOCOLS)}")
    headers = f"{TOKEN_HEADER}={token}"
    variables = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_EXPORTER_OTLP_HEADERS": headers,
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_BSP_MAX_QUEUE_SIZE": QUEUE_SIZE,
        "OTEL_TRACES_SAMPLER": "always_on",
        "OTEL_SDK_DISABLED": "false",
        "NO_PROXY": _no_proxy(environment.get("NO_PROXY", "")),
    }
    # What is said of traces alone goes before what is said of all signals.
    special = {
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": (
            address if protocol == "grpc" else f"{address}/v1/traces"
        ),
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": headers,
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
    }
    # The name in small letters goes before the other where both are there.
    special["no_proxy"] = _no_proxy(environment.get("no_proxy", ""))
    return variables | {name: value for name, value in special.items() if name in environment}


def of_session(remark: str) -> str:
    """The same remark about the receiver of the session, whose name is another."""
    return remark.replace(_OWN, _OF_SESSION)


def _no_proxy(given: str) -> str:
    hosts = [host.strip() for host in given.split(",") if host.strip()]
    if "*" in hosts:  # for nobody at all; beside other hosts it would be one of them
        return given
    return ",".join([*hosts, *(host for host in _LOOPBACK if host not in hosts)])
