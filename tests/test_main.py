"""``python -m pytest_traces merge``."""

import os
import subprocess
import sys

import pytest

from pytest_traces.__main__ import main
from pytest_traces.timing.baseline.files import read_document
from pytest_traces.timing.baseline.structure import PathStructure
from pytest_traces.timing.baseline.structure_file import StructureFile, structure_text
from pytest_traces.timing.baseline.timings import PathTiming, Run, Timings
from pytest_traces.timing.baseline.timings_file import timings_text

ONE = {("a",): PathStructure((1, 1), (1, 1), True)}
TWO = {("a",): PathStructure((2, 2), (1, 1), True)}


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Writes a file into the folder that is the current one."""
    monkeypatch.chdir(tmp_path)

    def put(name, content):
        text = content
        if isinstance(content, StructureFile):
            text = structure_text(content)
        elif isinstance(content, Timings):
            text = timings_text(content)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return put


def timings(*keys, environment="e", test="t"):
    runs = (Run(key, key, None, {test: {("a",): PathTiming(1, 1, 1)}}) for key in keys)
    return Timings(environment, tuple(runs))


def test_structures_of_shards_become_one(put, capsys):
    """The tests of all, in whatever order they are named; what both have is the same."""
    a = put("a", StructureFile({"x": ONE}, {"new": 1}, {("x", ("a",)): {"more": 2}}))
    put("b", StructureFile({"y": TWO, "x": ONE}))

    assert main(["merge", "a", "b", "-o", "c"]) == 0
    assert capsys.readouterr() == ("c: the structure of 2 tests\n", "")
    assert main(["merge", "b", "a", "-o", "d"]) == 0
    text = a.with_name("c").read_text(encoding="utf-8")
    assert text == a.with_name("d").read_text(encoding="utf-8")
    assert text == structure_text(
        StructureFile({"x": ONE, "y": TWO}, {"new": 1}, {("x", ("a",)): {"more": 2}})
    )


def test_timings_of_shards_become_one(put, capsys):
    """Parts of one run are one; the output may be one of the inputs."""
    a = put("a", timings("1", "2", test="t"))
    put("b", timings("2", "3", test="u"))

    assert main(["merge", "a", "b", "--output", "a"]) == 0
    assert capsys.readouterr().out == "a: 3 runs of e\n"
    expected = timings("1", "2", "3")
    both = {**expected.runs[0].tests, "u": {("a",): PathTiming(1, 1, 1)}}
    runs = (
        expected.runs[0],
        expected.runs[1]._replace(tests=both),
        *timings("3", test="u").runs,
    )
    assert a.read_text(encoding="utf-8") == timings_text(Timings("e", runs))


@pytest.mark.skipif(sys.platform == "win32", reason="locks of POSIX")
def test_no_run_is_added_while_a_file_is_merged_into_itself(put, tmp_path, monkeypatch):
    """The folder of the output is held from reading to writing, and nothing is left in it."""
    import fcntl

    held = []

    def probing(*arguments):
        handle = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.append("held")
        else:
            held.append("free")
        finally:
            os.close(handle)
        return read_document(*arguments)

    monkeypatch.setattr("pytest_traces.timing.baseline.merge.read_document", probing)
    put("a", timings("1"))
    put("b", timings("2"))

    assert main(["merge", "a", "b", "-o", "a"]) == 0
    assert main(["merge", "a", "b", "-o", "c"]) == 0
    assert held == ["held", "held", "free", "free"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "b", "c"]


def test_one_file_stays_what_it_is(put):
    """Merging it with itself, too; with what a later version has written of a path."""
    known = timings("1", "2")
    later = {"t": {("a",): PathTiming(1, 1, 1, {"p99_ns": 7})}}
    a = put("a", known._replace(runs=(known.runs[0], known.runs[1]._replace(tests=later))))
    text = a.read_text(encoding="utf-8")
    assert "p99_ns" in text

    assert main(["merge", "a", "a", "-o", "b"]) == 0
    assert a.with_name("b").read_text(encoding="utf-8") == text


BAD = [
    (
        {"a": StructureFile({"x": ONE}), "b": StructureFile({"x": TWO})},
        "b:5: x is not as in a; record it once more, and merge files of one revision",
    ),
    (
        {"a": StructureFile({"x": ONE}), "b": timings("1")},
        "b:2: these are pytest-traces timings, but a is pytest-traces structure; "
        "merge files of one kind",
    ),
    (
        {"a": timings("1"), "b": timings("1", environment="f")},
        "b:4: it is of 'f', but a is of 'e'; timings of two machines never mix",
    ),
    (
        {"a": timings("1"), "b": '{\n"format": "x"}'},
        "b:2: its \"format\" is 'x', not 'pytest-traces structure' or 'pytest-traces timings'; "
        "is it another file?",
    ),
    (
        {"a": timings("1"), "b": timings("1").environment},
        "b:1: this is no JSON (Expecting value); restore it, or delete it and record it again "
        "with --traces-update=structure",
    ),
    (
        {"a": timings("1"), "b": timings_text(timings("1"))[:99]},
        "b:7: it is cut off here; restore it, or delete it and record it again "
        "with --traces-record=5",
    ),
    ({"a": timings("1")}, "b: there is no such file; name files that exist"),
]


@pytest.mark.parametrize(("files", "message"), BAD)
def test_what_cannot_be_merged_is_told(put, tmp_path, capsys, files, message):
    """With the status 2, and nothing is written."""
    for name, content in files.items():
        put(name, content)
    out = put("out", "as it was")

    assert main(["merge", "a", "b", "-o", "out"]) == 2
    assert capsys.readouterr() == ("", f"pytest-traces: error: {message}\n")
    assert out.read_text(encoding="utf-8") == "as it was"


@pytest.mark.parametrize("arguments", [[], ["merge"], ["merge", "a"], ["merge", "-o", "a"], ["x"]])
def test_a_command_that_is_none_is_told_how_to_use(arguments, capsys):
    """With the status 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: pytest-traces" in capsys.readouterr().err


def test_it_runs_as_a_module(put):
    """In a process of its own, where pytest is not imported."""
    put("a", timings("1"))
    code = (
        "import runpy, sys; sys.argv = ['x', 'merge', 'a', '-o', 'b']\n"
        "try: runpy.run_module('pytest_traces', run_name='__main__')\n"
        "except SystemExit as end: print('pytest' in sys.modules, end.code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == ["b: 1 run of e", "False 0"]
