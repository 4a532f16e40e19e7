"""What names an environment and a run."""

import re
import subprocess
import sys

import pytest

from pytest_traces.timing.baseline.environment import (
    environment_key,
    interpreter,
    is_ci,
    now_in_words,
    revision_of,
    run_key,
)


def test_the_name_of_an_environment_can_be_read():
    """It is that of a file, too: the interpreter, the system, the machine, the processes."""
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"

    assert re.fullmatch(r"[a-z]+-" + re.escape(minor) + "t?", interpreter())
    assert re.fullmatch(interpreter() + r"-[a-z]+-[a-z0-9_]+-n2", environment_key(2))
    assert environment_key(0) != environment_key(2)


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"PYTEST_TRACES_RUN": "mine", "GITHUB_RUN_ID": "7"}, "mine"),
        ({"GITHUB_RUN_ID": "7", "GITHUB_RUN_ATTEMPT": "2"}, "github-7.2"),
        ({"GITHUB_RUN_ID": "7"}, "github-7.1"),
    ],
)
def test_the_parts_of_a_run_have_one_name(environ, key):
    """Where the environment names it."""
    assert run_key(environ) == key


def test_other_runs_have_names_of_their_own():
    """No two are alike."""
    assert run_key({}) != run_key({})


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("true", True), ("1", True), ("yes", True), ("", False), ("0", False), ("False", False)],
)
def test_ci_is_what_the_variable_says(value, is_one):
    """Unless it says no."""
    assert is_ci({"CI": value}) is is_one
    assert not is_ci({})


def test_the_time_is_written_in_utc():
    """To the millisecond, so that texts sort as times do."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now_in_words())


def test_the_revision_is_that_of_git(tmp_path, monkeypatch):
    """Without git, or without a repository, that of the environment, or none."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert revision_of(tmp_path, {}) is None
    assert revision_of(tmp_path, {"GITHUB_SHA": "abc"}) == "abc"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision_of(tmp_path, {}) is None
    assert revision_of(tmp_path, {"GITHUB_SHA": "abc"}) == "abc"


def test_the_revision_of_a_repository(tmp_path):
    """The whole name of the commit that is checked out."""
    try:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True, capture_output=True)
    except OSError:
        pytest.skip("git is not installed")
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(
        ["git", *identity, "commit", "-q", "--allow-empty", "-m", "one"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip

    assert re.fullmatch(r"[0-9a-f]{40,64}", revision_of(tmp_path, {}))
