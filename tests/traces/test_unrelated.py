"""Two sources that tell one test in unrelated traces: a failing assertion says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Traces, record, span
from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.recording import journal
from pytest_traces.report.unrelated import tellings_of
from pytest_traces.settings import SOURCE_NAMES

START = 1_700_000_000_000_000_000
MS = 1_000_000


def telling(source: str, trace: str, *names: str, at: int = 0, took: int = 10) -> list[SpanData]:
    """A root and its children, as one source tells them."""
    return [
        SpanData(
            name, trace * 32, f"{ord(trace):x}{number:014x}",
            f"{ord(trace):x}{0:014x}" if number else None,
            START + (at + number) * MS, START + (at + took) * MS, source=source,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip


@pytest.fixture
def both() -> Iterator[Traces]:
    """A request that two sources have told, each in a trace of its own."""
    with record(timeout="0s", sources=["opentelemetry", "sentry"]) as both:
        put(telling("opentelemetry", "a", "GET /cart", "SELECT"))
        put(telling("sentry", "b", "/cart", "db.query", "SELECT", at=1, took=8))
        yield both


def put(spans: list[SpanData]) -> None:
    """Record them."""
    for one in spans:
        journal.put(one)


def said(assertion: Callable[..., None], *args: Any, **keywords: Any) -> str:
    """The whole failure."""
    with pytest.raises(AssertionError) as caught:
        assertion(*args, **keywords)
    return str(caught.value)


TOLD = (
    "  two sources describe this in traces of their own:\n"
    "    OpenTelemetry   2 spans: 'GET /cart'\n"
    "    Sentry          3 spans: '/cart'"
)
HINT = (
    "  hint:  choose one: traces_sources = opentelemetry in the ini file, or\n"
    "         traces.only(source='opentelemetry')"
)


def test_a_count(both):
    """The whole message: the fact, and how to choose."""
    assert said(both.assert_count, "SELECT", 1).partition("\n\n  what was captured")[0] == (
        "'SELECT' ran 2 times, expected 1\n"
        "\n"
        "  GET /cart    internal  10.0 ms\n"
        "  └─ SELECT    internal  9.00 ms\n"
        "  /cart        internal  8.00 ms\n"
        "  ├─ db.query  internal  7.00 ms\n"
        "  └─ SELECT    internal  6.00 ms\n"
        "\n"
        "  1 below 'GET /cart'\n"
        "  1 below '/cart'\n"
        f"{TOLD}"
    )
    assert said(both.assert_count, "SELECT", 1).endswith(f"\n\n{HINT}")


def test_a_tree(both):
    """It is the cause; the hint keeps what was expected."""
    text = said(both.assert_tree, span("GET /cart", "SELECT"))

    assert "\n\n  cause: two sources describe this in traces of their own: " in text
    assert text.count("two sources") == 1
    assert (
        "\n\n  hint:  choose one: traces_sources = opentelemetry in the ini file, or\n"
        "         traces.only(source='opentelemetry')"
    ) in text
    both.only(source="opentelemetry").assert_tree(span("GET /cart", "SELECT"))


def test_a_tree_that_differs_otherwise(both):
    """Where both are expected, it is no more than a fact."""
    expected = [span("GET /cart", "SELECT"), span("/cart", "SELECT")]
    text = said(both.assert_tree, *expected)

    assert text.startswith("'db.query' is unexpected below '/cart'\n")
    assert f"\n\n{TOLD}\n\n" in text


@pytest.mark.parametrize(
    ("method", "args", "keywords"),
    [
        ("assert_none", ["SELECT"], {}),
        ("assert_path", ["GET /cart", "db.query"], {}),
        ("assert_subtree", ["GET /cart\n  db.query"], {}),
        ("assert_budget", [], {"spans": 3}),
        ("assert_duration", ["GET /cart"], {"under": "2ms"}),
        ("assert_duration", ["nothing"], {"under": "2ms"}),
        ("get", ["SELECT"], {}),
        ("get", ["nothing"], {}),
        ("assert_sampled", ["nothing"], {}),
        ("assert_concurrent", ["SELECT", "nothing"], {}),
    ],
)
def test_whatever_fails_says_so_once(method, args, keywords, both):
    """As a fact."""
    assert said(getattr(both, method), *args, **keywords).count(TOLD) == 1


@pytest.mark.parametrize("method", ["assert_propagated", "assert_not_propagated"])
def test_what_is_about_headers_says_nothing(method, both):
    """A header has one trace, whoever tells of it."""
    assert "two sources" not in said(getattr(both, method), to="payments")


def test_a_hint_of_its_own_stays(both):
    """The fact is added, the hint is not."""
    text = said(both.get, "SELECT")

    assert TOLD in text
    assert text.endswith(
        "  hint:  add a keyword: kind=, status=, attributes=, service=, scope=, source=, inside="
    )


def test_what_holds_says_nothing(both):
    """Whoever counts both may."""
    both.assert_count("SELECT", 2)
    both.assert_subtree(span("GET /cart", "SELECT"))
    assert both._frame.recording.notes == []


@pytest.mark.parametrize("source", ["opentelemetry", "sentry"])
def test_one_that_is_chosen_says_nothing(source, both):
    """By a view, or by the setting."""
    assert "two sources" not in said(both.only(source=source).assert_count, "SELECT", 5)
    with record(timeout="0s", sources=[source]) as one:
        put(telling("opentelemetry", "c", "GET /cart", "SELECT"))
        put(telling("sentry", "d", "/cart", "db.query", "SELECT", at=1))
        assert "two sources" not in said(one.assert_count, "SELECT", 5)


def tellings(*spans: list[SpanData]) -> str | None:
    """What is said of these."""
    found = tellings_of(assemble([one for some in spans for one in some]))
    return None if found is None else found.text


def test_three_sources():
    """Each that has nothing in common with another."""
    a = telling("opentelemetry", "a", "GET /cart")
    b = telling("sentry", "b", "/cart", "SELECT")
    c = telling("handwritten", "c", "cart")

    assert tellings(a, b, c) == (
        "three sources describe this in traces of their own: OpenTelemetry (1 span: 'GET /cart'), "
        "Sentry (2 spans: '/cart') and hand-written (1 span: 'cart')"
    )


def test_two_of_three_sources():
    """One may have a part in both."""
    a = telling("opentelemetry", "a", "GET /cart")
    b = telling("sentry", "b", "/cart")
    c = telling("handwritten", "a", "cart") + telling("handwritten", "b", "cart")
    c = [one._replace(span_id=f"{number + 77:016x}") for number, one in enumerate(c)]

    assert tellings(a, b, c) == (
        "two sources describe this in traces of their own: OpenTelemetry (1 span: 'GET /cart') "
        "and Sentry (1 span: '/cart')"
    )


def test_many_roots_are_counted():
    """By name."""
    a = telling("opentelemetry", "a", "GET /cart")
    b = [one for trace in "bcdef" for one in telling("sentry", trace, f"/{trace}")]

    assert str(tellings(a, b)).endswith("Sentry (5 spans: '/b', '/c' and 3 more)")


def test_a_trace_with_both_is_one_telling():
    """Of the same spans, or of parents and children."""
    a = telling("opentelemetry", "a", "GET /cart", "SELECT")
    child = telling("sentry", "a", "/cart")[0]._replace(span_id="77" * 8, parent_id=a[0].span_id)

    assert tellings(a, [child]) is None
    assert tellings(a, [child], telling("sentry", "b", "/other")) is None


@pytest.mark.parametrize("at", [-10, 10, 50])
def test_one_after_the_other_is_no_second_telling(at):
    """They tell of different things; intervals are half open."""
    a = telling("opentelemetry", "a", "GET /cart")
    b = telling("sentry", "b", "/cart", at=at)

    assert tellings(a, b) is None


@pytest.mark.parametrize("at", [-9, 0, 9])
def test_overlapping_is(at):
    """By any of their spans."""
    a = telling("opentelemetry", "a", "GET /cart")

    assert tellings(a, telling("sentry", "b", "/cart", at=at)) is not None
    instant = tellings(a, telling("sentry", "b", "/cart", at=at, took=0))
    assert (instant is None) == (at == -9)


def test_an_open_span_overlaps_with_all_that_follows():
    """It has no end yet."""
    (a,) = telling("opentelemetry", "a", "GET /cart")

    assert tellings([a._replace(end_ns=None)], telling("sentry", "b", "/cart", at=500))
    assert tellings([a._replace(end_ns=None)], telling("sentry", "b", "/cart", at=-500)) is None


@pytest.mark.parametrize("source", ["otlp", "test", "file"])
def test_other_sources_are_no_telling_of_the_same(source):
    """Another process, what the test plays, and what it loads are things of their own."""
    a = telling("opentelemetry", "a", "GET /cart")

    assert tellings(a, telling(source, "b", "/cart")) is None
    assert set(SOURCE_NAMES) - {"otlp"} == {"opentelemetry", "sentry", "handwritten"}


def test_one_source_is_enough():
    """However many traces it has; and so is none."""
    assert tellings(telling("sentry", "a", "x"), telling("sentry", "b", "y")) is None
    assert tellings() is None


def test_a_large_forest():
    """Twenty thousand spans of each are no matter."""
    a = [one for _ in range(20_000) for one in telling("opentelemetry", "a", "x")]
    b = [one for _ in range(20_000) for one in telling("sentry", "b", "x", at=100)]
    a = [one._replace(span_id=f"{number + 1:016x}") for number, one in enumerate(a)]
    b = [one._replace(span_id=f"{number + 1:016x}") for number, one in enumerate(b)]

    assert tellings(a, b) is None
