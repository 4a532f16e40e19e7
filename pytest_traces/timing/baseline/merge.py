"""Several files of one kind become one: what the shards of a run have recorded."""

from __future__ import annotations

import os
from collections.abc import Sequence, Sized
from pathlib import Path as FilePath

from pytest_traces.timing.baseline.files import (
    BaselineError,
    Document,
    Kind,
    locked,
    read_document,
    write_text,
)
from pytest_traces.timing.baseline.structure import TestStructure
from pytest_traces.timing.baseline.structure_file import (
    STRUCTURE,
    StructureFile,
    structure_text,
    understand_structure,
)
from pytest_traces.timing.baseline.timings import Timings, joined_fields, united
from pytest_traces.timing.baseline.timings_file import TIMINGS, timings_text, understand_timings

_BEGIN = 200


def merge_files(inputs: Sequence[FilePath], output: FilePath) -> str:
    """Merge files, and write the result; the output may be one of the inputs.

    Of timings, parts of one run are united, and of each test the last ten runs are kept. Of
    structures, each test has to be in one file only, or to be the same in all that have it.

    Args:
        inputs: the files, at least one.
        output: where to write.

    Returns:
        What was done, in words.

    Raises:
        BaselineError: a file cannot be used, or the files do not belong together. The output
            is as it was.
    """
    if not _is_added_to(inputs, output):
        return _merge(inputs, output)
    try:
        with locked(output.parent):
            return _merge(inputs, output)
    except OSError as error:
        problem = f"its folder cannot be used ({error.strerror})"
        advice = "it has to be one that can be read"
        raise BaselineError(str(output), None, problem, advice) from None


def _is_added_to(inputs: Sequence[FilePath], output: FilePath) -> bool:
    """Whether a run may be added to it between being read and being replaced."""
    real = os.path.realpath(output)
    is_input = any(os.path.realpath(one) == real for one in inputs)
    return is_input and _seems_to_be(output, TIMINGS)


def _merge(inputs: Sequence[FilePath], output: FilePath) -> str:
    documents = [_read(path) for path in inputs]
    kind = documents[0].kind
    for document in documents:
        if document.kind is not kind:
            problem = f"these are {document.kind.format}, but {documents[0].shown} is {kind.format}"
            document.fail(problem, "format", advice="merge files of one kind")
    if kind is TIMINGS:
        timings = merged_timings(documents)
        text, what = (
            timings_text(timings),
            f"{_number(timings.runs, 'run')} of {timings.environment}",
        )
    else:
        structure = merged_structure(documents)
        text, what = (
            structure_text(structure),
            f"the structure of {_number(structure.tests, 'test')}",
        )
    write_text(output, text, str(output))
    return f"{output}: {what}"


def _read(path: FilePath) -> Document:
    shown = str(path)
    kind = TIMINGS if _seems_to_be(path, TIMINGS) else STRUCTURE
    try:
        document = read_document(path, kind, shown)
    except BaselineError as error:
        said, found, _ = error.problem.partition(", not ")
        if not found or not said.startswith('its "format"'):
            raise
        both = f"{STRUCTURE.format!r} or {TIMINGS.format!r}"
        raise BaselineError(shown, error.line, f"{said}, not {both}", error.advice) from None
    if document is None:
        raise BaselineError(shown, None, "there is no such file", "name files that exist")
    return document


def _seems_to_be(path: FilePath, kind: Kind) -> bool:
    """Whether it calls itself so, even if the rest of it cannot be read."""
    try:
        with path.open("rb") as stream:
            return kind.format.encode() in stream.read(_BEGIN)
    except OSError:
        return False


def merged_timings(documents: Sequence[Document]) -> Timings:
    """The runs of all files; the order of the files is no matter.

    Raises:
        BaselineError: files of several environments.
    """
    found = [understand_timings(document) for document in documents]
    fields: dict[str, object] = {}
    for document, timings in zip(documents, found, strict=True):
        if timings.environment != found[0].environment:
            problem = (
                f"it is of {timings.environment!r}, "
                f"but {documents[0].shown} is of {found[0].environment!r}"
            )
            document.fail(problem, "environment", advice="timings of two machines never mix")
        fields = joined_fields(fields, timings.fields)
    runs = united(run for timings in found for run in timings.runs)
    return Timings(found[0].environment, runs, fields)


def merged_structure(documents: Sequence[Document]) -> StructureFile:
    """The tests of all files; the order of the files is no matter.

    Raises:
        BaselineError: a test that is not the same in two files.
    """
    merged, owners = StructureFile(), dict[str, Document]()
    for document in documents:
        found = understand_structure(document)
        for test, structure in found.tests.items():
            owner = owners.setdefault(test, document)
            if not _is_same(merged.tests.setdefault(test, structure), structure):
                problem = f"{test} is not as in {owner.shown}"
                advice = "record it once more, and merge files of one revision"
                document.fail(problem, "tests", test, advice=advice)
        merged.fields = joined_fields(merged.fields, found.fields)
        for key, fields in found.path_fields.items():
            merged.path_fields[key] = joined_fields(merged.path_fields.get(key, {}), fields)
    return merged


def _is_same(one: TestStructure, other: TestStructure) -> bool:
    return dict(one) == dict(other)


def _number(things: Sized, word: str) -> str:
    return f"{len(things):,} {word}{'' if len(things) == 1 else 's'}"
