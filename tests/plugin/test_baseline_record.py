"""``--traces-record``: several runs, each in a process of its own."""

import json
import re
import subprocess
import sys

import pytest

from pytest_traces.timing.baseline.environment import environment_key

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
        f"traces: .traces/timings/{environment_key(0)}.json: 1 test with 2 runs",
    ]
    assert sorted(run["key"] for run in timings()) == ["mine.1", "mine.2"]
    assert [run["tests"]["test_it.py::test_it"]["a"]["repeats"] for run in timings()] == [9, 9]
    processes = (pytester.path / "processes").read_text(encoding="utf-8").split()
    assert len(processes) == 18
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
    assert (
        "json: 1 test with 2 runs\n"
        "traces: not recorded by 2 of 2 processes (failed): test_it.py::test_fail"
    ) in result.stdout.str()


TWO = """
    import os, pathlib

    def test_one(traces):
        with traces.start_span("a"): pass

    def test_two(traces):
        with traces.start_span("a"): pass
        BODY
"""
#: The first process fails, the second one passes.
AT_FIRST = 'assert os.environ["PYTEST_TRACES_RECORDED"] != "1"'
#: It passes once in each process.
ONCE = """
        already = pathlib.Path(str(os.getpid()))
        assert not already.exists()
        already.touch()
"""


def keys_of(runs, test):
    return [run["key"] for run in runs if f"test_it.py::{test}" in run["tests"]]


def test_a_new_baseline_takes_the_place_of_the_old_one(run, timings, monkeypatch):
    """For the test that was selected; an update adds to it."""
    source = TWO.replace("BODY", "")
    for key, *args in (
        ["old", "--traces-record=2"],
        ["more", "--traces-update=timings"],
        ["new", "--traces-record=2", "test_it.py::test_two"],
        ["last", "--traces-update=timings", "test_it.py::test_two"],
    ):
        monkeypatch.setenv("PYTEST_TRACES_RUN", key)
        run(source, *args, ini="traces_repeats = 1")

    assert keys_of(timings(), "test_one") == ["old.1", "old.2", "more"]
    assert keys_of(timings(), "test_two") == ["new.1", "new.2", "last"]


def test_what_one_process_does_not_record_another_one_may(run, timings, monkeypatch):
    """The old timings go with the first new ones."""
    monkeypatch.setenv("PYTEST_TRACES_RUN", "old")
    run(TWO.replace("BODY", ""), "--traces-record=3", ini="traces_repeats = 1")
    monkeypatch.setenv("PYTEST_TRACES_RUN", "new")
    result = run(TWO.replace("BODY", AT_FIRST), "--traces-record=2", ini="traces_repeats = 1")

    assert result.ret == 1
    assert keys_of(timings(), "test_one") == ["new.1", "new.2"]
    assert keys_of(timings(), "test_two") == ["new.2"]
    assert (
        "json: 1 test with 2 runs, 1 test with 1 run\n"
        "traces: not recorded by 1 of 2 processes (failed): test_it.py::test_two"
    ) in result.stdout.str()


def test_what_no_process_records_stays_as_it_was(run, timings, monkeypatch):
    """A test that fails when it is repeated is named with that."""
    monkeypatch.setenv("PYTEST_TRACES_RUN", "old")
    run(TWO.replace("BODY", ""), "--traces-record=2", ini="traces_repeats = 1")
    monkeypatch.setenv("PYTEST_TRACES_RUN", "new")
    result = run(TWO.replace("BODY", ONCE), "--traces-record=2", ini="traces_repeats = 2")

    assert keys_of(timings(), "test_one") == ["new.1", "new.2"]
    assert keys_of(timings(), "test_two") == ["old.1", "old.2"]
    assert (
        "json: 1 test with 2 runs\ntraces: not recorded by 2 of 2 processes "
        "(not repeatable: it failed in a later run): test_it.py::test_two"
    ) in result.stdout.str()


def test_what_was_recorded_before_an_interruption_is_there(run, timings, monkeypatch):
    """The third process is stopped, and there is no fourth."""
    body = 'if os.environ["PYTEST_TRACES_RECORDED"] == "3": raise KeyboardInterrupt'
    monkeypatch.setenv("PYTEST_TRACES_RUN", "new")
    result = run(TWO.replace("BODY", body), "--traces-record=5", ini="traces_repeats = 1")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert keys_of(timings(), "test_two") == ["new.1", "new.2"]
    assert result.stdout.str().endswith("json: 2 tests with 2 runs each")


def test_who_records_may_be_interrupted(run, timings, monkeypatch):
    """What is there then is said."""
    real = subprocess.run

    def interrupted(*args, **kwargs):
        if kwargs["env"].get("PYTEST_TRACES_RECORDED") == "2":
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(subprocess, "run", interrupted)
    result = run(SOURCE, "--traces-record=3", ini="traces_repeats = 1")

    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert len(timings()) == 1
    lines = result.stdout.str().splitlines()
    assert lines[1] == "traces: interrupted"
    assert lines[2].endswith("json: 1 test with 1 run")


def test_a_file_that_is_broken_in_the_end_is_told(run, pytester):
    """By the last process here."""
    source = """
    import atexit, pathlib

    def spoil():
        for path in pathlib.Path(".traces/timings").glob("*.json"):
            path.write_text("{")

    def test_it(traces):
        with traces.start_span("a"): pass
        atexit.register(spoil)
    """
    result = run(source, "--traces-record=1", ini="traces_repeats = 1")

    assert re.search(
        r"\ntraces: \.traces/timings/.*\.json:1: it is cut off here; ", result.stdout.str()
    )


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
    assert ": nothing was recorded" in result.stdout.str().splitlines()[-1]


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


def test_no_debugger_waits_in_a_process(run):
    """Nobody sits there."""
    source = SOURCE + "\n    def test_fail():\n        assert 1 == 2\n"
    result = run(source, "--traces-record=2", "--pdb", ini="traces_repeats = 1")

    assert result.ret == 1
    assert "recorded 2 of 2: 1 failed, 1 passed" in result.stdout.str()
    assert "(Pdb)" not in result.stdout.str()
