"""Cases that others wrote, with the answers that they give."""

from collections.abc import Callable
from typing import Any

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.timing.critical_path import follow
from pytest_traces.timing.overlap import peak
from pytest_traces.timing.parallelism import parallelism
from pytest_traces.timing.skew import align, host_offsets
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits, roots_of

Oracle = Callable[[str], Any]

#: Cases of peers that the rules of this project decide otherwise.
OVERRULED = {
    "crisp-7": "a child that outlives the root is clipped to it there; here only a span that was "
    "still open when another one ended can have waited for it",
    "crisp-19": "spans that overlap by 5 count as one after another, and the overlap counts twice; "
    "here an overlap is one, and each instant has one owner",
    "crisp-21": "as crisp-19",
}


def waits_of(data):
    forest = assemble(data)
    timeline = Timeline(forest.spans)
    return Waits(roots_of(forest.spans, timeline)[0], timeline)


def sections(waits, *args):
    return [
        [one[0], one[1], one.span and one.span.span_id] for one in follow(waits, *args).segments
    ]


def test_cases_of_a_brute_force_oracle(oracle: Oracle) -> None:
    """Self time, both critical paths, parallelism, groups, flags, alignment."""
    for case in oracle("critical_path/cases.json")["cases"]:
        data = [
            SpanData(
                one["name"], "1", one["id"], one["parent"], one["start"], one["end"],
                kind=one.get("kind", "internal").lower(),
                resource={"host.name": one["host"]} if "host" in one else {},
            )
            for one in case["spans"]
        ]  # fmt: skip
        waits, want, eps = waits_of(data), case["expected"], case.get("eps", 0)
        spans = {span.span_id: span for span in assemble(data).spans}
        assert {key: span.self_time_ns for key, span in spans.items()} == want["self_time"]
        assert sections(waits, "root", eps) == want["critical_path"], case["name"]
        assert sections(waits, "last", eps) == want["critical_path_until_last"], case["name"]
        found = parallelism(waits)
        assert (found.window_ns, found.work_ns, found.peak) == tuple(want["parallelism"].values())
        for name, group in want.get("groups", {}).items():
            intervals = [(one.start_ns, one.end_ns) for one in data if one.name == name]
            assert peak(intervals) == group["peak"], case["name"]
        flags = [["inverted", one.spans[0].span_id] for one in assemble(data).findings]
        assert flags == want.get("flags", []), case["name"]
        if "aligned" in want:
            aligned = align(waits)
            moved = {one.span_id: list(aligned.interval(one)) for one in waits.spans}
            assert moved == want["aligned"], case["name"]
            offsets = {f"{one}->{other}": by for (one, other), by in host_offsets(waits).items()}
            assert offsets == want["host_offsets"], case["name"]


def jaeger_data(one, parent, name):
    tags = {tag["key"]: tag["value"] for tag in one.get("tags") or []}
    return SpanData(
        name, "1", one["spanID"], parent, one["startTime"], one["startTime"] + one["duration"],
        kind=tags.get("span.kind", "internal"),
    )  # fmt: skip


def test_cases_of_jaeger_ui(oracle: Oracle) -> None:
    """The same sections, the last one first."""
    for case in oracle("critical_path/jaeger_ui_critical_path.json")["cases"]:
        data = []
        for one in case["trace_jaeger_json"]["spans"]:
            parent = next((ref["spanID"] for ref in one["references"]), None)
            data.append(jaeger_data(one, parent, one["operationName"]))
        wanted = [list(section.values()) for section in case["expected_sections"]]
        found = [[key, start, end] for start, end, key in reversed(sections(waits_of(data)))]
        assert found == wanted, case["id"]


def test_cases_of_crisp(oracle: Oracle) -> None:
    """The same time on the path for each operation."""
    overruled = set()
    for case in oracle("critical_path/crisp_critical_path.json")["cases"]:
        data = []
        for trace in case["jaeger_data"]:
            for one in trace["spans"]:
                service = trace["processes"][one["processID"]]["serviceName"]
                parent = next((ref["spanID"] for ref in one["references"]), None)
                data.append(jaeger_data(one, parent, f"[{service}] {one['operationName']}"))
        expected = case["expected"]
        expected = expected[0] if isinstance(expected, list) else expected["opTimeExclusive"]
        found = dict.fromkeys(expected, 0)
        for start, end, span in follow(waits_of(data)).segments:
            found[span.name] += end - start
        if case["id"] in OVERRULED:
            overruled.add(case["id"])
            assert found != expected, case["id"]
        else:
            assert found == expected, case["id"]
    assert overruled == set(OVERRULED)
