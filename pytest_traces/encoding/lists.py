"""Arrays at the top of a document, and values that stay as they are."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_traces.encoding.json_node import Node


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


def values_of(node: Node, name: str) -> dict[str, object]:
    """The values of a field that is an object; empty where it is absent.

    Raises:
        Malformed: it is something else.
    """
    field = node.field(name)
    return {} if field is None else {key: plain(one.value) for key, one in field.items()}


def plain(value: object) -> object:
    """A value of JSON as an attribute has it."""
    return tuple(plain(one) for one in value) if isinstance(value, list) else value
