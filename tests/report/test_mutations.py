"""One thing is broken at a time, at each span in turn: the verdict names that span and no other."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_traces import Pattern, record, span

Spans = dict[str, dict[str, Any]]

CHECKOUT = {
    "POST /checkout": None,
    "SELECT orders": "POST /checkout",
    "POST": "POST /checkout",
    "POST /charge": "POST",
    "INSERT charges": "POST /charge",
    "orders publish": "POST /checkout",
    "orders process": "orders publish",
    "UPDATE orders": "orders process",
    "send mail": "orders process",
}
EPOCH_MS = 1_700_000_000_000


def healthy() -> Spans:
    return {
        name: {
            "trace_id": 1,
            "span_id": number,
            "parent_id": list(CHECKOUT).index(parent) + 1 if parent else None,
            "name": name,
            "start": EPOCH_MS + number,
            "end": EPOCH_MS + number + 1,
            "attributes": {"who": name},
        }
        for number, (name, parent) in enumerate(CHECKOUT.items(), 1)
    }


def expected() -> Pattern:
    def build(name: str) -> Pattern:
        below = [build(child) for child, parent in CHECKOUT.items() if parent == name]
        return span(name, *below, kind="internal", attributes={"who": name})

    return build("POST /checkout")


def drop_with_orphans(spans: Spans, name: str) -> None:
    del spans[name]


def drop_and_reattach(spans: Spans, name: str) -> None:
    gone = spans.pop(name)
    for one in spans.values():
        if one["parent_id"] == gone["span_id"]:
            one["parent_id"] = gone["parent_id"]


def make_root(spans: Spans, name: str) -> None:
    if spans[name]["parent_id"] is None:
        pytest.skip("it is a root already")
    spans[name]["parent_id"] = None


def move(spans: Spans, name: str) -> None:
    """To a parent that is neither its own nor below it."""
    below = set(subtree(name))
    for other, one in spans.items():
        if other not in below and one["span_id"] != spans[name]["parent_id"]:
            spans[name]["parent_id"] = one["span_id"]
            return
    pytest.skip("there is nowhere to move it")


def subtree(name: str) -> Iterator[str]:
    yield name
    for child, parent in CHECKOUT.items():
        if parent == name:
            yield from subtree(child)


def rename(spans: Spans, name: str) -> None:
    spans[name]["name"] = f"{name}!"


def duplicate(spans: Spans, name: str) -> None:
    again = {**spans[name], "span_id": 100, "start": spans[name]["start"] + 1}
    spans[f"{name} again"] = again


def leave_open(spans: Spans, name: str) -> None:
    spans[name]["end"] = None


def change_kind(spans: Spans, name: str) -> None:
    spans[name]["kind"] = "client"


def lose_attribute(spans: Spans, name: str) -> None:
    spans[name]["attributes"] = {}


FAULTS = (
    drop_with_orphans,
    drop_and_reattach,
    make_root,
    move,
    rename,
    duplicate,
    leave_open,
    change_kind,
    lose_attribute,
)


def accused(verdict: str) -> set[str]:
    """The names that the verdict gives before it comes to places and consequences."""
    head = verdict
    for word in (
        " never ended",
        " below ",
        "; its ",
        ": its ",
        ": it ",
        " where ",
        " instead",
        " stands ",
    ):
        head = head.split(word)[0]
    head = head.split("': ")[0]
    last = head.strip("'").split(" > ")[-1]
    return {name for name in CHECKOUT if f"'{name}'" in head or f"'{name}!'" in head} | (
        {last.removesuffix("!")} & set(CHECKOUT)
    )


@pytest.mark.parametrize("name", CHECKOUT)
@pytest.mark.parametrize("break_it", FAULTS)
def test_the_verdict_names_the_guilty_span(
    break_it: Callable[[Spans, str], None], name: str
) -> None:
    """Exactly one difference is found, and it is the one that was made."""
    spans = healthy()
    break_it(spans, name)
    with record(timeout="0s", sources=["handwritten"]) as act:
        for one in spans.values():
            act.add(one)

        with pytest.raises(AssertionError) as caught:
            act.assert_tree(expected())

    verdict = str(caught.value).splitlines()[0]
    assert "differs from the expected tree" not in verdict
    assert accused(verdict) == {name}, verdict


def test_the_healthy_trace_passes() -> None:
    """What is broken above holds when nothing is broken."""
    with record(timeout="0s", sources=["handwritten"]) as act:
        for one in healthy().values():
            act.add(one)

        act.assert_tree(expected())
