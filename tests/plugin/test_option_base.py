"""``--traces-base=REV``: timings of another revision, recorded in this very job."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.plugin.base_revision import Checkout

Run = Callable[..., pytest.RunResult]

TEST = """
    import shop

    START = 1_700_000_000_000

    def test_book(traces):
        for i in range(7):
            ms = shop.MS if i == 3 else 2
            traces.add({"trace_id": 1, "span_id": 1 + i, "name": f"step {chr(97 + i)}",
                        "start": START + 10 * i, "end": START + 10 * i + ms})
"""


def git(folder: Path, *args: str) -> str:
    name = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        ["git", *name, *args],
        cwd=folder, check=True, capture_output=True, text=True,
        env={**environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
    )  # fmt: skip
    return done.stdout


@pytest.fixture
def repository(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose last commit is of a fast application; the folder has a slow one."""
    package = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", str(package))
    folder = pytester.path
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text("__pycache__\n")
    (folder / "src").mkdir()
    (folder / "src" / "shop.py").write_text("MS = 2\n")
    pytester.makeini("[pytest]\npythonpath = src\n")
    pytester.makepyfile(test_it=TEST)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "fast")
    (folder / "src" / "shop.py").write_text("MS = 8\n")
    return folder


def test_this_run_is_compared_with_the_base(run: Run, repository: Path) -> None:
    """Five processes measure it; the checkout is gone afterwards."""
    run(TEST, "--traces-update=structure", subprocess=True)

    result = run(
        TEST, "--traces-base=HEAD", "--traces-strict", "--traces-report=r.json", subprocess=True
    )

    assert result.ret == 1
    result.stdout.fnmatch_lines([
        "slower than the baseline: 'step d' takes x4.00 as long",
        "  compared with 5 runs of revision HEAD; self times, the best of the repeats",
        "base HEAD (*): measured by 5 processes",
        "test_it.py::test_book: slower than the baseline: 'step d' takes x4.00 as long",
    ])  # fmt: skip
    report = json.loads((repository / "r.json").read_text())
    assert report["tests"]["test_it.py::test_book"]["baseline"]["revision"] == "HEAD"
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not (repository / ".traces").exists()


def test_tests_that_fail_in_the_base_have_no_baseline(run: Run, repository: Path) -> None:
    """Their number is said."""
    (repository / "src" / "shop.py").write_text("X = 1\n")
    git(repository, "commit", "-qam", "broken")
    (repository / "src" / "shop.py").write_text("MS = 2\n")
    source = TEST.replace("import shop\n", "").replace("shop.MS", "__import__('shop').MS")
    (repository / "test_it.py").write_text(source.replace("\n    ", "\n"))
    git(repository, "commit", "-qm", "test", "test_it.py")

    result = run(source, "--traces-base=HEAD", subprocess=True)

    result.stdout.fnmatch_lines(
        ["base HEAD (*): measured by 5 processes; 1 test failed there, and has no baseline"]
    )


def test_a_base_whose_tests_cannot_be_run_is_an_error(run: Run, repository: Path) -> None:
    """With the end of what they printed."""
    (repository / "src" / "shop.py").write_text("raise OSError('no shop')\n")
    git(repository, "commit", "-qam", "broken")

    result = run(TEST, "--traces-base=HEAD", subprocess=True)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert "--traces-base: the tests of 'HEAD' cannot be run (exit status 2):" in text
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_an_unknown_revision_is_an_error(run: Run, repository: Path) -> None:
    """Before any test runs."""
    result = run(TEST, "--traces-base=nope", subprocess=True)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert (
        "--traces-base: 'nope' is not usable; it is a commit"
        in result.stderr.str() + result.stdout.str()
    )


def test_outside_of_a_repository_it_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the folder."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / ".git").write_text("gitdir: nowhere\n")

    with pytest.raises(pytest.UsageError, match="is not in a git repository"):
        Checkout(tmp_path, "HEAD", tmp_path / "there")


def test_a_checkout_takes_the_place_of_the_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders, arguments, and what Python imports; other folders are as they are."""
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    there = tmp_path_factory.mktemp("base") / "checkout"

    checkout = Checkout(repository / "src", "HEAD", there)
    try:
        assert (there / "src" / "shop.py").read_text() == "MS = 2\n"
        assert checkout.place(repository / "src") == there / "src"
        assert checkout.place(there.parent) == there.parent
        args = [f"--rootdir={repository}", "-q", f"{repository}/test_it.py", "test_it.py"]
        assert checkout.arguments(args) == [
            f"--rootdir={there}",
            "-q",
            f"{there}/test_it.py",
            "test_it.py",
        ]
        paths = checkout.variables(repository)["PYTHONPATH"].split(os.pathsep)
        assert paths == [str(there / "src"), str(there), "elsewhere"]
        with pytest.raises(pytest.UsageError, match="git cannot check 'HEAD' out to"):
            Checkout(repository, "HEAD", there)
    finally:
        checkout.close()
    assert not there.exists()


def test_a_project_in_a_part_of_the_repository(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is imported is that of the base; also where the first failure is to end the run."""
    shop = repository / "backend" / "lib" / "shop.py"
    shop.parent.mkdir(parents=True)
    git(repository, "mv", "-f", "src/shop.py", str(shop))
    for name in ("test_it.py", "tox.ini"):
        git(repository, "mv", name, f"backend/{name}")
    (repository / "backend" / "test_a.py").write_text(
        "import shop\ndef test(): assert shop.MS > 2\n"
    )
    (repository / "backend" / "tox.ini").write_text("[pytest]\naddopts = -x\n")
    shop.write_text("MS = 2\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "moved")
    shop.write_text("MS = 8\n")
    monkeypatch.chdir(repository / "backend")
    # As pip does for what is installed in editable mode.
    monkeypatch.setenv("PYTHONPATH", str(shop.parent), prepend=os.pathsep)
    command = [sys.executable, "-m", "pytest", "-p", "pytest_traces.plugin", "--cache-clear"]

    done = subprocess.run(
        [*command, "--traces-base=HEAD", "--traces-report=r.json", "--traces", "-vx"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    assert "measured by 5 processes; 1 test failed there, and has no baseline" in done.stdout


def test_a_folder_that_is_not_in_the_base_is_an_error(
    run: Run, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words."""
    (repository / "new").mkdir()
    monkeypatch.chdir(repository / "new")

    result = run(TEST, "--traces-base=HEAD", "--rootdir=..", subprocess=True)

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stderr.str() + result.stdout.str()
    assert "--traces-base: 'HEAD' has no folder new, in which this pytest was started" in text
    assert len(git(repository, "worktree", "list").splitlines()) == 1


def test_an_interruption_leaves_no_checkout(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that comes while git is at it."""
    there = tmp_path_factory.mktemp("base") / "checkout"
    really_run = subprocess.run

    def interrupted(command: list[str], **options: Any) -> Any:
        done = really_run(command, **options)
        if "add" in command:
            raise KeyboardInterrupt
        return done

    with monkeypatch.context() as patch:
        patch.setattr(subprocess, "run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Checkout(repository, "HEAD", there)
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    assert not there.exists()
