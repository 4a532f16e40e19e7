"""One thing goes wrong at a time, at each span in turn: the verdict names that span and no other."""

from collections.abc import Callable
from typing import Any

import pytest

from pytest_traces import Traces, record
from pytest_traces.model import ErrorData
from pytest_traces.recording import journal

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

Fields = dict[str, Any]


def tell(act: Traces, name: str, fields: Fields) -> None:
    """Add all spans; that one with these fields."""
    for number, (one, parent) in enumerate(CHECKOUT.items(), 1):
        act.add(
            {
                "trace_id": 1,
                "span_id": number,
                "parent_id": list(CHECKOUT).index(parent) + 1 if parent else None,
                "name": one,
                "start": EPOCH_MS + number,
                "end": EPOCH_MS + number + 1,
                **(fields if one == name else {}),
            }
        )


def path_to(name: str) -> str:
    """The path of a span, in quotes."""
    names, one = [name], CHECKOUT[name]
    while one is not None:
        names.append(one)
        one = CHECKOUT[one]
    return "'" + " > ".join(reversed(names)) + "'"


EVENT = {"exception.type": "app.Declined", "exception.message": "no money"}
FAULTS: dict[str, Fields] = {
    "status": {"status": "error", "status_description": "Declined: no money"},
    "event": {"events": [{"name": "exception", "attributes": EVENT}]},
    "both": {"status": "error", "events": [{"name": "exception", "attributes": EVENT}]},
    "report": {},
    "message": {},
}


def report(act: Traces, name: str, fault: str) -> None:
    """What a source reports of the span."""
    span = act.get(name)
    kind = None if fault == "message" else "app.Declined"
    message = "Declined: no money" if fault == "message" else "no money"
    act._frame.recording.errors.append(
        ErrorData(
            next(journal.numbers), "sentry", kind, message, EPOCH_MS * 1_000_000,
            (span.trace_id, span.span_id),
        )
    )  # fmt: skip


@pytest.mark.parametrize("name", CHECKOUT)
@pytest.mark.parametrize("fault", FAULTS)
def test_the_verdict_names_the_span_that_went_wrong(fault: str, name: str) -> None:
    """One error is found, in the span that has it; the tree shows it there, below it or beside.

    A view that ignores the span ignores what is its own, and not what was reported of it.
    """
    with record(timeout="0s", sources=["handwritten", "sentry"]) as act:
        tell(act, name, FAULTS[fault])
        if not FAULTS[fault]:
            report(act, name, fault)

        with pytest.raises(AssertionError) as caught:
            act.assert_no_errors()

        lines = str(caught.value).splitlines()
        assert lines[0] == f"an error in {path_to(name)}: Declined: no money"
        place = next(n for n, line in enumerate(lines[2:], 2) if f" {name}  " in line)
        shown = lines[place] if fault == "status" else lines[place + 1]
        assert shown.endswith("Declined: no money")
        assert sum("Declined" in line for line in lines[1:]) == 1
        act.assert_no_errors(allow=name)
        if FAULTS[fault]:
            act.ignoring(name).assert_no_errors()
            return
        with pytest.raises(AssertionError) as caught:
            act.ignoring(name).assert_no_errors()
        above = CHECKOUT[name]
        where = "that is linked to no span" if above is None else f"in {path_to(above)}"
        lines = str(caught.value).splitlines()
        assert lines[0] == f"an error {where}: Declined: no money"
        assert lines[-1].endswith(f"span, '{name}', is ignored")


@pytest.mark.parametrize("name", CHECKOUT)
@pytest.mark.parametrize("kept", [True, False])
def test_the_verdict_names_the_span_that_was_dropped(kept: bool, name: str) -> None:
    """Or the only one that was kept."""
    with record(timeout="0s", sources=["handwritten"]) as act:
        for number, one in enumerate(CHECKOUT, 1):
            sampled = (one == name) is kept
            act.add(
                {"trace_id": number, "span_id": 1, "name": one, "sampled": sampled,
                 "start": EPOCH_MS + number, "end": EPOCH_MS + number + 1}
            )  # fmt: skip
        assertion: Callable[..., None] = act.assert_not_sampled if kept else act.assert_sampled

        with pytest.raises(AssertionError) as caught:
            assertion()
        verdict, _, rest = str(caught.value).partition("\n")
        assert verdict.startswith("1 of 9 spans that fit any span is ")
        marked = [line for line in rest.splitlines() if line.endswith("not sampled") != kept]
        assert [name] == [one for one in CHECKOUT if any(f" {one}  " in line for line in marked)]
        with pytest.raises(AssertionError, match=f"^'{name}' is "):
            assertion(name)


def test_the_healthy_trace_passes() -> None:
    """What goes wrong above holds when nothing does."""
    with record(timeout="0s", sources=["handwritten", "sentry"]) as act:
        tell(act, "none of them", {})

        act.assert_no_errors()
        act.assert_sampled()
