"""Budgets of spans, levels, children and bytes: what exceeds them, and what it says."""

import pytest

from pytest_traces import BadValue, record
from pytest_traces.encoding.otlp_size import request_size

NOTHING = """\
no span was recorded

  what was captured:
    opentelemetry   left out by traces_sources
    hand-written    nothing added"""

EPOCH_MS = 1_700_000_000_000


@pytest.fixture
def grow(act):
    """Adds a span: its name, the key of its parent, and when it ran, in milliseconds."""
    ids = {}
    numbers = iter(range(1, 100_000))

    def grow(name, parent=None, key=None, start=None, took=10, **fields):
        number = ids[key or name] = next(numbers)
        start = EPOCH_MS + (number if start is None else start)
        given = {"trace_id": 1, "span_id": number, "parent_id": ids.get(parent), "name": name}
        act.add({**given, "start": start, "end": None if took is None else start + took, **fields})

    return grow


@pytest.fixture
def failure(act):
    """What an assertion says when it fails."""

    def failure(method, *args, **kwargs):
        with pytest.raises(AssertionError) as caught:
            getattr(act, method)(*args, **kwargs)
        return str(caught.value)

    return failure


@pytest.fixture
def cart(grow):
    """Eight spans on three levels, six of them below one."""
    grow("POST /checkout", kind="server", start=0, took=31, service="shop")
    grow("load cart", "POST /checkout", start=1, took=8, service="shop")
    grow("SELECT carts", "load cart", kind="client", start=1, took=1, service="shop")
    for i in range(5):
        attributes = {"db.statement": f"select * from items where cart_id = {17 + i}", "n": 1}
        grow(
            "SELECT items",
            "load cart",
            kind="client",
            start=2 + i,
            took=1,
            service="shop",
            attributes=attributes,
        )


TREE = """\
  POST /checkout          server    31.0 ms
  └─ load cart            internal  8.00 ms
     ├─ SELECT carts      client    1.00 ms
     └─ 5 × SELECT items  client    5.00 ms
"""


def test_over_budget(cart, failure):
    """Each limit by how much, where, and of what."""
    assert failure("assert_budget", spans=5, depth=2, fanout=4) == (
        "over budget: 8 spans (allowed 5), 3 levels (allowed 2) and 6 children of one span (allowed 4)\n\n"
        f"{TREE}\n"
        "  3 too many: 5 × 'SELECT items', 1 × 'POST /checkout', 1 × 'load cart', 1 × 'SELECT carts'\n"
        "  1 too deep: 'POST /checkout > load cart > SELECT carts'\n"
        "  2 too wide: 'POST /checkout > load cart', with 5 × 'SELECT items', 1 × 'SELECT carts'\n\n"
        "  hint:  5 of 8 spans are 'SELECT items': assert_no_n_plus_one() says whether they repeat for\n"
        "         nothing"
    )


def test_over_one_of_the_limits(cart, failure):
    """Those that hold are not told."""
    assert failure("assert_budget", spans=8, depth=3, fanout=5).startswith(
        "over budget: 6 children of one span (allowed 5)\n"
    )


def test_one_child_too_many_where_there_is_one(grow, act, failure):
    """Singulars are singular; names beyond five are counted."""
    grow("a")
    act.assert_budget(spans=1, depth=1, fanout=1)
    for name in "bcdefgh":
        grow(name, "a")

    text = failure("assert_budget", spans=7)
    assert text.startswith("over budget: 8 spans (allowed 7)\n")
    assert "  1 too many: 1 × 'a', 1 × 'b', 1 × 'c', 1 × 'd', 1 × 'e' and 3 of other names" in text
    assert "hint" not in text


def test_within_budget(cart, act):
    """Exactly as much as allowed is allowed."""
    act.assert_budget(spans=8)
    act.assert_budget(depth=3)
    act.assert_budget(fanout=6)
    act.assert_volume(spans=8, bytes=request_size(span.data for span in act.spans))


def test_too_much_to_store(cart, failure):
    """Which spans weigh most, and which attributes."""
    assert failure("assert_volume", spans=5, bytes=300) == (
        "too much to store: 8 spans (allowed 5) and 1,019 bytes (allowed 300)\n\n"
        f"{TREE}\n"
        "  bytes as OTLP, by name:\n"
        "        735   72 %  5 × 'SELECT items'\n"
        "         80    7 %  1 × 'SELECT carts'\n"
        "         77    7 %  1 × 'load cart'\n"
        "         72    7 %  1 × 'POST /checkout'\n"
        "         55    5 %  resources and scopes\n\n"
        "  the largest attributes:\n"
        "        290   28 %  'db.statement' of 5 spans\n"
        "         45    4 %  'n' of 5 spans\n\n"
        "  hint:  without the attribute 'db.statement' it would be 729 bytes"
    )


def test_too_many_bytes_by_one(cart, act, failure):
    """The limit is exact; what is beyond the first few names is one line."""
    size = request_size(span.data for span in act.spans)

    assert failure("assert_volume", bytes=size - 1).startswith(
        f"too much to store: {size:,} bytes (allowed {size - 1:,})\n"
    )


def test_many_names_and_no_attributes_to_store(grow, failure):
    """The rest is one line."""
    for name in "abcdefgh":
        grow(name)

    text = failure("assert_volume", bytes=1)

    assert "3 others\n" in text
    assert "attributes" not in text


@pytest.mark.parametrize("method", ["assert_budget", "assert_volume"])
def test_a_budget_for_nothing(method, act, failure):
    """No span is within no budget."""
    assert failure(method, spans=5) == NOTHING


@pytest.mark.parametrize("method", ["assert_budget", "assert_volume"])
def test_a_budget_while_a_span_is_open(method, grow, failure):
    """More may come."""
    grow("root", took=None)

    assert failure(method, spans=5).startswith(
        "a budget cannot be checked while spans are open: 'root'"
    )


@pytest.mark.parametrize("method", ["assert_budget", "assert_volume"])
def test_a_budget_of_a_view(method, cart, act):
    """Only what it shows counts; where it selects nothing it fails."""
    getattr(act.only("SELECT carts"), method)(spans=1)
    getattr(act.without("SELECT items"), method)(spans=3)
    with pytest.raises(AssertionError, match="selects no span"):
        getattr(act.only("nothing"), method)(spans=1)


@pytest.mark.parametrize(
    ("method", "names"),
    [("assert_budget", "spans=, depth=, fanout="), ("assert_volume", "spans=, bytes=")],
)
def test_no_limit_is_refused(method, names, cart, act):
    """It would hold for anything."""
    with pytest.raises(TypeError) as caught:
        getattr(act, method)()
    assert str(caught.value) == f"{method}: give at least one of {names}"


@pytest.mark.parametrize("limit", [0, -1, 2.0, "20kB", True])
def test_what_is_no_number_of_things_is_refused(limit, cart, act):
    """Nothing, less than nothing, a part, a text."""
    for method, name in (("assert_budget", "depth"), ("assert_volume", "bytes")):
        with pytest.raises(BadValue) as caught:
            getattr(act, method)(**{name: limit})
        assert (
            str(caught.value)
            == f"{name}: {limit!r} is not usable; a budget is a whole number, 1 or more"
        )


def test_the_size_is_what_an_exporter_sends():
    """Of spans of OpenTelemetry, by its own encoder."""
    encoder = pytest.importorskip("opentelemetry.exporter.otlp.proto.common.trace_encoder")
    from opentelemetry.proto.trace.v1 import trace_pb2
    from opentelemetry.sdk.trace import TracerProvider

    if "flags" not in trace_pb2.Span.DESCRIPTOR.fields_by_name:
        pytest.skip("this version of OpenTelemetry's exporter sends spans without their flags")
    with record(sources=["opentelemetry"]) as traces:
        with TracerProvider().get_tracer("shop").start_as_current_span("GET /cart") as span:
            span.set_attribute("user", "ann")
    size = encoder.encode_spans([span]).ByteSize()

    traces.assert_volume(bytes=size)
    with pytest.raises(AssertionError, match=f"{size} bytes"):
        traces.assert_volume(bytes=size - 1)
