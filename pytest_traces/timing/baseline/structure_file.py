"""The file of the structure of a test file: to read, to write, to review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, TypeGuard

from pytest_traces.timing.baseline.files import (
    Document,
    Kind,
    laid_out,
    read_document,
    write_text,
)
from pytest_traces.timing.baseline.measure import Range
from pytest_traces.timing.baseline.paths import CALIBRATION, Path, read, written
from pytest_traces.timing.baseline.structure import NO_WORK, PathStructure, TestStructure

SUFFIX = ".traces.json"
STRUCTURE = Kind(
    "pytest-traces structure",
    1,
    "restore it, or delete it and record it again with --traces-update=structure",
    levels=3,
)
_HEAD = ("format", "version", "tests")
_KNOWN = ("count", "peak", "critical", "work")
_NO_CALIBRATION = "names of spans are allowed here; the calibration loop is in timings only"


@dataclass
class StructureFile:
    """The structure of the tests of one file, by the part of the node id after that file.

    Attributes:
        tests: the structures.
        fields: of the file, what a later version has written.
        path_fields: of a path of a test, likewise.
    """

    tests: dict[str, TestStructure] = field(default_factory=dict)
    fields: dict[str, object] = field(default_factory=dict)
    path_fields: dict[tuple[str, Path], dict[str, object]] = field(default_factory=dict)


def structure_path(test_file: FilePath) -> FilePath:
    """Where the structure of a test file is: ``test_x.traces.json`` for ``test_x.py``."""
    name = test_file.stem if test_file.suffix == ".py" else test_file.name
    return test_file.with_name(name + SUFFIX)


def load_structure(path: FilePath, shown: str) -> StructureFile | None:
    """Read the file, if there is one.

    Raises:
        BaselineError: it cannot be used; with its line.
    """
    document = read_document(path, STRUCTURE, shown)
    return None if document is None else understand_structure(document)


def understand_structure(document: Document) -> StructureFile:
    """What the file says, checked.

    Raises:
        BaselineError: something is not what it has to be.
    """
    data = document.data
    tests = data.get("tests")
    if not isinstance(tests, dict):
        document.fail('"tests" is no object', "tests")
    found = StructureFile(fields={name: data[name] for name in data if name not in _HEAD})
    for test, paths in tests.items():
        if not isinstance(paths, dict):
            document.fail("this is no object of paths", "tests", test)
        structure = {}
        for text, entry in paths.items():
            path = read(text)
            if path == CALIBRATION:
                document.fail(
                    f"{text!r} is no path of spans", "tests", test, text, advice=_NO_CALIBRATION
                )
            structure[path] = _understood(document, entry, test, text)
            rest = {name: entry[name] for name in entry if name not in _KNOWN}
            if rest:
                found.path_fields[test, path] = rest
        found.tests[test] = structure
    return found


def _understood(document: Document, entry: Any, test: str, path: str) -> PathStructure:
    where = ("tests", test, path)
    if not isinstance(entry, dict):
        document.fail("this is no object", *where)
    count, peak = _range(entry.get("count"), 0), _range(entry.get("peak"), 1)
    if count is None or count[1] < 1:
        document.fail(f'"count" is {entry.get("count")!r}, not a number or [least, most]', *where)
    if peak is None:
        document.fail(f'"peak" is {entry.get("peak")!r}, not a number or [least, most]', *where)
    critical = entry.get("critical")
    if critical is not None and not isinstance(critical, bool):
        document.fail(f'"critical" is {critical!r}, not true or false', *where)
    work = entry.get("work", NO_WORK)
    if not isinstance(work, Mapping) or not all(_is_number(one) for one in work.values()):
        document.fail(f'"work" is {work!r}, not numbers by interpreter', *where)
    return PathStructure(count, peak, critical, work)


def _range(value: object, least: int) -> Range | None:
    if _is_number(value):
        value = [value, value]
    if not isinstance(value, list) or len(value) != 2 or not all(_is_number(n) for n in value):
        return None
    low, high = value
    return (low, high) if least <= low <= high else None


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def structure_text(file: StructureFile) -> str:
    """The text of the file: sorted, one path a line, without times; the same everywhere."""
    tests = {
        test: {
            written(path): _entry(one) | _sorted(file.path_fields.get((test, path), {}))
            for path, one in sorted(file.tests[test].items())
        }
        for test in sorted(file.tests)
    }
    return laid_out(STRUCTURE, {**_sorted(file.fields), "tests": tests})


def save_structure(path: FilePath, file: StructureFile, shown: str) -> bool:
    """Write the file, if it changes; whatever fails, the old one stays.

    Raises:
        BaselineError: it cannot be written.
    """
    return write_text(path, structure_text(file), shown)


def _entry(one: PathStructure) -> dict[str, object]:
    entry: dict[str, object] = {"count": _number(one.count), "peak": _number(one.peak)}
    if one.critical is not None:
        entry["critical"] = one.critical
    if one.work:
        entry["work"] = _sorted(one.work)
    return entry


def _number(value: Range) -> object:
    return value[0] if value[0] == value[1] else list(value)


def _sorted(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: fields[name] for name in sorted(fields)}
