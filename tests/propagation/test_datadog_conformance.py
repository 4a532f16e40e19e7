"""The conformance suite of Datadog's tracers, played against a service of a few lines."""

import ast
import json
import operator
import os
import secrets
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.propagation import (
    InvalidContext,
    SpanContext,
    extract,
    extract_baggage,
    inject,
    inject_baggage,
)
from pytest_traces.propagation.formats.datadog import priority_of
from pytest_traces.propagation.formats.datadog_member import (
    DatadogMember,
    read_member,
    write_member,
)

ASKED = os.environ.get("PYTEST_TRACES_ORACLES")
FOLDER = Path(ASKED) if ASKED else Path(__file__).parents[3] / "shared" / "oracles"
FILE = FOLDER / "headers" / "datadog_conformance_cases.json"
#: What a tracer copies from baggage to the tags of its spans; no header says it.
INEXPRESSIBLE = ("ddsys-037", "ddsys-039")
STYLES = {"b3 single header": "b3", "b3": "b3", "b3multi": "b3multi"}
DEFAULT = "datadog,tracecontext,baggage"


def cases() -> list[Any]:
    if not ASKED and not FOLDER.is_dir():
        return [pytest.param({}, marks=pytest.mark.skip(f"no oracles at {FOLDER}"))]
    return [
        pytest.param(case, id=case["id"])
        for case in json.loads(FILE.read_text(encoding="utf-8"))["cases"]
    ]


class Parent:
    """A ``traceparent`` by its parts."""

    def __init__(self, value: str) -> None:
        self.value = value
        _, self.trace_id, self.parent_id, _ = value.split("-")

    def __str__(self) -> str:
        return self.value


class State(dict[str, str]):
    """A ``tracestate`` by its keys."""

    def __str__(self) -> str:
        return ",".join(f"{key}={value}" for key, value in self.items())


@pytest.mark.parametrize("case", cases())
def test_what_a_service_of_datadog_sends_on(case: dict[str, Any]) -> None:
    """It continues the trace of the first style that it can read, and writes each other style."""
    if case["id"] in INEXPRESSIBLE:
        pytest.skip("tags of a span")
    names = serve(case["headers"], case["config"])
    for path, name, given in case["expect"]["asserts"]:
        found = observed(path, names)
        wanted = observed(given["ref"], names) if isinstance(given, dict) else given
        assert OPERATORS[name](found, wanted), (path, name, wanted, found)


OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "is": operator.is_,
    "is not": operator.is_not,
    "contains": operator.contains,
    "lacks": lambda found, wanted: wanted not in found,
}


def serve(headers: list[list[str]], config: dict[str, str]) -> dict[str, Any]:
    """Receive these headers, begin a span, and send a request from it."""
    carrier = [tuple(pair) for pair in headers]
    incoming = continued(carrier, styles(config, "EXTRACT"))
    given = incoming or SpanContext("0" * 16 + secrets.token_hex(8), None, sampled=True)
    # What the caller left open, the service decides.
    sampled = True if given.sampled is None else given.sampled
    span = replace(given, span_id=secrets.token_hex(8), sampled=sampled)
    out: dict[str, str] = {}
    for style in styles(config, "INJECT"):
        if style == "baggage":
            out |= inject_baggage(extract_baggage(carrier))
        elif style == "tracecontext":
            out |= inject(with_member(span), style)
        else:
            out |= inject(span, style)
    meta: dict[str, Any] = defaultdict(lambda: None, dict(span.extra))
    return {
        "out": out,
        "span": {
            "trace_id": int(span.trace_id[16:], 16),
            "span_id": int(str(span.span_id), 16),
            "parent_id": int(given.span_id or "0", 16),
            "meta": meta,
            "metrics": {"_sampling_priority_v1": priority_of(span)},
        },
        "traceparent": Parent(out["traceparent"]) if "traceparent" in out else None,
        "tracestate": State(extract(out).tracestate) if "traceparent" in out else {},
    }


def styles(config: dict[str, str], direction: str) -> list[str]:
    given = config.get(f"DD_TRACE_PROPAGATION_STYLE_{direction}", DEFAULT).lower().split(",")
    return [STYLES.get(one, one) for one in given]


def continued(carrier: Any, names: list[str]) -> SpanContext | None:
    """The first context, in Datadog's terms; of the same trace it keeps the ``tracestate``."""
    contexts: list[SpanContext] = []
    for name in names:
        if name != "baggage":
            try:
                contexts += filter(None, [extract(carrier, name)])
            except InvalidContext:
                continue
    if not contexts:
        return None
    first = contexts[0]
    states = [one.tracestate for one in contexts if one.trace_id == first.trace_id]
    merged = replace(first, tracestate=next(filter(None, states), ()), format="datadog")
    if first.format != "tracecontext" or "dd" not in dict(first.tracestate):
        return merged
    member = read_member(dict(first.tracestate)["dd"])
    extra = list(member.tags)
    if member.origin:
        extra.append(("origin", member.origin))
    if member.priority is not None and (member.priority > 0) is first.sampled:
        extra.append(("sampling_priority", str(member.priority)))
    return replace(merged, extra=tuple(extra))


def with_member(span: SpanContext) -> SpanContext:
    tags = tuple(pair for pair in span.extra if pair[0].startswith("_dd.p."))
    member = DatadogMember(priority_of(span), dict(span.extra).get("origin"), tags=tags)
    others = [pair for pair in span.tracestate if pair[0] != "dd"]
    return replace(span, tracestate=(("dd", write_member(member)), *others)[:32])


NODES = (
    ast.Expression, ast.Call, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Constant,
    ast.UnaryOp, ast.USub, ast.Load,
)  # fmt: skip
ATTRIBUTES = {"split", "trace_id", "parent_id"}


def observed(path: str, names: dict[str, Any]) -> Any:
    """The value at a path like ``out['b3'].split('-')[0]``; nothing but such paths is run."""
    tree = ast.parse(path, mode="eval")
    for node in ast.walk(tree):
        assert isinstance(node, NODES), path
        assert not isinstance(node, ast.Attribute) or node.attr in ATTRIBUTES, path
    known = {"int": int, "len": len, "str": str, "__builtins__": {}, **names}
    return eval(compile(tree, path, "eval"), known)
