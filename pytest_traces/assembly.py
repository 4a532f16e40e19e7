"""From a heap of SpanData to a Forest: who is whose parent, duplicates, cycles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

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
    cut at its earliest member. None of this depends on the order in which spans arrive.
    """
    nodes, namesakes = _without_repetitions(recorded)
    parents = [_parent_of(index, nodes, namesakes) for index in range(len(nodes))]
    findings = [
        Finding("duplicate", tuple(nodes[index] for index in same_id))
        for same_id in namesakes.values()
        if len(same_id) > 1 and not _is_shared(same_id, nodes)
    ]
    for cycle in _cycles(parents):
        start = cycle.index(min(cycle, key=lambda index: (nodes[index].start_ns, index)))
        parents[cycle[start]] = None
        members = cycle[start:] + cycle[:start]
        findings.append(Finding("cycle", tuple(nodes[index] for index in members)))
    findings += [
        Finding("negative", (data,))
        for data in nodes
        if data.end_ns is not None and data.end_ns < data.start_ns
    ]
    findings.sort(key=lambda finding: finding.spans[0].start_ns)
    return Forest(nodes, parents, findings, outside)


def _without_repetitions(
    recorded: Iterable[SpanData],
) -> tuple[list[SpanData], dict[_SpanKey, list[int]]]:
    """The spans in order of recording, and for each id the places of those that have it."""
    told: dict[_SpanKey, list[tuple[int, SpanData]]] = {}
    for order, data in enumerate(recorded):
        told.setdefault((data.trace_id, data.span_id), []).append((order, data))
    kept: list[tuple[int, SpanData]] = []
    for tellings in told.values():
        kept += tellings if len(tellings) == 1 else _tell_apart(tellings)
    kept.sort(key=lambda item: item[0])
    nodes = [data for _, data in kept]
    namesakes: dict[_SpanKey, list[int]] = {}
    for index, data in enumerate(nodes):
        namesakes.setdefault((data.trace_id, data.span_id), []).append(index)
    for same_id in namesakes.values():
        if len(same_id) > 1:
            same_id.sort(key=lambda index: _identity(nodes[index]))
    return nodes, namesakes


def _identity(data: SpanData) -> tuple[int, str, str, str]:
    """Agrees when a span is sent again."""
    return data.start_ns, data.name, data.kind, data.service or ""


def _tell_apart(tellings: Sequence[tuple[int, SpanData]]) -> list[tuple[int, SpanData]]:
    """The spans behind several tellings of one id, each with the order of its first telling."""
    sent_again: dict[tuple[int, str, str, str], list[tuple[int, SpanData]]] = {}
    for telling in tellings:
        sent_again.setdefault(_identity(telling[1]), []).append(telling)
    spans: list[list[tuple[int, SpanData]]] = []
    for _, same in sorted(sent_again.items()):
        other = next((span for span in spans if _may_be_one(span, same)), None)
        if other is None:
            spans.append(same)
        else:
            other += same
    return [(min(order for order, _ in span), _merge(span)) for span in spans]


def _may_be_one(one: Sequence[tuple[int, SpanData]], other: Sequence[tuple[int, SpanData]]) -> bool:
    """Whether both come from different sources; client and server stay two even then."""
    if {data.source for _, data in one} & {data.source for _, data in other}:
        return False
    kinds, others = {data.kind for _, data in one}, {data.kind for _, data in other}
    return not (
        ("client" in kinds and "server" in others) or ("server" in kinds and "client" in others)
    )


def _merge(tellings: Sequence[tuple[int, SpanData]]) -> SpanData:
    """One span told several times: the telling that knows most leads, the others fill gaps.

    Whether it is kept is for the telling to say that knows who decided on it.
    """
    ordered = sorted(tellings, key=lambda telling: _ignorance(telling[1]))
    span = ordered[0][1]
    known = [(one, one.sampler) for _, one in ordered if one.sampler is not None]
    decided = next((one for one, by in known if not by.yields), known[0][0] if known else span)
    span = span._replace(sampled=decided.sampled, sampler=decided.sampler)
    for _, other in ordered[1:]:
        span = span._replace(
            attributes=MappingProxyType({**other.attributes, **span.attributes}),
            kind=other.kind if span.kind == "internal" else span.kind,
            status=other.status if span.status == "unset" else span.status,
            status_description=span.status_description or other.status_description,
            events=max(span.events, other.events, key=len),
            links=max(span.links, other.links, key=len),
            service=span.service or other.service,
            resource=MappingProxyType({**other.resource, **span.resource}),
            scope=span.scope or other.scope,
            parent_id=span.parent_id or other.parent_id,
            remote_parent=span.remote_parent or other.remote_parent,
            thread=span.thread or other.thread,
        )
    return span


def _ignorance(data: SpanData) -> tuple[bool, int, int, str]:
    """Least for the telling that knows the (latest) end, then for the one with most attributes."""
    return data.end_ns is None, -(data.end_ns or 0), -len(data.attributes), data.source


def _is_shared(same_id: Sequence[int], nodes: Sequence[SpanData]) -> bool:
    """Whether these spans of one id are a client and the server it called."""
    return sorted(nodes[index].kind for index in same_id) == ["client", "server"]


def _client_of(index: int, same_id: Sequence[int], nodes: Sequence[SpanData]) -> int | None:
    """The one client that shares its id with this server."""
    if len(same_id) == 1 or nodes[index].kind != "server":
        return None
    clients = [other for other in same_id if nodes[other].kind == "client"]
    return clients[0] if len(clients) == 1 else None


def _parent_of(
    index: int, nodes: Sequence[SpanData], namesakes: Mapping[_SpanKey, Sequence[int]]
) -> int | None:
    data = nodes[index]
    client = _client_of(index, namesakes[data.trace_id, data.span_id], nodes)
    if client is not None or data.parent_id is None:
        return client
    candidates = namesakes.get((data.trace_id, data.parent_id), ())
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    return _nearest(data, candidates, nodes)


def _nearest(data: SpanData, candidates: Sequence[int], nodes: Sequence[SpanData]) -> int:
    """The parent among several spans of one id: of the same service, else the server.

    Where all services are known and none agrees it is the client, as in Zipkin: the child
    belongs to another server, which did not report.
    """
    services = [nodes[candidate].service for candidate in candidates]
    same = [
        candidate
        for candidate, service in zip(candidates, services, strict=True)
        if service is not None and service == data.service
    ]
    known = data.service is not None and None not in services
    kind = "server" if same or not known else "client"
    pool = same or candidates
    return next((candidate for candidate in pool if nodes[candidate].kind == kind), pool[0])


def _cycles(parents: Sequence[int | None]) -> list[list[int]]:
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


def _members(start: int, parents: Sequence[int | None]) -> list[int]:
    members, node = [start], parents[start]
    while node is not None and node != start:
        members.append(node)
        node = parents[node]
    return members
