"""From a heap of SpanData to a Forest: who is whose parent, duplicates, cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pytest_traces.forest import NO_NAMES, Finding, Forest
from pytest_traces.model import SpanData

_SpanKey = tuple[str, str]


def assemble(
    recorded: Iterable[SpanData], outside: Mapping[tuple[str, str], str] = NO_NAMES
) -> Forest:
    """Build the forest of these spans, given in order of recording.

    A span id that occurs twice in a trace is one span when the sources differ or when name,
    kind, service and start agree (it was sent again). A client and a server that share an id
    (Zipkin: https://github.com/openzipkin/b3-propagation#why-share-span-ids) become parent
    and child. Any other repetition is kept and reported as a finding. A cycle of parents is
    cut at its earliest member.
    """
    nodes, twins, findings = _without_duplicates(recorded)
    parents = [_parent_of(index, nodes, twins) for index in range(len(nodes))]
    for cycle in _cycles(parents):
        first = min(cycle, key=lambda index: (nodes[index].start_ns, index))
        parents[first] = None
        findings.append(Finding("cycle", tuple(nodes[index] for index in cycle)))
    findings += [
        Finding("negative", (data,))
        for data in nodes
        if data.end_ns is not None and data.end_ns < data.start_ns
    ]
    return Forest(nodes, parents, findings, outside)


def _without_duplicates(
    recorded: Iterable[SpanData],
) -> tuple[list[SpanData], dict[_SpanKey, list[int]], list[Finding]]:
    nodes: list[SpanData] = []
    twins: dict[_SpanKey, list[int]] = {}
    for data in recorded:
        same_id = twins.setdefault((data.trace_id, data.span_id), [])
        for index in same_id:
            if _is_one_span(nodes[index], data):
                nodes[index] = _merge(nodes[index], data)
                break
        else:
            same_id.append(len(nodes))
            nodes.append(data)
    findings = [
        Finding("duplicate", tuple(nodes[index] for index in same_id))
        for same_id in twins.values()
        if len(same_id) > 1 and _shared_pair(same_id, nodes) is None
    ]
    return nodes, twins, findings


def _is_one_span(kept: SpanData, again: SpanData) -> bool:
    if {kept.kind, again.kind} == {"client", "server"}:
        return False
    if kept.source != again.source:
        return True
    return (kept.name, kept.kind, kept.service, kept.start_ns) == (
        again.name,
        again.kind,
        again.service,
        again.start_ns,
    )


def _merge(first: SpanData, second: SpanData) -> SpanData:
    """One span told twice: the telling that knows its end leads, the other one fills gaps."""
    if first.end_ns is None and second.end_ns is not None:
        first, second = second, first
    return first._replace(
        attributes={**second.attributes, **first.attributes},
        status=second.status if first.status == "unset" else first.status,
        status_description=first.status_description or second.status_description,
        events=max(first.events, second.events, key=len),
        links=max(first.links, second.links, key=len),
        service=first.service or second.service,
        parent_id=first.parent_id or second.parent_id,
    )


def _shared_pair(same_id: list[int], nodes: list[SpanData]) -> tuple[int, int] | None:
    """The (client, server) pair among spans of one id, if that is what they are."""
    if len(same_id) != 2:
        return None
    first, second = same_id
    if (nodes[first].kind, nodes[second].kind) == ("client", "server"):
        return first, second
    if (nodes[first].kind, nodes[second].kind) == ("server", "client"):
        return second, first
    return None


def _parent_of(
    index: int, nodes: list[SpanData], twins: dict[_SpanKey, list[int]]
) -> int | None:
    data = nodes[index]
    pair = _shared_pair(twins[data.trace_id, data.span_id], nodes)
    if pair is not None and index == pair[1]:
        return pair[0]
    if data.parent_id is None:
        return None
    candidates = twins.get((data.trace_id, data.parent_id))
    if not candidates:
        return None
    if len(candidates) == 1:
        return candidates[0]
    for candidate in candidates:
        if data.service is not None and nodes[candidate].service == data.service:
            return candidate
    pair = _shared_pair(candidates, nodes)
    return candidates[0] if pair is None else pair[1]


def _cycles(parents: list[int | None]) -> list[list[int]]:
    """The cycles of a graph in which each node has at most one parent."""
    seen = [0] * len(parents)  # 0: not yet; otherwise the number of the walk that came by
    cycles = []
    for start in range(len(parents)):
        walk, node = start + 1, start
        while not seen[node]:
            seen[node] = walk
            parent = parents[node]
            if parent is None:
                break
            node = parent
        else:
            if seen[node] == walk:
                cycles.append(_members(node, parents))
    return cycles


def _members(start: int, parents: list[int | None]) -> list[int]:
    members, node = [start], parents[start]
    while node is not None and node != start:
        members.append(node)
        node = parents[node]
    return members
