"""The service that knows the prices."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .tracing import Span, operation
from .wsgi import caller, respond

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@dataclass(frozen=True)
class Prices:
    """A WSGI application: ``GET /price``.

    It keeps its spans in a list, from which a deployment would send them in batches.
    """

    spans: list[Span] = field(default_factory=list)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Every trip costs the same."""
        with operation(
            "GET /price", kind="server", parent=caller(environ), record=self.spans.append
        ):
            return respond(start_response, {"price": 49})
