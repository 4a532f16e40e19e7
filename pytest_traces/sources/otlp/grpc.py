"""OTLP over gRPC, with the grpcio that the application has.

Messages come as bytes, so that no generated code is needed, and go the way of those over HTTP. The
token is metadata, since a call of gRPC has no path of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent import futures
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pytest_traces.encoding import otlp_answers
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.settings import NANOSECONDS
from pytest_traces.sources.otlp import bodies
from pytest_traces.sources.otlp.bodies import Refused
from pytest_traces.sources.otlp.environment import STRANGER, TOKEN_HEADER
from pytest_traces.sources.otlp.intake import intake

if TYPE_CHECKING:
    from pytest_traces.sources.otlp.endpoint import Endpoint

MISSING = "grpcio is not installed: pip install pytest-traces[grpc]"
_COLLECTOR = "/opentelemetry.proto.collector"
_TRACES = f"{_COLLECTOR}.trace.v1.TraceService/Export"
#: What exporters would complain about if it were refused; thrown away.
_IGNORED = (
    f"{_COLLECTOR}.metrics.v1.MetricsService/Export",
    f"{_COLLECTOR}.logs.v1.LogsService/Export",
)
#: Threads, as many as there are calls at once, as over HTTP; more calls wait.
_WORKERS = 128
#: How long a call that is being served may hold up the end.
_GRACE_S = 2 * NANOSECONDS["s"] / 1e9


class GrpcListener:
    """A server of gRPC on a free port of the loopback interface.

    Args:
        endpoints: whose each token is.

    Raises:
        ModuleNotFoundError: grpcio is not installed; the message says what to do.
    """

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        try:
            import grpc  # type: ignore[import-untyped]
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(MISSING, name=error.name) from error
        self._grpc: Any = grpc
        self._endpoints = endpoints
        self._workers = futures.ThreadPoolExecutor(_WORKERS, "pytest-traces receiver gRPC")
        self._server = grpc.server(
            self._workers,
            handlers=[self._handlers()],
            options=(
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", bodies.LIMIT),
            ),
        )
        self.port = int(self._server.add_insecure_port("127.0.0.1:0"))
        self._server.start()

    def close(self) -> None:
        """Accept no more, and end every connection."""
        self._server.stop(_GRACE_S).wait()
        self._workers.shutdown()

    def _handlers(self) -> Any:
        ignore = self._grpc.unary_unary_rpc_method_handler(lambda _, __: otlp_answers.accepted())

        class Handlers(self._grpc.GenericRpcHandler):  # type: ignore[misc, name-defined]
            def service(_, call: Any) -> Any:  # noqa: N805
                if call.method == _TRACES:
                    return self._begin(dict(call.invocation_metadata))
                return ignore if call.method in _IGNORED else None

        return Handlers()

    def _begin(self, metadata: Mapping[str, str]) -> Any:
        """What serves a call, which is in progress from now on, also while it waits for a worker.

        It takes a stream, so that it is known who calls before a message is taken.
        """
        endpoint, request = self._endpoints.get(metadata.get(TOKEN_HEADER, "")), ExitStack()
        if endpoint is None:
            return self._grpc.stream_unary_rpc_method_handler(self._refuse_stranger)
        request.enter_context(endpoint.request())

        def export(messages: Iterator[bytes], context: Any) -> bytes:
            with request:
                return self._export(endpoint, metadata.get("user-agent"), messages, context)

        return self._grpc.stream_unary_rpc_method_handler(export)

    def _refuse_stranger(self, _: Iterator[bytes], context: Any) -> bytes:
        for one in list(self._endpoints.values()):
            one.meet(STRANGER)
        why = f"no receiver has this {TOKEN_HEADER}"
        return _refuse(context, self._grpc.StatusCode.UNAUTHENTICATED, why)

    def _export(
        self, endpoint: Endpoint, agent: str | None, messages: Iterator[bytes], context: Any
    ) -> bytes:
        codes = self._grpc.StatusCode
        try:
            return self._take(endpoint, _first(messages, context))
        except Refused as error:
            status, why = codes.RESOURCE_EXHAUSTED, error.why
        except Malformed as error:
            status, why = codes.INVALID_ARGUMENT, f"its message cannot be read: {error}"
        except TimeoutError:
            status, why = codes.CANCELLED, "it did not come to its end"
        except (StopIteration, self._grpc.RpcError):  # grpcio does not say which
            status = codes.CANCELLED
            why = f"its message did not come, or has more than {bodies.LIMIT >> 20} MiB"
        except Exception as error:  # noqa: BLE001  # a server survives, and the test hears of it
            status, why = codes.INTERNAL, f"the receiver failed: {type(error).__name__}: {error}"
        endpoint.refuse(agent, status.name, why)
        return _refuse(context, status, f"refused: {why}")

    def _take(self, endpoint: Endpoint, message: bytes) -> bytes:
        if endpoint.is_late():
            return otlp_answers.accepted()
        arrivals, rejected = intake(
            message, as_json=False, owner=endpoint.owner, is_wanted=endpoint.is_open
        )
        endpoint.accept(arrivals, rejected)
        return otlp_answers.accepted(len(rejected), "; ".join(dict.fromkeys(rejected)))


def _first(messages: Iterator[bytes], context: Any) -> bytes:
    """The message of a call, which is cut off if none comes.

    Raises:
        TimeoutError: none came in time.
        StopIteration: the call has none.
    """
    is_over = threading.Event()

    def cut_off() -> None:
        is_over.set()
        context.cancel()

    cutting = threading.Timer(bodies.PATIENCE_NS / 1e9, cut_off)
    cutting.name = "pytest-traces receiver patience"
    cutting.daemon = True
    cutting.start()
    try:
        return next(messages)
    except Exception as error:
        if is_over.is_set():
            raise TimeoutError from error
        raise
    finally:
        cutting.cancel()
        cutting.join()


def _refuse(context: Any, code: Any, details: str) -> bytes:
    context.set_code(code)
    context.set_details(details)
    return b""
