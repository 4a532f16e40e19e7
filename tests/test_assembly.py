import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import Sampler, SpanData

BASE = 10**18


def data(number: int, parent: int | None = None, **fields: Any) -> SpanData:
    start = BASE + fields.pop("start", number)
    fields.setdefault("end_ns", start + 1)
    parent_id = None if parent is None else f"{parent:016x}"
    name = fields.pop("name", f"n{number}")
    return SpanData(name, "ab" * 16, f"{number:016x}", parent_id, start, **fields)


def shape(forest: Forest) -> list[tuple[str, str | None]]:
    return [(span.name, span.parent.name if span.parent else None) for span in forest.spans]


def test_siblings_by_start_then_by_order_of_recording() -> None:
    """Never by id."""
    forest = assemble([data(1), data(9, 1, start=5), data(8, 1, start=5), data(7, 1, start=3)])
    assert [child.name for child in forest.roots[0].children] == ["n7", "n9", "n8"]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(parents: list[int], rng: random.Random) -> None:
    """Shuffled spans become the same forest, cycles and missing parents included."""
    spans = [data(number, parent) for number, parent in enumerate(parents, 1)]
    again = spans.copy()
    rng.shuffle(again)

    assert shape(assemble(again)) == shape(assemble(spans))
    assert len(assemble(spans).spans) == len(spans)


def test_a_cycle_is_cut_at_its_earliest_member() -> None:
    """And reported; also a span that is its own parent."""
    forest = assemble([data(1, 3, start=5), data(2, 1, start=9), data(3, 2, start=2), data(4, 4)])
    assert shape(forest) == [("n3", None), ("n4", None), ("n1", "n3"), ("n2", "n1")]
    assert [finding.kind for finding in forest.findings] == ["cycle", "cycle"]


def test_a_span_that_was_sent_again_is_one_span() -> None:
    """Name, kind, service and start agree; the telling that knows the end leads."""
    forest = assemble([data(1, end_ns=None, attributes={"a": 1}), data(1, attributes={"b": 2})])
    assert len(forest.spans) == 1
    assert forest.spans[0].end_ns is not None
    assert forest.spans[0].attributes == {"a": 1, "b": 2}
    assert not forest.findings


def test_two_sources_that_tell_of_one_span() -> None:
    """They are merged, whatever each calls it."""
    forest = assemble([data(1, name="GET /"), data(1, name="http.server", source="opentelemetry")])
    assert [span.name for span in forest.spans] == ["GET /"]


def test_two_sources_that_differ_on_whether_it_is_kept() -> None:
    """The one counts that knows who decided, whichever leads and whichever comes first."""
    rule = Sampler("a rule")
    for sampled in (True, False):
        one = data(1, name="GET /", sampled=not sampled, attributes={"a": 1, "b": 2})
        other = data(1, name="x", source="sentry", sampled=sampled, sampler=rule)
        for tellings in ([one, other], [other, one]):
            (span,) = assemble(tellings).spans
            assert (span.name, span.sampled, span.data.sampler) == ("GET /", sampled, rule)


def test_two_sources_that_both_say_who_decided() -> None:
    """One of them yields, whichever leads and whichever comes first."""
    rule, sdk = Sampler("a rule"), Sampler("the SDK's", yields=True)
    for leads in (True, False):
        attributes = {"a": 1, "b": 2} if leads else {}
        one = data(1, name="GET /", sampler=sdk, attributes=attributes)
        other = data(1, name="GET /", source="sentry", sampled=False, sampler=rule)
        for tellings in ([one, other], [other, one]):
            (span,) = assemble(tellings).spans
            assert (span.sampled, span.data.sampler) == (False, rule)


def test_one_that_yields_where_no_other_knows() -> None:
    """It has the say then."""
    sdk = Sampler("the SDK's", yields=True)
    one = data(1, name="GET /", sampled=False, sampler=sdk)
    other = data(1, name="GET /", source="otlp", attributes={"a": 1, "b": 2})
    (span,) = assemble([one, other]).spans
    assert (span.sampled, span.data.sampler) == (False, sdk)


def test_two_spans_that_share_an_id_are_both_kept() -> None:
    """With a finding."""
    forest = assemble([data(1), data(1, name="other")])
    assert len(forest.spans) == 2
    assert [finding.kind for finding in forest.findings] == ["duplicate"]


def test_client_and_server_that_share_an_id() -> None:
    """As in Zipkin: the server is the client's child, and what is below it is the server's."""
    forest = assemble(
        [
            data(2, 1, kind="server", service="bank", start=3),
            data(2, 1, kind="client", service="shop", start=2),
            data(3, 2, start=4),
            data(4, 2, service="shop", start=5),
            data(1, start=1),
        ]
    )
    root = forest.roots[0]
    client = root.children[0]
    assert [child.kind for child in root.children] == ["client"]
    assert [child.kind for child in client.children] == ["server", "internal"]
    assert [child.name for child in client.children[0].children] == ["n3"]
    assert not forest.findings


def test_orphans_and_remote_parents() -> None:
    """A local parent that was not recorded makes an orphan, a remote one a root."""
    orphan, remote = assemble([data(1, 77), data(2, 78, remote_parent=True)]).roots
    assert orphan.orphan
    assert not remote.orphan


def test_an_end_before_the_start_is_a_finding() -> None:
    """It is never just fast."""
    forest = assemble([data(1, end_ns=BASE)])
    assert [finding.kind for finding in forest.findings] == ["negative"]


def test_a_hundred_thousand_levels() -> None:
    """Depth is no special case, in any order of arrival."""
    count = 100_000
    forest = assemble(data(n, n - 1 if n > 1 else None) for n in range(count, 0, -1))
    deepest = forest.spans[-1]
    assert sum(1 for _ in deepest.ancestors) == count - 1
    assert sum(1 for _ in forest.roots[0].descendants) == count - 1
