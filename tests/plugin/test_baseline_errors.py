"""Baselines that cannot be used or written, and runs that may not write them."""

import pytest

UPDATE = "--traces-update=structure,timings"
SOURCE = """
    def test_it(traces):
        with traces.start_span("a"):
            pass
"""
BAD = [
    ('{"format"', "1: it is cut off here"),
    ("<<<<<<< HEAD\n", "1: a merge is not finished here (conflict markers)"),
    ('{"format": "{}",\n"version": 9}', "2: it is of version 9; this pytest-traces knows 1"),
    ('{"format": "other"}', "1: its \"format\" is 'other', not "),
]


def first_line(result):
    return result.stderr.str().strip().splitlines()[0]


@pytest.fixture
def environment(run, pytester):
    """The path of the timings of this environment."""
    run(SOURCE, "--traces-update=timings", ini="traces_repeats = 1")
    (path,) = pytester.path.glob(".traces/timings/*.json")
    return path


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_a_structure_that_cannot_be_used_is_told_before_any_test_runs(run, pytester, text, problem):
    """With its line; it stays as it was."""
    path = pytester.path / "test_it.traces.json"
    path.write_text(text.replace("{}", "pytest-traces structure"), encoding="utf-8")
    before = path.read_bytes()
    result = run(SOURCE, UPDATE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert first_line(result).startswith(f"ERROR: test_it.traces.json:{problem}")
    assert path.read_bytes() == before
    assert "1 passed" not in result.stdout.str()
    assert run(SOURCE, "--traces-update=timings").ret == 0


@pytest.mark.parametrize(("text", "problem"), BAD)
def test_timings_that_cannot_be_used_are_told_before_any_test_runs(run, environment, text, problem):
    """With the line; they stay as they were."""
    environment.write_text(text.replace("{}", "pytest-traces timings"), encoding="utf-8")
    before = environment.read_bytes()
    result = run(SOURCE, UPDATE)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    shown = f".traces/timings/{environment.name}"
    assert first_line(result).startswith(f"ERROR: {shown}:{problem}")
    assert environment.read_bytes() == before
    assert run(SOURCE, "--traces-update=structure").ret == 0


def test_with_workers_it_is_told_too(run, pytester, parallel):
    """By the process that would write."""
    path = pytester.path / "test_it.traces.json"
    path.write_text("{", encoding="utf-8")
    result = run(SOURCE, UPDATE, *parallel, plugins=("xdist.plugin", "xdist.looponfail"))

    assert result.ret != 0
    assert "test_it.traces.json:1: it is cut off here" in result.stdout.str() + result.stderr.str()
    assert path.read_text(encoding="utf-8") == "{"


def test_what_breaks_while_tests_run_is_told_at_the_end(run, pytester, environment):
    """The run fails, and no file is replaced by what would not fit to it."""
    source = (
        SOURCE
        + f"""
    import pathlib

    def test_break():
        pathlib.Path("test_it.traces.json").write_text("<<<<<<< HEAD")
        pathlib.Path({str(environment)!r}).write_text("{{")
    """
    )
    result = run(source, UPDATE)

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "ERROR: test_it.traces.json:1: a merge is not finished here (conflict markers); *",
            "ERROR: .traces/timings/*.json:1: it is cut off here; *",
        ]
    )
    assert (pytester.path / "test_it.traces.json").read_text(encoding="utf-8") == "<<<<<<< HEAD"
    assert environment.read_text(encoding="utf-8") == "{"


def test_what_cannot_be_written_is_told_at_the_end(run, pytester):
    """The other file is written all the same."""
    source = (
        SOURCE
        + """
    import pathlib

    def test_block():
        pathlib.Path(".traces").write_text("")
    """
    )
    result = run(source, UPDATE, ini="traces_repeats = 1")

    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert "it cannot be read (Not a directory)" in result.stdout.str()
    assert (pytester.path / "test_it.traces.json").exists()
    result = run(SOURCE, UPDATE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "it cannot be read (Not a directory)" in first_line(result)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--traces-update=all"],
            "--traces-update: 'all' is not usable; it is structure, timings or structure,timings",
        ),
        (
            ["--traces-update="],
            "--traces-update: '' is not usable; it is structure, timings or structure,timings",
        ),
        (
            ["--traces-record=0"],
            "--traces-record: '0' is not usable; it is a whole number from 1 to 100",
        ),
        (
            ["--traces-record=many"],
            "--traces-record: 'many' is not usable; it is a whole number from 1 to 100",
        ),
        (
            ["-o", "traces_repeats=0"],
            "traces_repeats (option -o): '0' is not usable; it is a whole number from 1 to 100",
        ),
        (["-o", "traces_timings= "], "traces_timings (option -o): ' ' is not usable; it is a folder"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_used_are_refused(run, options, message):
    """Naming what is allowed."""
    result = run(SOURCE, *options)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert first_line(result) == f"ERROR: {message}"


@pytest.mark.parametrize("option", ["--traces-update=structure", "--traces-record=2"])
def test_on_ci_nothing_is_recorded(run, pytester, monkeypatch, option):
    """Unless the job says that it is there for that, or the variable says no."""
    monkeypatch.setenv("CI", "true")
    result = run(SOURCE, option)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert first_line(result) == (
        f"ERROR: {option.partition('=')[0]}: the variable CI is set, and baselines are recorded "
        "where somebody looks at them; a job that is there to record them adds --traces-update-ci"
    )
    assert not list(pytester.path.rglob("*.json"))
    assert run(SOURCE).ret == 0

    assert run(SOURCE, "--traces-update=structure", "--traces-update-ci").ret == 0
    monkeypatch.setenv("CI", "false")
    assert run(SOURCE, "--traces-update=structure").ret == 0


def test_after_an_error_of_usage_nothing_is_recorded(run, pytester):
    """The run did not come to its end."""
    conftest = """
    import pytest

    def pytest_runtest_logfinish():
        raise pytest.UsageError("no further")
    """
    result = run(SOURCE, "--traces-update=structure,timings", conftest=conftest)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert not list(pytester.path.rglob("*.json"))
