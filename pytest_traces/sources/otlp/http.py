"""OTLP over HTTP: one connection to the receiver, and its requests one after another.

The answers are those of the specification of OTLP (OTLP/HTTP), in the encoding of the request.
The token in the path is what protects: without it nobody, a page of another site included, can do
more than be refused, so pages of any origin may send.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_traces.encoding import otlp_answers
from pytest_traces.encoding.malformed import Malformed
from pytest_traces.sources.otlp import bodies
from pytest_traces.sources.otlp.bodies import BrokenOff, Incoming, Refused
from pytest_traces.sources.otlp.environment import GRPC_TO_HTTP, STRANGER
from pytest_traces.sources.otlp.intake import intake

if TYPE_CHECKING:
    from pytest_traces.sources.otlp.endpoint import Endpoint

_PROTOBUF, _JSON = "application/x-protobuf", "application/json"
_TRACES = "v1/traces"
#: With it a client of HTTP/2 begins, such as an exporter over gRPC.
_HTTP_2 = "PRI * HTTP/2.0"
#: What exporters would complain about if it were refused; read, and thrown away.
_IGNORED = ("v1/metrics", "v1/logs", "v1development/profiles")
#: The codes of ``google.rpc.Status`` for statuses of HTTP.
_CODES = {
    404: otlp_answers.NOT_FOUND,
    413: otlp_answers.RESOURCE_EXHAUSTED,
    500: otlp_answers.INTERNAL,
}
#: Why http.server refuses a request by itself.
_UNREADABLE = {
    414: "its first line has more than 64 KiB",
    505: "its version of HTTP is not known",
}
_METHODS = "POST, OPTIONS"
_ALLOWED_HEADERS = "content-type, content-encoding, x-pytest-traces"
#: How much of a request that is refused is read, so that its sender comes to hear of it.
_DRAINED = 256 * 1024 * 1024
_STEP = 1024 * 1024


class Answer(NamedTuple):
    """What is sent back."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


class Connection(http.server.BaseHTTPRequestHandler):
    """One connection to a :class:`~pytest_traces.sources.otlp.server.Listener`."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def setup(self) -> None:
        """Read with a patience that has its end."""
        super().setup()
        self.rfile.close()
        self.incoming = Incoming(self.connection)
        self.rfile = self.stream = io.BufferedReader(self.incoming)
        self.server.incoming[self.connection] = self.incoming

    def finish(self) -> None:
        """The client is gone, or nothing more is wanted of it."""
        self.server.incoming.pop(self.connection, None)
        super().finish()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):  # http.server asks for a method for each method
            return self._serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name for it
        """Nothing: the test hears of what was refused."""

    def handle_one_request(self) -> None:
        """Wait for a request, however long, and serve it."""
        super().handle_one_request()
        self.incoming.rest(self.stream)

    def parse_request(self) -> bool:
        """Read the head of a request; one that has begun has to come to its end."""
        try:
            return super().parse_request()
        except TimeoutError:
            self._report_unread(408, "it did not come to its end")
            raise
        except OSError:
            self._report_unread(400, "the connection ended in the middle of it")
            raise

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what http.server itself refuses; spans are lost with it."""
        del message  # it may have the token in it
        why = f"its head cannot be read: {explain or _UNREADABLE.get(code, 'it is no request')}"
        self.headers = self.MessageClass()
        self.request_version = self.protocol_version
        self._report_unread(code, why)
        self._send_last(Answer(code, f"refused: {why}\n".encode("utf-8", "replace")))

    def _report_unread(self, status: int, why: str) -> None:
        """Tell whom its first line names of a request whose head was not read."""
        line = str(self.raw_requestline, "iso-8859-1")
        method, target, *_ = [*line.split(), "", ""]
        if line.startswith(_HTTP_2):
            self.server.meet(GRPC_TO_HTTP)
        if method != "POST" or self.server.is_closing:
            return
        endpoint, path = self.server.find(target)
        if endpoint is None:
            if _TRACES in target:
                self.server.meet(STRANGER)
        elif path not in _IGNORED:
            with endpoint.request():
                endpoint.refuse(None, status, why)

    def handle_expect_100(self) -> bool:
        """Whether the body may come is said when everything else is known to be right."""
        return True

    def _serve(self) -> None:
        endpoint, path = self.server.find(self.path)
        if endpoint is None:
            if self.command == "POST" and _TRACES in self.path:
                self.server.meet(STRANGER)
            self._send_last(Answer(404, b"no receiver has this address\n"))
        elif self.command == "POST":
            with endpoint.request():
                answer = self._post(endpoint, path)
            (self._send_last if self.close_connection else self._send)(answer)
        elif self.command == "OPTIONS":
            self._send(Answer(204, headers=self._preflight()))
        else:
            text = f"A receiver of OTLP: POST traces to {endpoint.url}/{_TRACES}\n"
            self._send_last(Answer(405, text.encode(), headers=(("Allow", _METHODS),)))

    def _post(self, endpoint: Endpoint, path: str) -> Answer:
        """Take an export; what of it is refused is the endpoint's problem."""
        kind = (self.headers.get("content-type") or "").partition(";")[0].strip().lower()
        is_drained = False
        try:
            self._check(kind, path)
            body = self._body()
            is_drained = True
            rejected = self._accept(endpoint, path, body, as_json=kind == _JSON)
        except Refused as error:
            status, why = error.status, error.why
        except Malformed as error:
            status, why = 400, f"its body cannot be read: {error}"
        except ModuleNotFoundError as error:
            status, why = 415, str(error)
        except TimeoutError:
            status, why = 408, "it did not come to its end"
        except (BrokenOff, OSError):
            status, why = 400, "the connection ended in the middle of it"
        except Exception as error:  # noqa: BLE001  # a server survives, and the test hears of it
            status, why = 500, f"the receiver failed: {type(error).__name__}: {error}"
        else:
            text = "; ".join(dict.fromkeys(rejected))
            content = otlp_answers.accepted(len(rejected), text, as_json=kind == _JSON)
            return Answer(200, content, kind)
        self.close_connection = self.close_connection or not is_drained
        if not self.server.is_closing and path not in _IGNORED:
            endpoint.refuse(self.headers.get("user-agent"), status, why)
        return self._refusal(kind, status, why)

    def _check(self, kind: str, path: str) -> None:
        if path not in (_TRACES, *_IGNORED):
            raise Refused(404, f"it went to /{path}, and traces go to /{_TRACES}")
        if kind not in (_PROTOBUF, _JSON):
            allowed = f"allowed: {_PROTOBUF}, {_JSON}"
            raise Refused(415, f"its Content-Type is {kind or 'not given'}; {allowed}")

    def _body(self) -> bytes:
        def proceed() -> None:
            if (self.headers.get("expect") or "").lower() == "100-continue":
                self.send_response_only(100)
                self.end_headers()

        return bodies.read(self.headers, self.rfile, proceed)

    def _accept(self, endpoint: Endpoint, path: str, body: bytes, *, as_json: bool) -> list[str]:
        """Deliver the spans; returns what is wrong with those that are left out."""
        if path != _TRACES or endpoint.is_late():
            return []
        arrivals, rejected = intake(
            body, as_json=as_json, owner=endpoint.owner, is_wanted=endpoint.is_open
        )
        endpoint.accept(arrivals, rejected)
        return rejected

    def _refusal(self, kind: str, status: int, why: str) -> Answer:
        as_json = kind != _PROTOBUF
        code = _CODES.get(status, otlp_answers.INVALID_ARGUMENT)
        content = otlp_answers.refused(code, f"refused: {why}", as_json=as_json)
        return Answer(status, content, _JSON if as_json else _PROTOBUF)

    def _origin(self) -> tuple[tuple[str, str], ...]:
        """A page of any origin may read the answer; it had to know the token."""
        origin = self.headers.get("origin")
        if not origin or not origin.isascii() or not origin.isprintable():
            return ()
        return (
            ("Access-Control-Allow-Origin", origin),
            # A beacon is sent with cookies, whether there are any or not.
            ("Access-Control-Allow-Credentials", "true"),
            ("Vary", "Origin"),
        )

    def _preflight(self) -> tuple[tuple[str, str], ...]:
        """What a browser wants to know before it lets a page send."""
        wanted = self.headers.get("access-control-request-headers") or ""
        if not wanted.isascii() or not wanted.isprintable():
            wanted = ""
        headers = [
            ("Allow", _METHODS),
            ("Access-Control-Allow-Methods", _METHODS),
            ("Access-Control-Allow-Headers", wanted or _ALLOWED_HEADERS),
            ("Access-Control-Max-Age", "600"),
        ]
        if self.headers.get("access-control-request-private-network"):
            headers.append(("Access-Control-Allow-Private-Network", "true"))
        return tuple(headers)

    def _send(self, answer: Answer) -> None:
        has_body = answer.status != 204
        self.connection.settimeout(bodies.PATIENCE_NS / 1e9)
        self.send_response_only(answer.status)
        for name, value in (*answer.headers, *self._origin()):
            self.send_header(name, value)
        if has_body:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(answer.body)

    def _send_last(self, answer: Answer) -> None:
        """Answer a request whose body may still be on its way, and end the connection.

        To close it at once would break off a client that still sends, before it reads the answer.
        """
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client may be gone
            self._send(answer)
            self.connection.shutdown(socket.SHUT_WR)
            self.incoming.hurry()
            left = _DRAINED
            while left > 0 and (part := self.stream.read1(_STEP)):
                left -= len(part)
