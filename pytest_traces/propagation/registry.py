"""All formats by their names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pytest_traces.propagation.carriers import Carrier, Headers
from pytest_traces.propagation.context import SpanContext
from pytest_traces.propagation.formats import (
    b3,
    b3multi,
    datadog,
    gcp,
    jaeger,
    ottrace,
    sentry,
    tracecontext,
    xray,
)
from pytest_traces.propagation.formats.format import Format
from pytest_traces.settings import BadValue

_MODULES = (tracecontext, b3, b3multi, jaeger, xray, datadog, sentry, gcp, ottrace)
_FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}

#: The names of all formats.
FORMATS: tuple[str, ...] = tuple(_FORMATS)


def extract(carrier: Carrier, format: str = "tracecontext") -> SpanContext | None:  # noqa: A002
    """Read the caller's context from the headers of a request or a message.

    Args:
        carrier: a mapping (keys in any case; text, bytes or lists of them as values), a list of
            pairs, the headers of an HTTP client, a WSGI environment, environment variables, the
            headers of an ASGI scope, of a Kafka or an AMQP message. None is an empty one.
        format: a name of :data:`FORMATS`.

    Returns:
        The context; None if there is no header of the format.

    Raises:
        InvalidContext: there is one, and a receiver must not continue the trace from it.
        BadValue: there is no such format.
        TypeError: what was given carries no headers.

    Example:
        >>> header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        >>> extract({"traceparent": header}).span_id
        '00f067aa0ba902b7'
    """
    return format_named(format).read(Headers(carrier))


def inject(context: SpanContext, format: str = "tracecontext") -> dict[str, str]:  # noqa: A002
    """Write a context into headers, as a caller does.

    Args:
        context: the caller's span.
        format: a name of :data:`FORMATS`.

    Returns:
        Names and values of the headers, the names in lower case where the format has no other
        way to write them.

    Raises:
        BadValue: there is no such format, or it cannot say what the context holds.
        TypeError: the context is none.

    Example:
        >>> context = SpanContext("80f198ee56343ba864fe8b2a57d3eff7", "e457b5a2e4d86bd1", True)
        >>> inject(context, "b3")
        {'b3': '80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-1'}
    """
    known = format_named(format)
    if not isinstance(context, SpanContext):
        raise TypeError(f"a SpanContext is injected, not {type(context).__name__}")
    if not context.trace_id.strip("0"):
        raise BadValue("trace_id", context.trace_id, "an id that is sent is not all zeros")
    if context.span_id is None:
        if not known.partial:
            raise BadValue("span_id", None, f"{format} names a span, 16 lower-case hex digits")
    elif not context.span_id.strip("0"):
        raise BadValue("span_id", context.span_id, "an id that is sent is not all zeros")
    return known.write(context)


def headers_of(format: str) -> tuple[str, ...]:  # noqa: A002
    """All headers of a format in lower case: those of the context, then their companions.

    Raises:
        BadValue: there is no such format.

    Example:
        >>> headers_of("tracecontext")
        ('traceparent', 'tracestate')
    """
    known = format_named(format)
    return known.headers + known.companions


def context_headers_of(format: str) -> tuple[str, ...]:  # noqa: A002
    """The headers without which there is no context of this format, in lower case.

    Raises:
        BadValue: there is no such format.

    Example:
        >>> context_headers_of("tracecontext")
        ('traceparent',)
    """
    return format_named(format).headers


def formats_in(carrier: Carrier) -> list[str]:
    """The names of the formats that have a header of the context in the carrier.

    Raises:
        TypeError: what was given carries no headers.

    Example:
        >>> formats_in([(b"b3", b"0"), (b"traceparent", b"?")])
        ['tracecontext', 'b3']
    """
    headers = Headers(carrier)
    return [known.name for known in _FORMATS.values() if _is_there(known.headers, headers)]


def _is_there(names: Iterable[str], headers: Headers) -> bool:
    return any(name in headers for name in names)


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        BadValue: there is none; the nearest and all that there are.
    """
    known = _FORMATS.get(name) if isinstance(name, str) else None
    if known is not None:
        return known
    near = difflib.get_close_matches(str(name).lower(), FORMATS, 1, 0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise BadValue("format", name, f"{hint}the formats are {', '.join(FORMATS)}")
