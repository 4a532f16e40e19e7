"""Whatever is sent: a context, nothing, or InvalidContext; and what is written is read again."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytest_traces.propagation import (
    BAGGAGE_FORMATS,
    FORMATS,
    Baggage,
    BaggageMember,
    InvalidContext,
    SpanContext,
    extract,
    extract_baggage,
    formats_in,
    headers_of,
    inject,
    inject_baggage,
)

settings.register_profile("propagation", deadline=None, max_examples=100)
often = settings.get_profile("propagation")
HEX = "0123456789abcdef"
NAMES = sorted({name for kind in FORMATS for name in headers_of(kind)})
PRINTABLE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)


def ids(digits: int) -> st.SearchStrategy[str]:
    return st.text(HEX, min_size=digits, max_size=digits).filter(lambda text: text.strip("0"))


span_ids, trace_ids = ids(16), st.one_of(ids(32), ids(16).map(lambda text: "0" * 16 + text))
decisions = st.sampled_from([True, False])
undecided = st.sampled_from([True, False, None])
plain = st.builds(SpanContext, trace_ids, span_ids, undecided)
keys = st.from_regex(r"[a-z0-9][a-z0-9_\-*/@]{0,20}", fullmatch=True)
values = st.from_regex(
    r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,20}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", fullmatch=True
)
states = st.dictionaries(keys, values, max_size=32).map(lambda state: tuple(state.items()))


def b3_contexts() -> st.SearchStrategy[SpanContext]:
    """Of each decision, with and without a parent."""
    return st.builds(
        lambda context, debug, parent: replace(
            context, debug=debug, sampled=debug or context.sampled, parent_id=parent
        ),
        plain,
        st.booleans(),
        st.none() | span_ids,
    )


def extras(names: st.SearchStrategy[str], texts: st.SearchStrategy[str]) -> Any:
    return st.dictionaries(names, texts, max_size=4).map(lambda pairs: tuple(pairs.items()))


def with_extra(kind: str, names: Any, texts: Any) -> st.SearchStrategy[SpanContext]:
    return st.builds(
        lambda context, extra: replace(context, extra=extra, format=kind),
        plain,
        extras(names, texts),
    )


#: For each kind the contexts that it can express.
CONTEXTS: dict[str, st.SearchStrategy[SpanContext]] = {
    "tracecontext": st.builds(SpanContext, trace_ids, span_ids, decisions, tracestate=states),
    "b3": b3_contexts(),
    "b3multi": b3_contexts(),
    "jaeger": b3_contexts().map(lambda one: replace(one, sampled=bool(one.sampled))),
    "xray": with_extra(
        "xray",
        st.from_regex("X[A-Za-z0-9_-]{0,9}", fullmatch=True),
        st.text(PRINTABLE.filter(lambda one: one != ";"), max_size=9),
    ),
    "datadog": with_extra(
        "datadog",
        st.from_regex("_dd\\.p\\.[a-z.]{1,9}", fullmatch=True).filter(lambda one: one != "_dd.p.tid"),
        st.text(PRINTABLE.filter(lambda one: one != ","), min_size=1, max_size=9),
    ),
    "sentry": with_extra(
        "sentry", st.from_regex("sentry-[a-z_]{1,9}", fullmatch=True), st.text(max_size=9)
    ),
    "gcp": plain,
    "ottrace": plain.map(lambda one: replace(one, trace_id="0" * 16 + one.trace_id[16:])),
}  # fmt: skip


def test_each_format_has_its_contexts() -> None:
    """None is forgotten here."""
    assert set(CONTEXTS) == set(FORMATS)


@often
@given(st.data())
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_written_is_read_again(kind: str, data: st.DataObject) -> None:
    """The same context, without a problem."""
    context = data.draw(CONTEXTS[kind])
    assume(kind not in ("datadog", "ottrace") or context.trace_id[16:].strip("0"))
    read = extract(inject(context, kind), kind)
    assert read is not None
    assert read == context
    assert (read.problems, read.format) == ((), kind)


def read_all(carrier: Any) -> None:
    """Nothing but InvalidContext comes out, and what it shows is there."""
    for kind in FORMATS:
        found = judged(carrier, kind)
        broken = [found] if isinstance(found, InvalidContext) else found.problems if found else []
        for one in broken:
            assert one.rule
            assert one.span is None or 0 <= one.span[0] <= one.span[1] <= len(one.value)
    formats_in(carrier)
    for kind in BAGGAGE_FORMATS:
        assert isinstance(extract_baggage(carrier, kind), Baggage)


def judged(carrier: Any, kind: str) -> SpanContext | InvalidContext | None:
    try:
        return extract(carrier, kind)
    except InvalidContext as error:
        return error


names = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(NAMES).map(lambda name: name.upper().replace("-", "_")),
    st.sampled_from(NAMES).map(str.encode),
    st.sampled_from(["uberctx-", "ot-baggage-", "uberctx-k", "jaeger-baggage"]),
    st.text(max_size=9),
)
contents = st.recursive(
    st.one_of(st.text(), st.binary(), st.text(f"{HEX}-:;=,/%. \t", max_size=80), st.integers(), st.none()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@often
@given(st.lists(st.tuples(names, contents), max_size=8))
def test_any_content_is_read_or_refused(pairs: list[tuple[Any, Any]]) -> None:
    """Duplicates, bytes of no encoding, nested tables, names of another type."""
    read_all(pairs)
    read_all(dict(pairs))


@often
@given(st.data())
@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_nearly_right_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    """Valid headers with a part cut out, put in or doubled."""
    headers = inject(data.draw(plain.filter(lambda one: one.trace_id[16:].strip("0"))), kind)
    broken = {name: data.draw(mutations(value)) for name, value in headers.items()}
    read_all(broken)


def mutations(value: str) -> st.SearchStrategy[str]:
    """The value with a piece of it replaced."""
    places = st.integers(0, len(value))
    return st.builds(
        lambda start, length, piece: value[:start] + piece + value[start + length :],
        places,
        st.integers(0, 3),
        st.one_of(st.text(max_size=3), st.text("0fF-:;=,/%10d ?", max_size=3)),
    )


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("piece", ["a", "0", "-", ":", ";", ",", "=", "%", " ", "00-", "\xff"])
def test_a_megabyte_is_refused_by_its_length(kind: str, piece: str) -> None:
    """It is not split, nor matched against anything."""
    value = (piece * 2**20)[: 2**20]
    for name in headers_of(kind)[:1]:
        with pytest.raises(InvalidContext, match=r"(?s)characters") as caught:
            extract({name: value}, kind)
        assert "characters" in caught.value.rule
        assert caught.value.span is None
        assert len(str(caught.value)) < 300


@pytest.mark.parametrize("piece", ["a", "a=1,", ",", ";", " ", "=", "a=1;b,"])
def test_a_megabyte_of_companions_is_dropped_by_its_length(
    piece: str, context: SpanContext
) -> None:
    """The trace goes on, and no more is read than there is room for."""
    value = (piece * 2**20)[: 2**20]
    for kind in ("tracecontext", "datadog", "sentry"):
        headers = dict.fromkeys(headers_of(kind), value) | inject(context, kind)
        if kind == "datadog":
            headers["x-datadog-tags"] = value
        found = extract(headers, kind)
        assert found is not None
        assert found.span_id == context.span_id
        assert found.tracestate == found.extra == ()
    baggage = extract_baggage({"baggage": value})
    assert len(baggage.members) <= 180
    assert any(one.span is None for one in baggage.problems)


tokens = st.from_regex(r"[A-Za-z0-9!#$&'*.^_`|~-]{1,20}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@often
@given(
    st.lists(
        st.builds(
            BaggageMember,
            tokens,
            texts,
            st.lists(st.tuples(tokens, st.none() | texts), max_size=2).map(tuple),
        ),
        max_size=6,
    )
)
def test_a_baggage_that_is_written_is_read_again(members: list[BaggageMember]) -> None:
    """Each member with its properties, in its order."""
    found = extract_baggage(inject_baggage(members))
    assert list(found.members) == members
    assert found.problems == ()


@often
@given(st.dictionaries(tokens, texts.filter(lambda text: text == text.strip()), max_size=6))
def test_opentelemetry_reads_the_same_baggage(baggage: dict[str, str]) -> None:
    """The real propagator, which strips what it has decoded."""
    pytest.importorskip("opentelemetry")
    from opentelemetry.baggage import get_all
    from opentelemetry.baggage.propagation import W3CBaggagePropagator

    assert get_all(W3CBaggagePropagator().extract(inject_baggage(baggage))) == baggage


def seen_by_opentelemetry(headers: dict[str, str]) -> SpanContext | None:
    pytest.importorskip("opentelemetry")
    from opentelemetry.context import Context
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found = get_current_span(
        TraceContextTextMapPropagator().extract(headers, context=Context())
    ).get_span_context()
    if not found.is_valid:
        return None
    return SpanContext(
        f"{found.trace_id:032x}",
        f"{found.span_id:016x}",
        sampled=found.trace_flags.sampled,
        tracestate=tuple(found.trace_state.items()),
    )


@often
@given(CONTEXTS["tracecontext"])
def test_opentelemetry_reads_the_same_context(context: SpanContext) -> None:
    """The real propagator, on what is written here; it knows keys of one ``@`` and no more."""
    assume(all(key.count("@") < 1 and key[0].isalpha() for key, _ in context.tracestate))
    assert seen_by_opentelemetry(inject(context)) == context


@often
@given(st.data())
def test_opentelemetry_continues_the_same_traces(data: st.DataObject) -> None:
    """Valid values and nearly valid ones."""
    value = inject(data.draw(CONTEXTS["tracecontext"]))["traceparent"]
    version = data.draw(st.sampled_from(["00", "01", "cc", "ff", "0", "A0"]))
    broken = version + data.draw(mutations(value[2:]))
    assume("\n" not in broken)
    try:
        found = extract({"traceparent": broken})
    except InvalidContext:
        found = None
    assert found == seen_by_opentelemetry({"traceparent": broken})


@settings(often, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.data())
def test_sentry_continues_the_same_traces(data: st.DataObject) -> None:
    """Its SDK is the authority on what it reads, grammar or not."""
    tracing = pytest.importorskip("sentry_sdk.tracing_utils")
    value = inject(data.draw(plain), "sentry")["sentry-trace"]
    broken = data.draw(st.just(value) | mutations(value))
    assume(broken.isascii() and broken.isprintable() and "," not in broken)
    judged = tracing.extract_sentrytrace_data(broken) or {"trace_id": None}
    try:
        found = extract({"sentry-trace": broken}, "sentry")
    except InvalidContext:
        assert judged["trace_id"] is None
        return
    assert found == SpanContext(
        judged["trace_id"], judged["parent_span_id"], judged["parent_sampled"]
    )
