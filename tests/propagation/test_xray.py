import pytest

from pytest_traces.propagation import InvalidContext, SpanContext, extract, inject
from pytest_traces.settings import BadValue

TRACE, SPAN = "8a3c60f7d188f8fa79d48a391a778fa6", "53995c3f42cd8ad8"
ROOT = "Root=1-8a3c60f7-d188f8fa79d48a391a778fa6"
NAME = "X-Amzn-Trace-Id"
VERSION = "the trace id must be 1-, 8 hex digits, - and 24 hex digits (AWS X-Ray, Tracing header)"
FIELD = (
    "a field must be a name, '=' and a value, with ';' between fields (AWS X-Ray, Tracing header)"
)


@pytest.mark.parametrize(
    ("value", "context"),
    [
        (ROOT, SpanContext(TRACE, None)),
        (f"{ROOT};Sampled=1", SpanContext(TRACE, None, sampled=True)),
        (f"{ROOT};Parent={SPAN}", SpanContext(TRACE, SPAN)),
        (f"{ROOT};Parent={SPAN};Sampled=0", SpanContext(TRACE, SPAN, sampled=False)),
        (
            f"{ROOT};Parent={SPAN};Sampled=1;Lineage=25:1234abcd:3",
            SpanContext(TRACE, SPAN, sampled=True, extra=(("Lineage", "25:1234abcd:3"),), format="xray"),
        ),
    ],
)  # fmt: skip
def test_all_but_the_root_is_optional(value: str, context: SpanContext) -> None:
    """A load balancer knows no span; what is read is what is written."""
    assert extract({NAME: value}, "xray") == context
    assert inject(context, "xray") == {NAME: value}


def test_fields_come_in_any_order() -> None:
    """With spaces and an end, as the services of AWS write them."""
    value = f"Self=1-67891233-12456789abcdef012345678; Sampled=? ;{ROOT.upper().replace('ROOT', 'Root')};Parent={SPAN};"
    context = extract({NAME.lower(): value}, "xray")
    assert context == SpanContext(
        TRACE, SPAN, extra=(("Self", "1-67891233-12456789abcdef012345678"),)
    )


@pytest.mark.parametrize(
    ("value", "rule", "part"),
    [
        ("", "the field Root must be there (AWS X-Ray, Tracing header)", None),
        (f"Parent={SPAN};Sampled=1", "the field Root must be there (AWS X-Ray, Tracing header)", None),
        (f"{ROOT};BrokenKeyValue;Sampled=1", FIELD, "BrokenKeyValue"),
        (f"{ROOT}; A B=1", FIELD, "A B=1"),
        (f"{ROOT};{ROOT}", "a field must be there once (AWS X-Ray, Tracing header)", ROOT),
        (f"{ROOT}".replace("1-", "2-"), VERSION, "2-8a3c60f7-d188f8fa79d48a391a778fa6"),
        (f"{ROOT}0", VERSION, "1-8a3c60f7-d188f8fa79d48a391a778fa60"),
        (f"Root={TRACE}", VERSION, TRACE),
        ("Root=1-8a3c60f7-d188f8fa79d48a391a778fax", "the trace id must be hex (AWS X-Ray, Tracing header)", "1-8a3c60f7-d188f8fa79d48a391a778fax"),
        (f"Root=1-{'0' * 8}-{'0' * 24}", "the trace id must not be all zeros (AWS X-Ray, Tracing header)", f"1-{'0' * 8}-{'0' * 24}"),
        (f"{ROOT};Parent={SPAN}00;Sampled=0", "the parent id must have 16 hex digits, not 18 characters (AWS X-Ray, Tracing header)", f"{SPAN}00"),
        (f"{ROOT};Parent={SPAN};Sampled=", "Sampled must be 1, 0 or ? (AWS X-Ray, Tracing header)", ""),
        (f"{ROOT};Sampled=10", "Sampled must be 1, 0 or ? (AWS X-Ray, Tracing header)", "10"),
        (f"{ROOT};{'a' * 7200}=1", "the header has 7243 characters, more than the 7168 that are read of this format", None),
    ],
)  # fmt: skip
def test_what_must_not_be_continued(value: str, rule: str, part: str | None) -> None:
    """The rule that is broken, who says so, and where."""
    with pytest.raises(InvalidContext) as caught:
        extract({NAME: value}, "xray")
    error = caught.value
    assert error.rule == rule
    assert (None if error.span is None else value[slice(*error.span)]) == part


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("Parent", "1"), "extra: 'Parent' is not usable; it is the name of a field of its own, of A-Z a-z 0-9 _ -"),
        (("a b", "1"), "extra: 'a b' is not usable; it is the name of a field of its own, of A-Z a-z 0-9 _ -"),
        (("Self", "1;2"), "extra: '1;2' is not usable; it is printable ASCII without ';' and spaces"),
    ],
)  # fmt: skip
def test_what_the_header_cannot_hold_is_not_written(extra: tuple, message: str) -> None:
    """A field of its own, that can be read again."""
    with pytest.raises(BadValue) as caught:
        inject(SpanContext(TRACE, None, extra=(extra,), format="xray"), "xray")
    assert str(caught.value) == message


def test_what_belongs_to_another_format_is_not_written() -> None:
    """A tag of Datadog means nothing here."""
    context = SpanContext(TRACE, SPAN, extra=(("origin", "rum"),), format="datadog")
    assert inject(context, "xray") == {NAME: f"{ROOT};Parent={SPAN}"}
