"""Headers that a specification, a reference or a peer judged, with the judgement that it gave."""

import json
import os
import re
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
from pytest_traces.propagation.carriers import Header
from pytest_traces.propagation.formats.datadog import priority_of
from pytest_traces.propagation.formats.datadog_member import (
    DatadogMember,
    read_member,
    write_member,
)
from pytest_traces.propagation.formats.tracestate import read_tracestate, write_tracestate

ASKED = os.environ.get("PYTEST_TRACES_ORACLES")
FOLDER = Path(ASKED) if ASKED else Path(__file__).parents[3] / "shared" / "oracles"
Case = dict[str, Any]

DOCUMENT = Path(__file__).parents[2] / "docs" / "propagation.md"

#: Cases decided otherwise, by the row of docs/propagation.md that says why.
OTHERWISE = {
    "traceparent-051": "trailing dash",
    "tracestate-043": "Level 1",
    "tracestate-050": "Level 1",
    "b3-161": "64 bits",
    "b3-171": "no sampling state",
    "b3-181": "single and several",
    "b3-217": "single and several",
    "datadog-028": "fifth field",
    "jaeger-039": "leading zero",
    "xray-009": "no sampling state",
    "baggage-113": "encoded key",
    "baggage-114": "one broken member",
    "baggage-122": "encoded key",
    "baggage-128": "encoded key",
    "baggage-137": "4096 bytes",
    "baggage-140": "plus",
    "baggage-141": "plus",
}
#: What is asserted of a library's span or of its settings; no header says it.
INEXPRESSIBLE = {
    "b3-163": "no context",
    "b3-193": "no context",
    "jaeger-052": "no context",
    "datadog-053": "setting",
    "datadog-054": "setting",
}
STYLES = {one: one for one in ("b3", "b3multi", "datadog", "tracecontext")}


def cases(*files: str) -> list[Any]:
    """A parameter for each case; where the folder is absent, one that is skipped."""
    if not ASKED and not FOLDER.is_dir():
        return [pytest.param({}, marks=pytest.mark.skip(f"no oracles at {FOLDER}"))]
    return [
        pytest.param(case, id=case["id"])
        for file in files
        for case in json.loads((FOLDER / "headers" / file).read_text(encoding="utf-8"))["cases"]
    ]


ALL = cases(
    "traceparent_cases.json",
    "tracestate_cases.json",
    "baggage_cases.json",
    "b3_cases.json",
    "jaeger_cases.json",
    "xray_cases.json",
    "gcp_cases.json",
    "sentry_cases.json",
    "ottrace_cases.json",
    "datadog_cases.json",
)


@pytest.mark.parametrize("case", ALL)
def test_each_case_is_decided_as_its_authority_says(case: Case) -> None:
    """Those listed are decided otherwise indeed, so that the list cannot grow stale."""
    if case["id"] in INEXPRESSIBLE:
        pytest.skip(INEXPRESSIBLE[case["id"]])
    decided, expected = JUDGES[case["expect"]["outcome"]](case)
    if case["id"] in OTHERWISE:
        assert decided != expected
    else:
        assert decided == expected


def test_the_choices_are_documented() -> None:
    """Each case that is decided otherwise stands in the row of its choice, and no other does."""
    if not DOCUMENT.exists():
        pytest.skip("the documentation is not in the source distribution")
    rows = [line for line in DOCUMENT.read_text(encoding="utf-8").splitlines() if line[:1] == "|"]
    for case, choice in {**OTHERWISE, **INEXPRESSIBLE}.items():
        (row,) = [line for line in rows if case in line]
        assert choice in row, case
    listed = {word for line in rows for word in re.findall(r"[a-z0-9]+-\d{3}", line)}
    assert listed == {*OTHERWISE, *INEXPRESSIBLE, "ddsys-037", "ddsys-039"}


def format_of(case: Case) -> str:
    """The format of a case; a B3 receiver reads the single header where there is one."""
    names = {name.lower() for name, _ in case["headers"]}
    if case["format"] == "b3":
        return "b3" if "b3" in names else "b3multi"
    return {"w3c": "tracecontext", "tracestate": "tracecontext"}.get(case["format"], case["format"])


def received(headers: list[list[str]], format: str) -> SpanContext | None:  # noqa: A002
    try:
        return extract([tuple(pair) for pair in headers], format)
    except InvalidContext:
        return None


def judge_context(case: Case) -> tuple[Any, Any]:
    """Whether the trace goes on, and with which ids and decisions."""
    expect = case["expect"]
    if case["format"] == "datadog-multi":
        return judge_styles(case)
    context = received(case["headers"], format_of(case))
    if context is None:
        return None, None if expect["outcome"] == "new_trace" else expect
    if expect["outcome"] == "new_trace":
        return context, None
    wanted = {
        "trace_id": expect["trace_id"],
        "span_id": expect["span_id"],
        **{key: expect[key] for key in ("sampled", "debug") if key in expect},
    }
    found = {key: getattr(context, key) for key in wanted}
    if expect.get("parent_span_id"):
        wanted["parent_id"], found["parent_id"] = expect["parent_span_id"], context.parent_id
    if case["format"] in ("w3c", "tracestate") and "flags" in expect:
        wanted["flags"], found["flags"] = expect["flags"], context.flags
    if isinstance(expect.get("sampling_priority"), int):
        wanted["priority"] = expect["sampling_priority"]
        found["priority"] = read_member(dict(context.tracestate)["dd"]).priority
    if "baggage" in expect:
        wanted["baggage"] = expect["baggage"]
        found["baggage"] = dict(extract_baggage(case["headers"], case["format"]))
    state = expect.get("tracestate")
    if isinstance(state, list):
        wanted["tracestate"] = tuple(tuple(pair) for pair in state)
        found["tracestate"] = context.tracestate
    elif state is not None:
        wanted["tracestate"], found["tracestate"] = True, holds(context, state)
    return found, wanted


def holds(context: SpanContext, state: dict[str, Any]) -> bool:
    members, keys = list(context.tracestate), [key for key, _ in context.tracestate]
    checks = {
        "contains": lambda wanted: all(tuple(pair) in members for pair in wanted),
        "lacks": lambda wanted: not set(keys) & set(wanted),
        "count": lambda wanted: len(members) in (wanted if isinstance(wanted, list) else [wanted]),
        "empty": lambda wanted: wanted is (not members),
        "whole_tracestate_discarded": lambda wanted: wanted is (not members),
        "any_of": lambda wanted: any(
            all(tuple(pair) in members for pair in (one if isinstance(one[0], list) else [one]))
            for one in wanted
        ),
        "in_order": lambda wanted: (
            [pair for pair in members if list(pair) in wanted] == [tuple(pair) for pair in wanted]
        ),
    }
    return all(checks[key](wanted) for key, wanted in state.items())


def judge_styles(case: Case) -> tuple[Any, Any]:
    """The first style that continues a trace; its span is that of traceparent, if that is there too."""
    expect = case["expect"]
    styles = [STYLES[one] for one in case["styles_extract"] if one in STYLES]
    found = {one: received(case["headers"], one) for one in styles}
    context = next((one for one in found.values() if one is not None), None)
    if context is None or expect["outcome"] == "new_trace":
        return context, None if expect["outcome"] == "new_trace" else expect
    same = found.get("tracecontext")
    span_id = same.span_id if same and same.trace_id == context.trace_id else context.span_id
    wanted = {key: expect[key] for key in ("trace_id", "span_id", "origin", "sampling_priority")}
    return {
        "trace_id": context.trace_id,
        "span_id": span_id,
        "origin": dict(context.extra).get("origin"),
        "sampling_priority": priority_of(context),
    }, wanted


def judge_tracestate(case: Case) -> tuple[Any, Any]:
    """A list alone: refused as a whole, or accepted with its members."""
    expect = case["expect"]
    members, problems = read_tracestate([Header(*pair) for pair in case["headers"]])
    if expect["outcome"] == "tracestate_rejected":
        return (members, bool(problems)), ((), True)
    wanted = tuple(tuple(pair) for pair in expect["tracestate"])
    return (members, problems, write_tracestate(members)), (wanted, (), expect["serialised"])


def judge_dd_member(case: Case) -> tuple[Any, Any]:
    """The member of Datadog in ``tracestate``."""
    members, _ = read_tracestate([Header(*pair) for pair in case["headers"]])
    try:
        member = read_member(dict(members)["dd"])
    except ValueError:
        return "ValueError", case["expect"]["exception"]
    parsed = [member.priority, dict(member.tags), member.origin, member.parent]
    return parsed, case["expect"]["parsed"]


def judge_baggage(case: Case) -> tuple[Any, Any]:
    """The members, and whether an error is reported; where a peer keeps one of a key, the last."""
    expect = case["expect"]
    found = extract_baggage([tuple(pair) for pair in case["headers"]])
    members = found.members
    if "spec" not in case["authority"]:
        members = tuple({member.key: member for member in members}.values())
    entries = expect["entries"]
    decided: list[Any] = []
    for member in members:
        entry: dict[str, Any] = {"key": member.key, "value": member.value}
        if any("properties" in one for one in entries):
            entry["properties"] = [list(pair) for pair in member.properties]
        decided.append(entry)
    for entry, wanted, member in zip(decided, entries, members, strict=False):
        if "metadata" in wanted:
            entry["metadata"] = ";".join(
                key if value is None else f"{key}={value}" for key, value in member.properties
            )
    if "canonical_serialisation" in expect:
        wanted_text = expect["canonical_serialisation"]
        return (decided, inject_baggage(found)), (entries, {"baggage": wanted_text})
    if expect["outcome"] == "baggage_error_reported":
        return (decided, bool(found.problems)), (entries, True)
    return decided, entries


def judge_inject(case: Case) -> tuple[Any, Any]:
    """The headers that the ids are rendered to."""
    wanted = {name.lower(): value for name, value in case["headers"]}
    given = case.get("context")
    if given is not None and case["format"] == "datadog-multi":
        return judge_written_styles(case, wanted)
    if given is not None:
        try:
            return inject_baggage(given["baggage"]), wanted
        except ValueError as error:
            return str(error), wanted
    expect = case["expect"]
    parts = wanted.get("uber-trace-id", ":::0").split(":")
    context = SpanContext(
        expect["trace_id"].rjust(32, "0"),
        expect["span_id"],
        sampled=expect["sampled"],
        flags=expect.get("flags"),
        debug=expect.get("debug", bool(int(parts[3], 16) & 2)),
        parent_id=expect.get("parent_span_id") or (parts[2] if len(parts[2]) == 16 else None),
        tracestate=tuple(tuple(pair) for pair in expect.get("tracestate") or ()),
    )
    formats = ["b3", "b3multi"] if expect.get("encoding") == "both" else [format_of(case)]
    written: dict[str, str] = {}
    for one in formats:
        written |= {name.lower(): value for name, value in inject(context, one).items()}
    written |= inject_baggage(extract_baggage(wanted, "jaeger"), "jaeger")
    return written, wanted


def judge_written_styles(case: Case, wanted: dict[str, str]) -> tuple[Any, Any]:
    """What dd-trace-py writes: each style's headers, with its member in ``tracestate``."""
    given = case["context"]
    styles = case["styles_inject"] or ["datadog", "tracecontext"]
    written: dict[str, str] = {}
    if given["trace_id_hex"] is not None:
        priority = given.get("sampling_priority")
        extra = [("origin", given["dd_origin"])] if given.get("dd_origin") else []
        extra += [("sampling_priority", str(priority))] if priority not in (None, 0, 1) else []
        context = SpanContext(
            given["trace_id_hex"],
            given["span_id_hex"],
            sampled=None if priority is None else priority > 0,
            debug=priority == 2,
            extra=tuple(extra),
            format="datadog",
            tracestate=(("dd", write_member(DatadogMember(priority, given.get("dd_origin")))),),
        )
        for style in styles:
            if style in STYLES:
                written |= inject(context, STYLES[style])
    if "baggage" in styles:
        written |= inject_baggage(given.get("baggage", {}))
    return written, wanted


JUDGES = {
    "continue": judge_context,
    "new_trace": judge_context,
    "partial": judge_context,
    "tracestate_rejected": judge_tracestate,
    "tracestate_accepted": judge_tracestate,
    "dd_member": judge_dd_member,
    "baggage": judge_baggage,
    "baggage_error_reported": judge_baggage,
    "inject": judge_inject,
    "inject_nothing": judge_inject,
}
