"""``--traces-record``: several runs, each in a process of its own."""

import json
import re
import sys

import pytest

SOURCE = """
    import os, pathlib

    def test_it(traces):
        with pathlib.Path("processes").open("a") as stream:
            stream.write(f"{os.getpid()}\\n")
        with traces.start_span("a"):
            pass
"""


@pytest.fixture
def timings(pytester):
    """The runs in the only file of timings."""

    def timings():
        (path,) = pytester.path.glob(".traces/timings/*.json")
        return json.loads(path.read_text(encoding="utf-8"))["runs"]

    return timings


@pytest.mark.parametrize("started", ["pytest", "-m"])
def test_each_process_adds_a_run(run, pytester, timings, monkeypatch, started):
    """Their names have the name of the whole in common; one line is said of each."""
    monkeypatch.setenv("PYTEST_TRACES_RUN", "mine")
    script = pytester.path / "pytest"
    script.write_text("import sys, pytest; sys.exit(pytest.main())\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", [str(script) if started == "pytest" else "-m"])
    result = run(SOURCE, "--traces-record=2", ini="traces_repeats = 3")

    assert result.ret == 0
    lines = result.stdout.str().splitlines()
    assert [re.sub(r"in [\d.]+s", "in TIME", line) for line in lines] == [
        "traces: recorded 1 of 2: 1 passed in TIME",
        "traces: recorded 2 of 2: 1 passed in TIME",
    ]
    assert sorted(run["key"] for run in timings()) == ["mine.1", "mine.2"]
    assert [run["tests"]["test_it.py::test_it"]["a"]["repeats"] for run in timings()] == [3, 3]
    processes = (pytester.path / "processes").read_text(encoding="utf-8").split()
    assert len(processes) == 6
    assert len(set(processes)) == 2
    assert not (pytester.path / "test_it.traces.json").exists()


def test_the_worst_status_is_that_of_all(run, pytester, timings):
    """What failed shows the end of its output; the other tests are recorded."""
    source = (
        SOURCE
        + """
    def test_fail():
        assert 1 == 2
    """
    )
    result = run(source, "--traces-record=2", ini="traces_repeats = 1")

    assert result.ret == 1
    assert result.stdout.str().count("E       assert 1 == 2") == 2
    assert "traces: recorded 2 of 2: 1 failed, 1 passed in" in result.stdout.str()
    assert [list(run["tests"]) for run in timings()] == [["test_it.py::test_it"]] * 2


@pytest.mark.parametrize(
    ("body", "status"),
    [("import pytest; pytest.exit('enough', 4)", 4), ("import os; os.kill(os.getpid(), 9)", 3)],
)
def test_after_an_end_that_others_would_share_there_is_no_other(run, body, status):
    """A process that a signal ended counts as an internal error."""
    if "kill" in body and sys.platform == "win32":
        pytest.skip("no signals")
    result = run(f"def test_it():\n        {body}\n", "--traces-record=3")

    assert result.ret == status
    assert "traces: recorded 1 of 3: " in result.stdout.str()
    assert "2 of 3" not in result.stdout.str()


def test_what_is_wrong_is_told_once(run):
    """Before any process is started."""
    result = run(SOURCE, "--traces-record=2", ini="traces_timeout = soon")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "recorded" not in result.stdout.str()
    assert result.stderr.str().startswith(
        "ERROR: traces_timeout (in tox.ini): 'soon' is not usable"
    )


def test_with_structure_both_are_recorded(run, pytester, timings):
    """By each of the processes."""
    result = run(SOURCE, "--traces-record=1", "--traces-update=structure", ini="traces_repeats = 1")

    assert result.ret == 0
    assert len(timings()) == 1
    assert (pytester.path / "test_it.traces.json").exists()


def test_help_is_help(run):
    """And runs nothing."""
    result = run(SOURCE, "--traces-record=2", "--help")

    assert result.ret == 0
    assert "--traces-record=N" in result.stdout.str()
    assert "recorded 1 of 2" not in result.stdout.str()
