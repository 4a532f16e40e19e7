"""A budget that is exceeded, in words: by how much, and what it was spent on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from pytest_traces.forest import Forest
from pytest_traces.report.explain import Message, finding_lines
from pytest_traces.report.rows import tree_lines
from pytest_traces.report.words import joined, path_of, plural, quoted
from pytest_traces.timing.budget import Extent, Weight

_TREE = 20
_NAMES = 5
_ATTRIBUTES = 3
_MANY = 3


def budget_message(extent: Extent, limits: Mapping[str, int], forest: Forest) -> Message:
    """The failure: what is exceeded, the tree, where it is deepest and widest."""
    exceeded: list[str] = []
    over: list[str] = []
    facts: list[str] = []
    for name, limit in limits.items():
        actual = int(getattr(extent, name))
        if actual <= limit:
            continue
        exceeded.append(name)
        counted = {
            "spans": plural(actual, "span"),
            "depth": plural(actual, "level"),
            "fanout": f"{plural(actual, 'child').replace('childs', 'children')} of one span",
        }[name]
        over.append(f"{counted} (allowed {limit:,})")
        facts.append(_fact(name, extent, actual - limit))
    message = Message(f"over budget: {joined(over)}")
    message.tree = tree_lines(forest, limit=_TREE)
    message.facts = facts + finding_lines(forest.findings)
    name, count = extent.names[0]
    is_wide = any(name != "depth" for name in exceeded)
    if is_wide and count >= _MANY and 2 * count > extent.spans:
        message.hint = (
            f"{count:,} of {plural(extent.spans, 'span')} are {quoted(name)}: "
            "assert_no_n_plus_one() says whether they repeat for nothing"
        )
    return message


def _fact(name: str, extent: Extent, excess: int) -> str:
    if name == "depth":
        return f"  {excess:,} too deep: {path_of(extent.deepest)}"
    if name == "fanout":
        children = Counter(child.name for child in extent.widest.children).most_common()
        return f"  {excess:,} too wide: {path_of(extent.widest)}, with {_counts(children)}"
    return f"  {excess:,} too many: {_counts(extent.names)}"


def _counts(names: Sequence[tuple[str, int]]) -> str:
    """``8 × 'SELECT items', 1 × 'GET'``."""
    shown = [f"{count:,} × {quoted(name)}" for name, count in names[:_NAMES]]
    rest = sum(count for _, count in names[_NAMES:])
    return ", ".join(shown) + (f" and {rest:,} of other names" if rest else "")


def volume_message(weight: Weight, limits: Mapping[str, int], forest: Forest) -> Message:
    """The failure: which spans weigh most, and which attributes."""
    over = []
    for name, limit in limits.items():
        actual = int(getattr(weight, name))
        if actual > limit:
            over.append(f"{plural(actual, name[:-1])} (allowed {limit:,})")
    message = Message(f"too much to store: {joined(over)}")
    message.tree = tree_lines(forest, limit=_TREE)
    lines = [(size, f"{count:,} × {quoted(name)}") for name, size, count in weight.names]
    message.facts = ["  bytes as OTLP, by name:", *_shares(lines, _NAMES, weight.bytes)]
    message.facts += [
        f"  {weight.shared:>9,}  {_share(weight.shared, weight.bytes)}  resources and scopes"
    ]
    heavy = [
        (size, f"{quoted(name)} of {plural(count, 'span')}")
        for name, size, count in weight.attributes
    ]
    if heavy:
        message.facts += ["", "  the largest attributes:"]
        message.facts += _shares(heavy, _ATTRIBUTES, weight.bytes)
        name, size, _ = weight.attributes[0]
        if 4 * size > weight.bytes:
            message.hint = (
                f"without the attribute {quoted(name)} it would be {weight.bytes - size:,} bytes"
            )
    return message


def _shares(lines: Sequence[tuple[int, str]], limit: int, whole: int) -> list[str]:
    found = [f"  {size:>9,}  {_share(size, whole)}  {text}" for size, text in lines[:limit]]
    rest = sum(size for size, _ in lines[limit:])
    if rest:
        found.append(f"  {rest:>9,}  {_share(rest, whole)}  {len(lines) - limit:,} others")
    return found


def _share(size: int, whole: int) -> str:
    return f"{100 * size // max(whole, 1):>3} %"
