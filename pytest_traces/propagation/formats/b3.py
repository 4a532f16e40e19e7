"""B3 in one header named ``b3`` (openzipkin/b3-propagation, README, "Single Header")."""

from __future__ import annotations

from dataclasses import replace

from pytest_traces.propagation.carriers import Header, Headers
from pytest_traces.propagation.context import InvalidContext, Problem, SpanContext
from pytest_traces.propagation.formats import b3multi
from pytest_traces.propagation.formats.format import Format, fault_of, parts_of

NAME = "b3"
#: Longer than any value of B3, with room for what a lenient receiver forgives.
LIMIT = b3multi.LIMIT

_SOURCE = "B3, Single Header"
_FIELDS = (
    "the header must be trace id, span id and, if wanted, sampling state and parent span id, "
    f"with hyphens ({_SOURCE})"
)
_STATE = f"the sampling state must be 1, 0 or d ({_SOURCE}, Sampling State)"
_WORD = f"the sampling state is written 1 or 0, true and false are forgiven ({_SOURCE})"
_STATES = {"1": True, "0": False, "d": True, "true": True, "false": False}

Part = tuple[str, tuple[int, int]]


def read(headers: Headers) -> SpanContext | None:
    """The context of ``b3``.

    Where it cannot be read and the ``X-B3-*`` headers beside it can, a receiver of B3 goes on
    with those: the single header only takes precedence (B3, Http Encodings). A carrier without
    a ``b3`` header has nothing of this format.

    Raises:
        InvalidContext: the header is there twice, breaks a rule, or is a sampling state alone.
    """
    header = headers.only(NAME, "b3", limit=LIMIT)
    if header is None:
        return None
    if header.text in ("0", "1", "d"):
        raise header.invalid(NAME, b3multi.ALONE)
    try:
        return _context(header)
    except InvalidContext as broken:
        instead = _instead(headers)
        if instead is None:
            raise
        return replace(instead, format=NAME, problems=(broken.as_problem(), *instead.problems))


def _instead(headers: Headers) -> SpanContext | None:
    try:
        return b3multi.read(headers)
    except InvalidContext:
        return None


def _context(header: Header) -> SpanContext:
    parts = parts_of(header.text, "-")
    if not 2 <= len(parts) <= 4:
        raise header.invalid(NAME, _FIELDS)
    problems: list[Problem] = []
    trace_id = _id(header, parts[0], "trace id", (16, 32))
    span_id = _id(header, parts[1], "span id", (16,))
    state, parent = _last(parts)
    sampled = None
    if state is not None:
        text, where = state
        if text not in _STATES:
            raise header.invalid(NAME, _STATE, where)
        sampled = _STATES[text]
        if len(text) > 1:
            problems.append(header.problem(_WORD, where))
    parent_id = None
    if parent is not None and parent[0] in b3multi.ZERO_PARENTS:
        problems.append(header.problem(b3multi.ZERO_PARENT, parent[1]))
    elif parent is not None:
        parent_id = _id(header, parent, "parent span id", (16,))
    return SpanContext(
        trace_id.rjust(32, "0"),
        span_id,
        sampled=sampled,
        debug=state is not None and state[0] == "d",
        parent_id=parent_id,
        format=NAME,
        problems=tuple(problems),
    )


def _last(parts: list[Part]) -> tuple[Part | None, Part | None]:
    """The sampling state and the parent id; each of them is optional."""
    if len(parts) == 3 and len(parts[2][0]) == 16:
        return None, parts[2]
    return (parts[2] if len(parts) > 2 else None), (parts[3] if len(parts) > 3 else None)


def _id(header: Header, part: Part, name: str, lengths: tuple[int, ...]) -> str:
    text, where = part
    fault = fault_of(text, lengths)
    if fault:
        raise header.invalid(NAME, f"the {name} {fault} ({_SOURCE})", where)
    return text


def write(context: SpanContext) -> dict[str, str]:
    """The header, without what is not known."""
    parts = [b3multi.short(context.trace_id), str(context.span_id)]
    if context.sampled is not None:
        parts.append("d" if context.debug else "1" if context.sampled else "0")
    if context.parent_id is not None:
        parts.append(context.parent_id)
    return {"b3": "-".join(parts)}


FORMAT = Format(NAME, ("b3",), (), read, write)
