import doctest
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from pytest_traces import propagation
from pytest_traces.propagation import (
    FORMATS,
    SpanContext,
    context_headers_of,
    extract,
    formats,
    formats_in,
    headers_of,
    inject,
)
from pytest_traces.settings import BadValue

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_the_formats() -> None:
    """Their names are those of OpenTelemetry's propagators, where those have one."""
    assert FORMATS == (
        "tracecontext", "b3", "b3multi", "jaeger", "xray", "datadog", "sentry", "gcp", "ottrace",
    )  # fmt: skip


def test_what_is_listed_can_be_imported() -> None:
    """And nothing twice."""
    assert all(hasattr(propagation, name) for name in propagation.__all__)
    assert len(set(propagation.__all__)) == len(propagation.__all__)


@pytest.mark.parametrize(
    "name",
    [
        "context",
        "registry",
        "baggage",
        "formats.b3",
        "formats.tracestate",
        "formats.datadog_member",
    ],
)
def test_the_examples_run(name: str) -> None:
    """Those in the docstrings."""
    module = importlib.import_module(f"pytest_traces.propagation.{name}")
    assert doctest.testmod(module).failed == 0


def test_the_example_of_the_documentation_runs() -> None:
    """The first thing that a reader copies."""
    document = Path(__file__).parents[2] / "docs" / "propagation.md"
    if not document.exists():
        pytest.skip("the documentation is not in the source distribution")
    example = document.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(compile(example, str(document), "exec"), {})


def test_every_format_has_a_module() -> None:
    """Of its own name."""
    assert {one.name for one in pkgutil.iter_modules(formats.__path__)} >= set(FORMATS)


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_written_are_the_format_s_headers(kind: str, context: SpanContext) -> None:
    """The context's own headers always, companions when there is something to say."""
    written = {name.lower() for name in inject(context, kind)}
    assert set(context_headers_of(kind)) <= written <= set(headers_of(kind))
    assert headers_of(kind)[: len(context_headers_of(kind))] == context_headers_of(kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_carrier_has_the_formats_whose_headers_it_has(kind: str, context: SpanContext) -> None:
    """A companion alone is no context."""
    carrier = inject(context, kind)
    assert formats_in(carrier) == [kind]
    assert [one for one in FORMATS if extract(carrier, one)] == [kind]
    assert formats_in({"tracestate": "a=1", "baggage": "b=2", "x-datadog-origin": "rum"}) == []


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("w3c", ""),
        ("TraceContext", "did you mean 'tracecontext'? "),
        ("b3-multi", "did you mean 'b3multi'? "),
        (None, ""),
        (["b3"], "did you mean 'b3'? "),
    ],
)
@pytest.mark.parametrize(
    "use",
    [
        extract,
        lambda _, name: inject(SpanContext(TRACE, SPAN), name),
        lambda _, name: headers_of(name),
        lambda _, name: context_headers_of(name),
    ],
)
def test_another_format_is_refused(use: Any, name: Any, hint: str) -> None:
    """With the nearest, and with all that there are."""
    with pytest.raises(BadValue) as caught:
        use({}, name)
    assert str(caught.value) == (
        f"format: {name!r} is not usable; {hint}the formats are tracecontext, b3, b3multi, "
        "jaeger, xray, datadog, sentry, gcp, ottrace"
    )


@pytest.mark.parametrize("kind", FORMATS)
def test_no_format_sends_ids_of_zeros(kind: str) -> None:
    """Nobody may continue such a trace."""
    with pytest.raises(BadValue, match=r"^trace_id: '0+' is not usable; an id that is sent is not"):
        inject(SpanContext("0" * 32, SPAN), kind)
    with pytest.raises(BadValue, match=r"^span_id: '0+' is not usable; an id that is sent is not"):
        inject(SpanContext(TRACE, "0" * 16), kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_trace_without_a_span(kind: str) -> None:
    """Three formats can say that; the others refuse."""
    partial = SpanContext(TRACE, None)
    if kind in ("xray", "datadog", "sentry"):
        assert extract(inject(partial, kind), kind) == partial
        return
    with pytest.raises(BadValue) as caught:
        inject(partial, kind)
    assert str(caught.value) == (
        f"span_id: None is not usable; {kind} names a span, 16 lower-case hex digits"
    )


def test_only_a_context_is_injected() -> None:
    """A mapping is no context."""
    with pytest.raises(TypeError, match=r"^a SpanContext is injected, not dict$"):
        inject({"trace_id": TRACE})  # type: ignore[arg-type]
