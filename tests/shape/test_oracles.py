"""Cases that a standard, a reference or a peer wrote, with the answers that those give."""

import re
from collections.abc import Callable
from typing import Any

from pytest_traces import glob, record, span
from pytest_traces.assembly import assemble
from pytest_traces.forest import Forest, Span
from pytest_traces.shape.match import Matcher
from pytest_traces.shape.pattern import Pattern, forest_of
from pytest_traces.shape.subtree import subtree_matches
from pytest_traces.sources.handwritten.reading import read_span

Oracle = Callable[[str], Any]
START_MS = 1_700_000_000_000


def test_unordered_matching(oracle: Oracle, grown: Callable[..., Forest]) -> None:
    """Exact is a bijection of children, contains an injection, at the root or anywhere."""
    for case in oracle("tree/matching_cases.json")["cases"]:
        pattern = pattern_of(case["pattern"], is_open=case["mode"] == "contains")
        forest = grown(case["tree"])
        if case["anchor"] == "root":
            found = Matcher(forest_of((pattern,)), forest.roots).forest_matches()
        else:
            found = subtree_matches(pattern, forest)
        assert found is case["match"], case["id"]


def pattern_of(tree: list[Any], *, is_open: bool) -> Pattern:
    name, *children = tree
    below = [pattern_of(child, is_open=is_open) for child in children]
    return span(glob(name), *below, *([...] if is_open else []))


def test_trees_from_fragments(oracle: Oracle) -> None:
    """A child that arrives before its parent finds it."""
    for case in oracle("tree/tracetest_tree_building_cases.json")["cases"]:
        numbers = {
            row[0]: number
            for number, row in enumerate((r for part in case["fragments"] for r in part), 1)
        }
        forest = assemble(
            read_span(
                {
                    "trace_id": 1,
                    "span_id": numbers[key],
                    "parent_id": numbers.get(parent, 999) if parent else None,
                    "name": key,
                    "start": START_MS,
                    "end": START_MS,
                }
            )
            for part in case["fragments"]
            for key, _, parent in part
        )
        assert sorted(root.name for root in forest.roots) == sorted(case["expected_roots"])
        for key, children in case["expected_children"].items():
            found = next(one for one in forest.spans if one.name == key)
            assert sorted(child.name for child in found.children) == sorted(children), case["id"]


#: Zipkin looks for a parent by its id and its host, so that here a span loses the parent that it
#: names; this package goes by ids alone, and cuts the cycle at its earliest member.
OTHERWISE = {"zipkin-tree-07"}


def test_trees_of_zipkin(oracle: Oracle) -> None:
    """Headless traces, cycles, and client and server that share an id."""
    for case in oracle("tree/zipkin_tree_building_cases.json")["cases"]:
        if case["id"] in OTHERWISE:
            continue
        forest = assemble(read_span(zipkin_span(given), "us") for given in case["input"])
        top = case["output"]
        expected = top["children"] if top["span"] is None else [top]
        assert [nested(root) for root in forest.roots] == [zipkin_tree(one) for one in expected], (
            case["id"]
        )


def zipkin_span(given: dict[str, Any]) -> dict[str, Any]:
    """A span as Zipkin writes it; its tests leave names out, and count times from zero."""
    start = given.get("timestamp", 0)
    start += 0 if start > 10**12 else START_MS * 1000
    return {
        **given,
        "name": given.get("name", given["id"]),
        "start": start,
        "timestamp": None,
        "duration": given.get("duration", 1),
    }


def nested(one: Span) -> tuple[str, str, list[Any]]:
    return one.span_id, one.kind, [nested(child) for child in one.children]


def zipkin_tree(node: dict[str, Any]) -> tuple[str, str, list[Any]]:
    given = node["span"]
    kind = given.get("kind", "internal").lower()
    return given["id"], kind, [zipkin_tree(child) for child in node["children"]]


#: "Every field that is present must be declared": there is no such mode here; what is not named
#: does not matter.
KINDS = ("internal", "server", "client", "producer", "consumer")


def test_structures_of_a_peer(oracle: Oracle) -> None:
    """OpenTelemetry PHP's assertTraceStructure: which structures pass, and which fail."""
    ran = 0
    for case in oracle("structural/php_trace_structure_cases.json")["cases"]:
        if case["strict"]:
            continue
        ran += 1
        with record(timeout="0s", sources=["handwritten"]) as act:
            for given in case["spans"]:
                act.add(php_span(given))
        expected = [php_pattern(one) for one in case["expected_structure"]]
        try:
            act.assert_tree(*expected)
        except AssertionError:
            assert case["assertion"] == "fails", case["id"]
        else:
            assert case["assertion"] == "passes", case["id"]
    assert ran


def php_span(given: dict[str, Any]) -> dict[str, Any]:
    status = given.get("status") or {}
    return {
        "trace_id": 1,
        "span_id": given["id"],
        "parent_id": given["parent"],
        "name": given["name"],
        "kind": KINDS[given.get("kind") or 0],
        "status": {"code": status.get("code", "Unset"), "description": status.get("description")},
        "attributes": dict(given.get("attributes") or {}),
        "events": [
            {"name": event["name"], "attributes": dict(event.get("attributes") or {})}
            for event in given.get("events") or []
        ],
        "start": START_MS,
        "end": START_MS,
    }


class Satisfies:
    """Compares as one of the peer's matchers does."""

    def __init__(self, matcher: dict[str, Any]) -> None:
        self.how, self.args = matcher["$matcher"], matcher.get("args", [])

    def __eq__(self, other: object) -> bool:
        wanted = self.args[0] if self.args else None
        if self.how == "identical":
            return type(wanted) is type(other) and wanted == other
        if self.how == "string_contains":
            return isinstance(other, str) and str(wanted) in other
        if self.how == "regex":
            return isinstance(other, str) and bool(re.search(str(wanted).strip("/"), other))
        if self.how == "type":
            kinds = {"string": str, "int": int, "integer": int, "bool": bool, "float": float}
            return isinstance(other, kinds.get(str(wanted), object))
        return True

    __hash__ = None  # type: ignore[assignment]


def php_value(value: Any) -> Any:
    return Satisfies(value) if isinstance(value, dict) and "$matcher" in value else value


def php_pattern(wanted: dict[str, Any]) -> Pattern:
    code, description = php_status(wanted.get("status"))
    kind = wanted.get("kind")
    return span(
        php_value(wanted["name"]),
        *[php_pattern(child) for child in wanted.get("children", [])],
        kind=KINDS[kind] if isinstance(kind, int) else None,
        status=code,
        status_description=description,
        attributes={k: php_value(v) for k, v in dict(wanted.get("attributes") or {}).items()},
        events=[
            {
                "name": php_value(event.get("name")),
                "attributes": {
                    k: php_value(v) for k, v in dict(event.get("attributes") or {}).items()
                },
            }
            for event in wanted.get("events", [])
        ],
    )


def php_status(status: Any) -> tuple[Any, Any]:
    if isinstance(status, dict) and "$matcher" not in status:
        status = [status.get("code"), status.get("description")]
    if not isinstance(status, list):
        status = [status, None]
    code = status[0]["args"][0] if isinstance(status[0], dict) else status[0]
    description = php_value(status[1]) if len(status) > 1 and status[1] else None
    return (code.lower() if code else None), description
