"""The same header in everything that carries headers."""

from collections import UserDict
from email.message import Message
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_traces.propagation import (
    InvalidContext,
    SpanContext,
    extract,
    extract_baggage,
    formats_in,
    inject,
)
from pytest_traces.propagation.carriers import pairs_of

VALUE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class PlainHeaders:
    """As of werkzeug or Starlette: not a Mapping, and ``items()`` is a list."""

    def items(self) -> list[tuple[str, str]]:
        return [("traceparent", VALUE)]


def message() -> Message:
    headers = Message()  # what http.client and urllib give
    headers["Traceparent"] = VALUE
    return headers


CARRIERS = {
    "dict": {"traceparent": VALUE},
    "another case": {"TraceParent": VALUE},
    "bytes": {b"traceparent": VALUE.encode()},
    "bytearray": {"traceparent": bytearray(VALUE.encode())},
    "memoryview": {"traceparent": memoryview(VALUE.encode())},
    "list of values": {"traceparent": [VALUE]},
    "tuple of bytes": {"traceparent": (VALUE.encode(),)},
    "another Mapping": UserDict(traceparent=VALUE),
    "pairs": [("traceparent", VALUE)],
    "pairs as lists": [["traceparent", VALUE]],
    "iterator": iter([("traceparent", VALUE)]),
    "asgi": [(b"host", b"test"), (b"traceparent", VALUE.encode())],
    "kafka": [("traceparent", VALUE.encode()), ("tombstone", None)],
    "amqp": {"traceparent": VALUE.encode(), "x-death": [{"count": 1}], "retry": 3, "more": {}},
    "wsgi": {"REQUEST_METHOD": "GET", "HTTP_TRACEPARENT": VALUE, "wsgi.input": object()},
    "cgi pairs": [("HTTP_TRACEPARENT", VALUE)],
    "environment": {"TRACEPARENT": VALUE, "PATH": "/bin"},
    "plain headers": PlainHeaders(),
    "http.client": message(),
}


@pytest.mark.parametrize("carrier", CARRIERS.values(), ids=CARRIERS)
def test_every_carrier_gives_its_headers(carrier: Any) -> None:
    """Requests, messages and environments of every kind."""
    context = extract(carrier)
    assert context == SpanContext(
        "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True
    )


def test_the_headers_of_httpx_are_not_joined() -> None:
    """Their ``items()`` would make one value of two headers."""
    httpx = pytest.importorskip("httpx")
    assert extract(httpx.Headers({"TraceParent": VALUE})) is not None
    with pytest.raises(InvalidContext) as caught:
        extract(httpx.Headers([("traceparent", VALUE), ("traceparent", VALUE)]))
    assert caught.value.value == VALUE


@pytest.mark.parametrize(
    "carrier",
    [
        [("traceparent", VALUE), ("Traceparent", VALUE)],
        {"traceparent": VALUE, "TRACEPARENT": VALUE},
        {"traceparent": [VALUE, VALUE]},
    ],
)
def test_a_header_that_is_there_twice_is_found_twice(carrier: Any) -> None:
    """However the carrier keeps it, and although both say the same."""
    with pytest.raises(InvalidContext) as caught:
        extract(carrier)
    assert caught.value.rule == "the header must be there once, not 2 times (RFC 9110, 5.3)"


def test_a_header_is_quoted_as_it_was_sent() -> None:
    """Its name in the sender's case, its value with the white space, and where the fault is."""
    with pytest.raises(InvalidContext) as caught:
        extract({"TraceParent": f"\t {VALUE[:3]}X{VALUE[4:]} "})
    error = caught.value
    assert error.header == "TraceParent"
    assert error.value == f"\t {VALUE[:3]}X{VALUE[4:]} "
    assert error.span is not None
    assert error.value[slice(*error.span)] == "Xbf92f3577b34da6a3ce929d0e0e4736"


def test_white_space_around_a_value_is_none_of_it() -> None:
    """RFC 9110, 5.5."""
    assert extract({"traceparent": f"\t {VALUE} \t"}) is not None
    with pytest.raises(InvalidContext):
        extract({"traceparent": f"{VALUE}\n"})


def test_the_environment_of_the_process_is_no_header_of_a_request() -> None:
    """A WSGI server may start from ``os.environ``, and that has a context of its own."""
    environ = {"REQUEST_METHOD": "GET", "TRACEPARENT": VALUE}
    assert extract(environ) is None
    assert extract({**environ, "HTTP_TRACEPARENT": VALUE}) is not None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("X_B3_TRACEID", "b3multi"),
        ("HTTP_X_B3_TRACEID", "b3multi"),
        ("UBER_TRACE_ID", "jaeger"),
        ("SENTRY_TRACE", "sentry"),
        ("_X_AMZN_TRACE_ID", "xray"),
        ("X_DATADOG_TRACE_ID", "datadog"),
        ("X_CLOUD_TRACE_CONTEXT", "gcp"),
        ("OT_TRACER_TRACEID", "ottrace"),
    ],
)
def test_variables_have_underscores(name: str, kind: str) -> None:
    """Of a CGI script, of a child process, of AWS Lambda."""
    assert formats_in({name: "?"}) == [kind]


@pytest.mark.parametrize(
    "name",
    [
        "trace-parent",
        "trace.parent",
        "TRACE_PARENT",
        "traceparent:",
        "",
        "tracepärent",
        7,
        None,
        b"trace\xff",
    ],
)
def test_another_name_is_another_header(name: Any) -> None:
    """It is not there, whatever its value."""
    assert extract([(name, VALUE)]) is None


def test_bytes_that_are_no_ascii_are_latin_1() -> None:
    """So every value is a text, and is refused by its own rules."""
    with pytest.raises(InvalidContext) as caught:
        extract([(b"traceparent", VALUE.encode() + b"\xff")])
    assert caught.value.value == f"{VALUE}ÿ"


@pytest.mark.parametrize("carrier", [None, {}, [], {"traceparent": None}, {"traceparent": []}])
def test_nothing_carries_nothing(carrier: Any) -> None:
    """The queues give None for a message without headers."""
    assert extract(carrier) is None
    assert extract_baggage(carrier) == {}
    assert formats_in(carrier) == []


@pytest.mark.parametrize(
    ("carrier", "what"),
    [
        (42, "int given"),
        (VALUE, "str given"),
        (VALUE.encode(), "bytes given"),
        (SimpleNamespace(items=3), "SimpleNamespace given"),
        (["traceparent"], "str among the headers"),
        ([("traceparent", VALUE, "more")], "tuple among the headers"),
        ({"traceparent"}, "str among the headers"),
    ],
)
def test_what_carries_no_headers_is_refused(carrier: Any, what: str) -> None:
    """It says what was given and what is allowed."""
    with pytest.raises(TypeError) as caught:
        extract(carrier)
    assert str(caught.value) == (
        f"{what}; a carrier is a mapping of headers, a list of (name, value) pairs, an "
        "environment, or an object with such items()"
    )


def test_what_is_written_can_be_read_from_any_carrier(context: SpanContext) -> None:
    """As headers of ASGI, as a WSGI environment, as variables of a child."""
    written = inject(context, "xray")
    names = {name: name.upper().replace("-", "_") for name in written}
    assert extract([(k.encode(), v.encode()) for k, v in written.items()], "xray") == context
    assert extract({f"HTTP_{names[k]}": v for k, v in written.items()}, "xray") == context
    assert extract({names[k]: v for k, v in written.items()}, "xray") == context


def test_the_headers_of_a_carrier_as_pairs() -> None:
    """In their order, as texts; what is no header is left out."""
    carrier = [(b"A", b"1"), ("b", ["2", 3]), (4, "5"), ("c", None)]
    assert pairs_of(carrier) == (("A", "1"), ("b", "2"))
