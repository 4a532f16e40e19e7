"""What a run has measured goes into the structure of a test file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path as FilePath
from typing import NamedTuple

from pytest_traces.timing.baseline.files import BaselineError, locked
from pytest_traces.timing.baseline.measure import Measured
from pytest_traces.timing.baseline.structure import StructureChange, compare, structure_of, updated
from pytest_traces.timing.baseline.structure_file import (
    StructureFile,
    load_structure,
    save_structure,
)


class StructureUpdate(NamedTuple):
    """What was done to the structure of one test file.

    Attributes:
        shown: the file, as messages name it.
        written: whether it has changed.
        tests: how many of its tests were measured and have spans.
        added: tests that it did not have.
        changed: what is certainly different in tests that it had.
        stale: tests that it has, and that were not collected.
        pruned: those that were taken out.
    """

    shown: str
    written: bool
    tests: int
    added: Sequence[str] = ()
    changed: Mapping[str, Sequence[StructureChange]] = {}
    stale: Sequence[str] = ()
    pruned: Sequence[str] = ()


def update_structure(
    path: FilePath,
    shown: str,
    measured: Mapping[str, Sequence[Measured]],
    interpreter: str,
    collected: Collection[str] | None,
    *,
    prune: bool,
) -> StructureUpdate:
    """Bring the structure of one test file up to date; several processes may do so at once.

    Args:
        path: the file of the structure.
        shown: how messages name it.
        measured: of each test that passed, what its repeats have measured.
        interpreter: what counted the work.
        collected: the tests of the file, if all of them were collected; else None.
        prune: whether to take out tests that were not.

    Raises:
        BaselineError: the file cannot be used or written, and is as it was.
    """
    try:
        with locked(path.parent):
            return _update(path, shown, measured, interpreter, collected, prune=prune)
    except OSError as error:
        problem = f"its folder cannot be used ({error.strerror})"
        raise BaselineError(shown, None, problem, "it has to be one that can be written") from None


def _update(
    path: FilePath,
    shown: str,
    measured: Mapping[str, Sequence[Measured]],
    interpreter: str,
    collected: Collection[str] | None,
    *,
    prune: bool,
) -> StructureUpdate:
    known = load_structure(path, shown)
    file = known or StructureFile()
    added: list[str] = []
    changed: dict[str, list[StructureChange]] = {}
    for test in sorted(measured):
        now = structure_of(measured[test], interpreter)
        old = file.tests.pop(test, None)
        if old is None:
            added += [test] if now else []
        elif changes := compare(old, now):
            changed[test] = changes
        if kept := updated(old or {}, now):
            file.tests[test] = kept
    stale = [] if collected is None else sorted(set(file.tests) - set(collected))
    for test in stale if prune else ():
        del file.tests[test]
    file.path_fields = {
        (test, spans): fields
        for (test, spans), fields in file.path_fields.items()
        if spans in file.tests.get(test, {})
    }
    is_needed = known is not None or bool(file.tests)
    return StructureUpdate(
        shown=shown,
        written=is_needed and save_structure(path, file, shown),
        tests=sum(1 for test in measured if test in file.tests),
        added=added,
        changed=changed,
        stale=[] if prune else stale,
        pruned=stale if prune else [],
    )
