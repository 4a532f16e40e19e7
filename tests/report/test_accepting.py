"""What to do if a difference is meant."""

from typing import Any

import pytest

from pytest_traces.report.accepting import accepting, structure_command, timings_command
from pytest_traces.timing.baseline.structure import StructureChange
from pytest_traces.timing.decision.comparison import Baseline, Comparison
from pytest_traces.timing.decision.data import Verdict

OVER = Verdict(("t", ("a",)), "over")
CHANGED: dict[str, Any] = {"changes": (StructureChange("gone", ("a",), None, None),)}
SLOWER: dict[str, Any] = {"verdicts": (OVER,), "second": {OVER.key: OVER}}
STRUCTURE = "pytest --traces-update=structure t"
MERGING = "durations are compared with revision main, so merging accepts them"


@pytest.mark.parametrize(
    ("fields", "environment", "revision", "expected"),
    [
        (CHANGED, "linux-n2", None, f"if this is meant: {STRUCTURE}"),
        (CHANGED, "linux-n0", "main", f"if this is meant: {STRUCTURE}"),
        (SLOWER, "linux-n0", None, "if this is meant: pytest --traces-record=5 t"),
        (SLOWER, "linux-n12", None, "if this is meant: pytest -n 12 --traces-record=5 t"),
        (SLOWER, "linux-n0", "main", f"if this is meant, there is nothing to record: {MERGING}"),
        (
            CHANGED | SLOWER,
            "linux-n2",
            None,
            "if this is meant: pytest -n 2 --traces-update=structure --traces-record=5 t",
        ),
        (CHANGED | SLOWER, "linux-n0", "main", f"if this is meant: {STRUCTURE}; {MERGING}"),
    ],
)
def test_what_differs_is_recorded(
    fields: dict[str, Any], environment: str, revision: str | None, expected: str
) -> None:
    """And nothing else; what another revision has measured is not in a file."""
    baseline = Baseline(structure=True, environment=environment, runs=5, revision=revision)

    assert accepting(Comparison("t", baseline, **fields)) == expected


def test_commands_can_be_copied_to_a_shell() -> None:
    """Parameters of tests are quoted where they have to be."""
    baseline = Baseline(structure=True, environment="linux-n1", runs=5)

    assert structure_command("t[a b]") == "pytest --traces-update=structure 't[a b]'"
    assert timings_command("t[$]", baseline) == "pytest -n 1 --traces-record=5 't[$]'"
