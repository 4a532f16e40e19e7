"""What a backend says where it gives a trace only in part."""

from __future__ import annotations

from pytest_traces.encoding.json_node import Node
from pytest_traces.encoding.malformed import Malformed

_SAID = 200


def said(text: object) -> str:
    """What a backend says, on one line and cut where it is long."""
    return " ".join(text.split())[:_SAID] if isinstance(text, str) else ""


def note_part(node: Node, text: object, parts: list[str] | None) -> None:
    """A part is no trace on which anybody can assert that something is absent.

    Args:
        node: where it says so.
        text: what it says.
        parts: gets it; None where nobody asks for the rest.

    Raises:
        Malformed: nobody does.
    """
    told = f"the backend gives only a part: {said(text) or 'it does not say why'}"
    if parts is None:
        raise Malformed(node.where, told)
    parts.append(told)
