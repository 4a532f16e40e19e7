"""Other processes of pytest that run the same tests."""

from pathlib import Path

import pytest

from pytest_traces.plugin.children import run_pytest, same_options, same_tests, without_prompts


@pytest.mark.parametrize(
    ("args", "kept"),
    [
        (["-q", "--color=yes", "tests"], ["-q", "--color=yes", "tests"]),
        (["--junitxml=x.xml", "-x", "tests"], ["tests"]),
        (["--junitxml", "x.xml", "--maxfail", "1", "tests"], ["tests"]),
        (["--traces-base", "main", "--traces-strict", "--traces"], ["--traces"]),
        (["--traces-update=structure", "--traces-report=r.json", "-n", "2"], ["-n", "2"]),
        (["-k", "shop", "-xdist"], ["-k", "shop"]),
    ],
)
def test_what_is_of_one_process_only_is_left_out(args: list[str], kept: list[str]) -> None:
    """With its value, where it has one."""
    assert same_tests(args) == kept


@pytest.mark.parametrize(
    ("args", "kept"),
    [
        (["-q", "tests/test_x.py", "--color", "yes"], ["-q", "--color", "yes"]),
        (["-k", "shop", "-m", "slow", "-n", "2", "--dist=load"], []),
        (["-kshop", "-n2", "-nauto", "-p", "no:cacheprovider"], ["-p", "no:cacheprovider"]),
        (["--numprocesses", "2", "--deselect", "a", "-s"], ["-s"]),
    ],
)
def test_the_choice_of_tests_can_be_left_out(args: list[str], kept: list[str]) -> None:
    """Where other tests are chosen instead."""
    assert same_options(args, ["tests/test_x.py"]) == kept


def test_nobody_is_asked_anything() -> None:
    """What else there is stays."""
    assert without_prompts(["--pdb", Path("tests"), "-x", "--trace"]) == ["tests", "-x"]


def test_a_process_says_how_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its status, how many tests failed, and its last lines; it is no worker of pytest-xdist."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (tmp_path / "test_env.py").write_text(
        "import os\n"
        "def test_a(): assert 'PYTEST_XDIST_WORKER' not in os.environ\n"
        "def test_b(): assert os.environ['PYTEST_TRACES_MEASURES'] == '1'\n"
        "def test_c(): assert os.environ['MINE'] == 'x'\n"
        "def test_d(): raise ValueError\n"
    )

    ended = run_pytest(["-q", "--rootdir=."], tmp_path, {"MINE": "x"})

    assert (ended.status, ended.failed) == (1, 1)
    assert run_pytest(["-vx", "--rootdir=."], tmp_path, {}).failed == 2
    assert ended.output.splitlines()[-1].startswith("1 failed, 3 passed")
