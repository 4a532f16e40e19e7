"""The way of an exception through spans that have but a status, and what is not on it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest
from pytest_traces.model import ErrorData, Event, SpanData, Stamps, Thrown
from pytest_traces.recording.arrivals import with_errors
from pytest_traces.shape.errors import error_events, passed_in
from pytest_traces.shape.faults import Faults, faults_in

TRACE = "ab" * 16


class Tree:
    """Spans by name, each with the name of its parent, its start and end."""

    def __init__(self) -> None:
        self.spans: list[SpanData] = []
        self.reports: list[ErrorData] = []
        self.ids: dict[str, str] = {}

    def add(
        self, name: str, above: str | None, start: int, end: int | None, **fields: Any
    ) -> SpanData:
        """A span of Sentry without a status."""
        self.ids[name] = span_id = f"{len(self.ids) + 1:016x}"
        parent = None if above is None else self.ids[above]
        data = SpanData(name, TRACE, span_id, parent, start, end, source="sentry", thread="main")
        self.spans.append(data._replace(**fields))
        return data

    def failed(
        self, name: str, above: str | None, start: int, end: int | None, **fields: Any
    ) -> None:
        """One that an exception has left."""
        status = {"status": "error", "status_description": "internal_error"}
        self.add(name, above, start, end, **{**status, **fields})

    def report(self, of: str, at: int, kind: str = "ValueError", **fields: Any) -> None:
        """An exception that was captured in a span."""
        told = ErrorData(1, "sentry", kind, "x", at, (TRACE, self.ids[of]), thread="main")
        self.reports.append(told._replace(**fields))

    @property
    def forest(self) -> Forest:
        """The spans with what was reported of them."""
        by_key: dict[Any, list[ErrorData]] = {}
        for one in self.reports:
            by_key.setdefault(one.key, []).append(one)
        return assemble(
            [with_errors(one, by_key.get((TRACE, one.span_id), ())) for one in self.spans]
        )

    @property
    def passed(self) -> set[str]:
        """The names of the spans that an exception went through."""
        forest = self.forest
        names = {span_id: name for name, span_id in self.ids.items()}
        return {names[span_id] for _, span_id in passed_in(forest, self.reports)}

    def faults(self, *allowed: Any) -> Faults:
        """What is at fault."""
        forest = self.forest
        events = error_events(forest, self.reports)
        return faults_in(forest, events, allowed, passed_in(forest, self.reports))

    def at_fault(self, *allowed: Any) -> list[tuple[str, str]]:
        """The span and the text of each."""
        return [
            (one.span.name if one.span else "", one.text) for one in self.faults(*allowed).found
        ]


@pytest.fixture
def tree() -> Tree:
    """Nothing yet."""
    return Tree()


@pytest.fixture
def below(tree: Tree) -> Tree:
    """A query fails, and the exception is captured two levels above it."""
    tree.add("order", None, 0, 100)
    tree.failed("reserve", "order", 10, 50)
    tree.failed("query", "reserve", 20, 40)
    tree.report("order", 60)
    return tree


@pytest.fixture
def above(tree: Tree) -> Tree:
    """A query fails, the exception is captured there, and goes on."""
    tree.failed("order", None, 0, 100)
    tree.failed("reserve", "order", 10, 50)
    tree.failed("query", "reserve", 20, 40)
    tree.report("query", 30)
    return tree


def test_it_is_one_error_where_it_was_captured_above(below: Tree) -> None:
    """The spans below are allowed with it, and are not counted without."""
    assert below.passed == {"reserve", "query"}
    assert below.at_fault() == [("order", "ValueError: x")]
    assert below.at_fault(ValueError) == []
    assert below.at_fault(Exception) == []
    assert below.at_fault(KeyError) == [("order", "ValueError: x")]


def test_it_is_one_error_where_it_was_captured_below(above: Tree) -> None:
    """So are those above."""
    assert above.passed == {"reserve", "order"}
    assert above.at_fault() == [("query", "ValueError: x")]
    assert above.at_fault(ValueError) == []


def test_a_name_allows_one_span_alone(below: Tree) -> None:
    """The others are at fault, and whose error it is, is known."""
    faults = below.faults("order")
    assert [one.span and one.span.name for one in faults.found] == ["query", "reserve"]
    assert faults.excused is not None
    assert faults.excused.type == "ValueError"
    assert below.at_fault("order", "query", "reserve") == []
    assert below.at_fault("query", "reserve") == [("order", "ValueError: x")]


def test_it_is_told_twice_with_a_gap(above: Tree) -> None:
    """Where a span far above has captured it, too, it is one error with its way in between."""
    above.report("order", 110)

    assert above.passed == {"reserve"}
    assert above.at_fault() == [("query", "ValueError: x")]
    assert above.at_fault(ValueError) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "unset", "status_description": None},
        {"status": "ok", "status_description": None},
        {"status_description": "not_found"},
        {"attributes": {"sentry.status": "not_found"}},
        {"source": "opentelemetry"},
        {"source": "otlp"},
        {"remote_parent": True},
        {"end_ns": None},
        {"attributes": {"http.response.status_code": 500}},
        {"attributes": {"http.status_code": "404"}},
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["reserve", "query"])
def test_what_is_no_way_down(name: str, fields: dict[str, Any], below: Tree) -> None:
    """A span that was left in another way is at fault itself, and all below it."""
    place = list(below.ids).index(name)
    below.spans[place] = below.spans[place]._replace(**fields)
    expected = {"reserve"} if name == "query" else set()
    assert below.passed == expected

    left = {one for one, _ in below.at_fault(ValueError)}
    failed = {one.name for one in below.spans if one.status == "error"}
    assert left == failed - expected


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "unset", "status_description": None},
        {"status_description": "not_found"},
        {"source": "opentelemetry"},
        {"end_ns": None},
        {"attributes": {"http.response.status_code": 500}},
        {"attributes": {"http.response.status_code": 404}, "kind": "server"},
    ],
    ids=repr,
)
@pytest.mark.parametrize("name", ["query", "reserve"])
def test_what_is_no_way_up(name: str, fields: dict[str, Any], above: Tree) -> None:
    """Where the exception was caught, perhaps, it explains nothing further above."""
    place = list(above.ids).index(name)
    above.spans[place] = above.spans[place]._replace(**fields)

    assert above.passed == set()
    assert ("order", "internal_error") in above.at_fault(ValueError)


def test_an_answer_of_a_server(above: Tree) -> None:
    """A 500 is what becomes of an exception that nobody catches, and ends its way."""
    above.spans[1] = above.spans[1]._replace(
        kind="server", attributes={"http.response.status_code": 500}
    )

    assert above.passed == {"reserve"}
    assert above.at_fault(ValueError) == [("order", "internal_error")]


def test_a_child_of_another_process(above: Tree) -> None:
    """Exceptions do not travel by network."""
    above.spans[1] = above.spans[1]._replace(remote_parent=True)

    assert above.passed == {"reserve"}


@pytest.mark.parametrize(
    ("start", "passed"),
    [
        (5, {"reserve", "query"}),
        (30, {"reserve", "query"}),
        (45, {"reserve"}),
        (55, set()),
        (65, {"reserve", "query"}),
    ],
)
def test_what_began_before_it_was_captured(start: int, passed: set[str], below: Tree) -> None:
    """If something else was done in between, the failure before may have been another one."""
    below.add("log", "order", start, start + 1)
    assert below.passed == passed


@pytest.mark.parametrize(
    ("start", "passed"),
    [(35, {"reserve", "order"}), (45, set()), (60, {"reserve"}), (100, {"reserve", "order"})],
)
def test_what_began_before_the_next_one_above_ended(
    start: int, passed: set[str], above: Tree
) -> None:
    """The same on the way up."""
    above.add("log", "order", start, start + 1)
    assert above.passed == passed


@pytest.mark.parametrize(
    ("op", "passed"),
    [
        ("middleware.starlette.send", {"reserve", "query"}),
        ("middleware.starlette", set()),
        ("queue.send", set()),
    ],
)
def test_an_answer_that_was_sent_meanwhile(op: str, passed: set[str], below: Tree) -> None:
    """The layers of an application of ASGI do that while the exception comes up."""
    below.add("_send", "order", 55, 56, attributes={"sentry.op": op})
    assert below.passed == passed


def test_what_began_in_another_thread(below: Tree) -> None:
    """It says nothing; unless nobody knows which thread it was."""
    below.add("log", "order", 55, 56, thread="other")
    assert below.passed == {"reserve", "query"}

    below.add("log", "order", 55, 56, thread=None)
    assert below.passed == set()


def test_a_report_of_an_unknown_thread(below: Tree) -> None:
    """Then whatever began may have been there."""
    below.add("log", "order", 55, 56, thread="other")
    below.reports = [one._replace(thread=None) for one in below.reports]

    assert below.passed == set()


def test_a_failure_after_the_report(tree: Tree) -> None:
    """It is another one; so is one that was open still."""
    tree.add("order", None, 0, 100)
    tree.failed("open", "order", 10, 60)
    tree.report("order", 50)
    tree.failed("later", "order", 70, 80)

    assert tree.passed == set()
    assert tree.at_fault(ValueError) == [("open", "internal_error"), ("later", "internal_error")]


def test_a_failure_that_nobody_reported(tree: Tree) -> None:
    """Of several tries the last one is what was reported; the others are errors by themselves."""
    tree.add("order", None, 0, 100)
    for start in (10, 20, 30):
        tree.failed(f"try {start}", "order", start, start + 5)
    tree.report("order", 40)

    assert tree.passed == {"try 30"}
    assert [name for name, _ in tree.at_fault(ValueError)] == ["try 10", "try 20"]


def test_each_report_explains_its_own(tree: Tree) -> None:
    """And none of them two."""
    tree.add("order", None, 0, 100)
    tree.failed("first", "order", 10, 15)
    tree.report("order", 16)
    tree.failed("second", "order", 20, 25)
    tree.report("order", 26, "KeyError")
    tree.report("order", 27, "KeyError")

    assert tree.passed == {"first", "second"}
    assert tree.at_fault(ValueError) == [("order", "KeyError: x"), ("order", "KeyError: x")]
    assert tree.at_fault(KeyError) == [("order", "ValueError: x")]


def test_threads_that_fail_together(tree: Tree) -> None:
    """What each of them reported in the span around them explains one of them."""
    tree.add("order", None, 0, 100)
    for number in range(3):
        tree.failed(f"work {number}", "order", 10 + number, 30 + number, thread=f"t{number}")
    for number in range(3):
        tree.report("order", 40 + number, thread=f"t{number}")

    assert tree.passed == {"work 0", "work 1", "work 2"}
    tree.reports.pop()
    assert len(tree.passed) == 2


def test_a_span_that_was_captured_in_has_ended(above: Tree) -> None:
    """What was reported of it afterwards cannot have left it."""
    above.reports = [one._replace(time_ns=45) for one in above.reports]

    assert above.passed == set()


@pytest.mark.parametrize("fields", [{"type": None}, {"level": "warning"}, {"key": None}])
def test_what_is_no_exception(fields: dict[str, Any], below: Tree) -> None:
    """Messages and warnings explain no status, nor does what is linked to no span."""
    below.reports = [one._replace(**fields) for one in below.reports]

    assert below.passed == set()
    assert ("query", "internal_error") in below.at_fault(ValueError)


def test_an_exception_of_its_own(below: Tree) -> None:
    """A span that has recorded one is explained by that, and what is below it by nothing else."""
    told = Event("exception", 35, {"exception.type": "KeyError"})
    below.spans[1] = below.spans[1]._replace(events=(told,))

    assert below.passed == set()
    assert below.at_fault(ValueError) == [("reserve", "KeyError"), ("query", "internal_error")]


def test_spans_that_opentelemetry_has_recorded_too(below: Tree) -> None:
    """Merged ones know who made Sentry's half of them."""
    below.spans = [
        one._replace(
            source="opentelemetry",
            status_description=None,
            attributes={"sentry.origin": "auto.otel", "sentry.status": "internal_error"},
        )
        for one in below.spans
    ]
    assert below.passed == {"reserve", "query"}


def test_a_clock_that_stands_still(below: Tree) -> None:
    """The clocks that were read beside it decide."""
    below.spans = [
        one._replace(
            start_ns=7,
            end_ns=7,
            stamps=Stamps(one.start_ns, one.end_ns, 0, 0, 1, 1),
        )
        for one in below.spans
    ]
    below.reports = [one._replace(time_ns=999, ticks_ns=one.time_ns) for one in below.reports]
    assert below.passed == {"reserve", "query"}

    below.add("log", "order", 7, 7, stamps=Stamps(55, 56, 0, 0, 1, 1))
    assert below.passed == set()


def test_spans_of_other_processes_take_no_part(below: Tree) -> None:
    """Their clocks are others; what they do meanwhile says nothing."""
    below.add("far", "order", 55, 56, source="otlp", thread=None)

    assert below.passed == {"reserve", "query"}


def test_a_report_of_a_span_that_is_not_here(below: Tree) -> None:
    """It explains nothing."""
    key = (TRACE, "f" * 16)
    below.reports = [one._replace(key=key) for one in below.reports]

    assert below.passed == set()


@pytest.mark.parametrize("down", [True, False])
def test_any_depth(down: bool, tree: Tree) -> None:
    """Twenty thousand levels are one way."""
    size = 20_000
    for level in range(size):
        above = f"n{level - 1}" if level else None
        tree.failed(f"n{level}", above, level, 2 * size + 10 - level)
    tree.report("n0" if down else f"n{size - 1}", 2 * size + 10 if down else size + 5)

    assert len(tree.passed) == size - 1


def test_any_width(tree: Tree) -> None:
    """And as many reports."""
    size = 20_000
    tree.add("order", None, 0, 4 * size)
    for place in range(size):
        tree.failed(f"n{place}", "order", 4 * place + 1, 4 * place + 2)
        tree.report("order", 4 * place + 3)

    assert len(tree.passed) == size


def test_what_went_through_is_explained_once(above: Tree) -> None:
    """A later report of the span above cannot have come the same way."""
    above.report("order", 5, "KeyError")
    above.report("order", 60)

    assert above.passed == {"reserve"}
    assert above.at_fault(ValueError) == [("order", "KeyError: x")]
    assert above.at_fault(KeyError) == [("query", "ValueError: x")]


ONE = Thrown(1, ("ValueError", "Exception", "BaseException"))
TWO = Thrown(2, ("KeyError", "LookupError", "Exception", "BaseException"))
#: Another one of the same class.
THREE = ONE._replace(address=3)


@pytest.mark.parametrize(
    ("left_by", "thrown", "passed", "at_fault"),
    [
        (ONE, (ONE,), {"reserve", "query"}, []),
        (TWO, (ONE, TWO), {"reserve", "query"}, []),
        (TWO, (), {"reserve", "query"}, []),
        (None, (ONE,), {"reserve", "query"}, []),
        (TWO, (ONE,), {"reserve"}, ["query"]),
        (THREE, (ONE,), {"reserve"}, []),  # its type is allowed
    ],
)
def test_what_has_left_a_span_below(
    left_by: Thrown | None,
    thrown: tuple[Thrown, ...],
    passed: set[str],
    at_fault: list[str],
    below: Tree,
) -> None:
    """The exception that was reported, or one that it came of; any, where nobody knows."""
    below.spans[-1] = below.spans[-1]._replace(left_by=left_by)
    below.reports[0] = below.reports[0]._replace(thrown=thrown)

    assert below.passed == passed
    assert [name for name, _ in below.at_fault(ValueError)] == at_fault


@pytest.mark.parametrize(
    ("left_by", "thrown", "passed"),
    [
        (ONE, (ONE, TWO), {"reserve", "order"}),
        (TWO, (), {"reserve", "order"}),
        (TWO, (ONE, TWO), set()),
    ],
)
def test_what_has_left_a_span_above(
    left_by: Thrown, thrown: tuple[Thrown, ...], passed: set[str], above: Tree
) -> None:
    """The exception that was reported, and none that it came of."""
    above.spans[1] = above.spans[1]._replace(left_by=left_by)
    above.reports[0] = above.reports[0]._replace(thrown=thrown)

    assert above.passed == passed


def test_another_one_left_the_span_that_was_captured_in(above: Tree) -> None:
    """It is an error by itself there, and explains nothing above."""
    above.spans = [one._replace(left_by=TWO) for one in above.spans]
    above.reports[0] = above.reports[0]._replace(thrown=(ONE,))

    assert above.passed == set()
    assert above.at_fault(ValueError) == [
        ("query", "KeyError (internal_error)"),
        ("reserve", "KeyError (internal_error)"),
        ("order", "KeyError (internal_error)"),
    ]
    assert above.at_fault(ValueError, LookupError) == []


def test_one_below_another_that_failed_later(below: Tree) -> None:
    """What another exception has left meanwhile is no way, and stays the way of its own report."""
    below.failed("cache", "order", 5, 55, left_by=TWO, thread="other")
    below.spans[1] = below.spans[1]._replace(left_by=ONE)
    below.reports[0] = below.reports[0]._replace(thrown=(ONE,))
    below.report("order", 70, "KeyError", thrown=(TWO,))

    assert below.passed == {"reserve", "query", "cache"}
    assert below.at_fault(ValueError) == [("order", "KeyError: x")]


def test_a_report_that_names_a_span_of_another_source(below: Tree) -> None:
    """It explains Sentry's own span that was current, and what it went through there."""
    root = below.ids["order"]
    below.spans[0] = below.spans[0]._replace(status="error")
    below.reports[0] = below.reports[0]._replace(
        key=("cd" * 16, "1" * 16), beside=(TRACE, root), thrown=(ONE,)
    )

    assert below.passed == {"order", "reserve", "query"}
    below.spans[0] = below.spans[0]._replace(left_by=TWO)
    assert below.passed == {"reserve", "query"}


def test_any_width_of_others(tree: Tree) -> None:
    """However many have been left by others."""
    tree.add("order", None, 0, 10**6)
    for number in range(20_000):
        tree.failed(f"{number}", "order", number, number, left_by=Thrown(number, ("KeyError",)))
    for number in range(2_000):
        tree.report("order", 30_000 + number, thrown=(ONE._replace(address=-number - 1),))

    assert tree.passed == set()
