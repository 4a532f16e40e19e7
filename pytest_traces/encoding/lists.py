"""Arrays at the top of a document, and values that stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed

#: So many arrays and objects within each other, as in OTLP.
_DEEPEST = 48


def elements(root: Node) -> Iterator[Node]:
    """The elements of an array; anything else by itself."""
    if not isinstance(root.value, list):
        yield root
        return
    for number, value in enumerate(root.value):
        yield Node(value, root, f"[{number}]")


def flattened(root: Node) -> Iterator[tuple[int, Node]]:
    """The elements of an array and of those in it, each with the number of the inner one.

    Those that stand in none are together, as number 0.
    """
    for number, one in enumerate(elements(root), 1):
        if isinstance(one.value, list):
            yield from ((number, inner) for inner in elements(one))
        else:
            yield 0, one


def first_object(root: Node) -> Node | None:
    """The first object in arrays of arrays, or the one that this is; None if there is none."""
    for node in elements(root):
        for inner in elements(node):
            if isinstance(inner.value, Mapping):
                return inner
    return None


def values_of(node: Node, name: str) -> dict[str, object]:
    """The values of a field that is an object; empty where it is absent.

    Raises:
        Malformed: it is something else, or a value is nested too deeply.
    """
    field = node.field(name)
    return {} if field is None else {key: plain(one) for key, one in field.items()}


def plain(node: Node) -> object:
    """A value of JSON as an attribute has it.

    Raises:
        Malformed: it is nested too deeply.
    """
    return _plain(node.value, node, 0)


def _plain(value: object, node: Node, depth: int) -> object:
    if not isinstance(value, list | dict):
        return value
    if depth > _DEEPEST:
        raise Malformed(node.where, "its value is nested too deeply")
    if isinstance(value, list):
        return tuple(_plain(one, node, depth + 1) for one in value)
    return {key: _plain(one, node, depth + 1) for key, one in value.items()}
