"""The file next to the test file: its text, and all that can be wrong with it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_traces.timing.baseline.files import BaselineError, read_document
from pytest_traces.timing.baseline.structure import PathStructure
from pytest_traces.timing.baseline.structure_file import (
    STRUCTURE,
    StructureFile,
    load_structure,
    save_structure,
    structure_path,
    structure_text,
    understand_structure,
)

REPAIR = "restore it, or delete it and record it again with --traces-update=structure"
NAME = "tests/test_x.traces.json"

GOOD = """\
{
  "format": "pytest-traces structure",
  "version": 1,
  "tests": {
    "TestB::test_b[1]": {
      "GET": {"count": 1, "peak": 1, "critical": true}
    },
    "test_a": {
      "GET /cart": {"count": 1, "peak": 1, "critical": true},
      "GET /cart > SELECT ü": {"count": [2, 5], "peak": [1, 2], "work": {"cpython-3.12": 7}}
    }
  }
}
"""


def test_the_text_is_one_path_a_line(tmp_path):
    """Sorted, without times, with a newline at its end."""
    file = StructureFile(
        {
            "test_a": {
                ("GET /cart", "SELECT ü"): PathStructure((2, 5), (1, 2), None, {"cpython-3.12": 7}),
                ("GET /cart",): PathStructure((1, 1), (1, 1), True),
            },
            "TestB::test_b[1]": {("GET",): PathStructure((1, 1), (1, 1), True)},
        }
    )
    path = tmp_path / "test_x.traces.json"

    assert save_structure(path, file, NAME)
    assert path.read_text(encoding="utf-8") == GOOD
    assert load_structure(path, NAME) == file
    assert not save_structure(path, file, NAME)


def test_a_file_that_is_not_there_is_none(tmp_path):
    """That is no error."""
    assert load_structure(tmp_path / "no", "no") is None
    assert load_structure(tmp_path / "no" / "no", "no") is None


def test_the_file_is_next_to_that_of_the_tests():
    """Files that are no Python have their whole name in it."""
    assert structure_path(Path("tests/test_x.py")) == Path("tests/test_x.traces.json")
    assert structure_path(Path("README.md")) == Path("README.md.traces.json")


def test_fields_of_a_later_version_are_kept(tmp_path):
    """Those of the file and those of a path."""
    path = tmp_path / "x.traces.json"
    text = GOOD.replace('"version": 1,', '"version": 1,\n  "new": [1, {"a": null}],')
    text = text.replace('"peak": 1, "critical": true},', '"peak": 1, "critical": true, "cost": 3},')
    path.write_text(text, encoding="utf-8")
    file = load_structure(path, NAME)

    assert file.fields == {"new": [1, {"a": None}]}
    assert file.path_fields == {("test_a", ("GET /cart",)): {"cost": 3}}
    assert json.loads(structure_text(file)) == json.loads(text)


names = st.text(max_size=5)
entries = st.builds(
    PathStructure,
    st.tuples(st.integers(0, 3), st.integers(3, 9)),
    st.tuples(st.integers(1, 3), st.integers(3, 9)),
    st.sampled_from([True, False, None]),
    st.dictionaries(names, st.integers(0, 10**12), max_size=2),
)
files = st.builds(
    StructureFile,
    st.dictionaries(
        names,
        st.dictionaries(st.lists(names, min_size=1, max_size=3).map(tuple), entries, max_size=3),
        max_size=3,
    ),
)


@given(files)
def test_what_is_written_is_read_again(tmp_path_factory, file):
    """Whatever the names are; and the text does not depend on the order."""
    path = tmp_path_factory.mktemp("one") / "x.traces.json"
    save_structure(path, file, NAME)
    found = load_structure(path, NAME)

    assert found.tests == file.tests
    assert structure_text(found) == structure_text(file)


BAD = [
    (GOOD[:200], f"{NAME}:9: it is cut off here; {REPAIR}"),
    ("", f"{NAME}:1: it is cut off here; {REPAIR}"),
    (GOOD[:30], f"{NAME}:2: it is cut off here; {REPAIR}"),
    (GOOD.replace('"GET":', '"GET"'), f"{NAME}:6: this is no JSON (Expecting ':' delimiter); {REPAIR}"),
    ("[1]\n", f"{NAME}:1: this is no JSON object; {REPAIR}"),
    ("[" * 100_000, f"{NAME}:1: it is nested too deeply; {REPAIR}"),
    (
        GOOD.replace('    "test_a"', '<<<<<<< HEAD\n    "test_a"'),
        f"{NAME}:8: a merge is not finished here (conflict markers); take either side, or {REPAIR}",
    ),
    (
        GOOD.replace('    "test_a"', '=======\r\n    "test_a"'),
        f"{NAME}:8: a merge is not finished here (conflict markers); take either side, or {REPAIR}",
    ),
    (GOOD.encode("utf-16"), f"{NAME}:1: this is no text in UTF-8; {REPAIR}"),
    (GOOD.encode("latin-1"), f"{NAME}:10: this is no text in UTF-8; {REPAIR}"),
    (
        GOOD.replace("traces structure", "traces timings"),
        f'{NAME}:2: its "format" is \'pytest-traces timings\', not '
        "'pytest-traces structure'; is it another file?",
    ),
    (
        '{"tests": {}}',
        f"{NAME}:1: its \"format\" is None, not 'pytest-traces structure'; is it another file?",
    ),
    (
        GOOD.replace('"version": 1', '"version": 2'),
        f"{NAME}:3: it is of version 2; this pytest-traces knows 1; "
        "a newer pytest-traces can read it",
    ),
    (
        GOOD.replace('"version": 1', '"version": "1"'),
        f"{NAME}:3: its \"version\" is '1', not a number from 1; {REPAIR}",
    ),
    (GOOD.replace("test_a", "TestB::test_b[1]"), f'{NAME}:8: "TestB::test_b[1]" is here twice; {REPAIR}'),
    (GOOD.replace(" > SELECT ü", ""), f'{NAME}:10: "GET /cart" is here twice; {REPAIR}'),
    (
        GOOD.replace('"GET":', '"> calibration":'),
        f"{NAME}:6: '> calibration' is no path of spans; names of spans are allowed here; "
        "the calibration loop is in timings only",
    ),
    ('{"a": 1, "a": 2}', f"{NAME}:1: a name is here twice; {REPAIR}"),
    (
        GOOD.replace("[2, 5]", "7" * 5_000),
        f"{NAME}:10: a number here is too long; {REPAIR}",
    ),
    (
        '{\n"format": "pytest-traces structure",\n"version": 1,\n"tests": []}',
        f'{NAME}:4: "tests" is no object; {REPAIR}',
    ),
    (
        GOOD.replace('{\n      "GET"', '[{\n      "GET"').replace("true}\n    },", "true}\n    }],"),
        f"{NAME}:5: this is no object of paths; {REPAIR}",
    ),
    (GOOD.replace('{"count": 1, "peak": 1, "critical": true}\n', "7\n"), f"{NAME}:6: this is no object; {REPAIR}"),
    (
        GOOD.replace('{"count": [2, 5]', '{"count": [5, 2]'),
        f'{NAME}:10: "count" is [5, 2], not a number or [least, most]; {REPAIR}',
    ),
    (
        GOOD.replace('{"count": [2, 5]', '{"count": 0'),
        f'{NAME}:10: "count" is 0, not a number or [least, most]; {REPAIR}',
    ),
    (
        GOOD.replace('{"count": [2, 5]', '{"count": true'),
        f'{NAME}:10: "count" is True, not a number or [least, most]; {REPAIR}',
    ),
    (
        GOOD.replace('"peak": [1, 2]', '"peak": [1]'),
        f'{NAME}:10: "peak" is [1], not a number or [least, most]; {REPAIR}',
    ),
    (
        GOOD.replace('"GET": {"count": 1, "peak": 1, "critical": true', '"GET": {"count": 1, "peak": 1, "critical": 1'),
        f'{NAME}:6: "critical" is 1, not true or false; {REPAIR}',
    ),
    (
        GOOD.replace('"cpython-3.12": 7', '"cpython-3.12": -7'),
        f"{NAME}:10: \"work\" is {{'cpython-3.12': -7}}, not numbers by interpreter; {REPAIR}",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BAD)
def test_what_cannot_be_used_is_told_with_its_line(tmp_path, content, message):
    """The whole message; the file stays as it is."""
    path = tmp_path / "test_x.traces.json"
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(data)

    with pytest.raises(BaselineError) as caught:
        load_structure(path, NAME)
    assert str(caught.value) == message
    assert path.read_bytes() == data


def test_a_folder_in_its_place_is_told(tmp_path):
    """It cannot be read, whatever the system says of that."""
    (tmp_path / "x").mkdir()

    with pytest.raises(BaselineError) as caught:
        load_structure(tmp_path / "x", NAME)
    assert str(caught.value) == (
        f"{NAME}: it is a folder; it has to be a file that can be read and written"
    )


def test_a_file_without_permission_is_told(tmp_path, monkeypatch):
    """Root may read anything, so the system's answer is given by hand."""
    path = tmp_path / "x"
    path.write_text(GOOD, encoding="utf-8")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(BaselineError) as caught:
        load_structure(path, NAME)
    assert str(caught.value) == (
        f"{NAME}: it cannot be read (Permission denied); "
        "it has to be a file that can be read and written"
    )


def test_a_byte_order_mark_and_other_line_ends_are_no_error(tmp_path):
    """As editors and git on Windows leave them."""
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())

    assert sorted(load_structure(path, NAME).tests) == ["TestB::test_b[1]", "test_a"]


def test_a_place_that_is_not_found_is_told_as_near_as_it_is_known(tmp_path):
    """A name that is written another way than it would be here."""
    path = tmp_path / "x"
    path.write_text(GOOD.replace("test_a", "\\u0074est_a").replace("[2, 5]", "0"), encoding="utf-8")

    with pytest.raises(BaselineError, match=r"^tests/test_x.traces.json:4: \"count\" is 0"):
        understand_structure(read_document(path, STRUCTURE, NAME))
