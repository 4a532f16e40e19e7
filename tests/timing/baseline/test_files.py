"""Writing: at one instant, and nothing is lost whatever fails."""

import multiprocessing
import os
import stat
import sys
from pathlib import Path

import pytest

from pytest_traces.timing.baseline.files import (
    BaselineError,
    Kind,
    ignored_folder,
    locked,
    read_document,
    write_text,
)


def failing(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", ["os.fsync", "pathlib.Path.replace"])
def test_whatever_fails_the_old_file_stays(tmp_path, monkeypatch, step):
    """And nothing unfinished is left beside it."""
    path = tmp_path / "x.json"
    path.write_text("old", encoding="utf-8")
    monkeypatch.setattr(step, failing)

    with pytest.raises(BaselineError) as caught:
        write_text(path, "new", "x.json")
    assert str(caught.value) == (
        "x.json: it cannot be written (No space left on device), and is as it was; "
        "its folder has to be one that can be written to"
    )
    assert path.read_text(encoding="utf-8") == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["x.json"]


def test_a_folder_that_is_a_file_is_told(tmp_path):
    """Nothing can be written into it."""
    (tmp_path / "x").write_text("", encoding="utf-8")

    with pytest.raises(BaselineError, match=r"x/y\.json: it cannot be written"):
        write_text(tmp_path / "x" / "y.json", "new", "x/y.json")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions and links of POSIX")
def test_permissions_and_links_stay(tmp_path):
    """What a link points at is replaced, not the link."""
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    real.write_text("old", encoding="utf-8")
    real.chmod(0o640)
    link.symlink_to(real)

    assert write_text(link, "new", "x")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_what_stays_the_same_is_not_written(tmp_path, monkeypatch):
    """The file keeps its times."""
    path = tmp_path / "x.json"
    assert write_text(path, "text\n", "x")
    monkeypatch.setattr("os.fsync", failing)
    assert not write_text(path, "text\n", "x")


def test_the_folder_of_timings_is_not_committed(tmp_path):
    """Git is told once; what somebody else says there stays."""
    ignored_folder(tmp_path / ".traces" / "timings")
    note = tmp_path / ".traces" / ".gitignore"
    assert note.read_text(encoding="utf-8").splitlines()[1:] == ["*"]
    assert list((tmp_path / ".traces" / "timings").iterdir()) == []

    note.write_text("mine", encoding="utf-8")
    ignored_folder(tmp_path / ".traces" / "timings")
    assert note.read_text(encoding="utf-8") == "mine"

    ignored_folder(tmp_path / "elsewhere")
    assert [one.name for one in (tmp_path / "elsewhere").iterdir()] == [".gitignore"]


def test_a_path_that_cannot_even_be_looked_at_is_told(tmp_path):
    """Whatever the system says, it is an error of this file."""
    kind = Kind("x", 1, "restore it", levels=1)

    with pytest.raises(
        BaselineError, match=r"^x: it cannot be read \(File name too long\); it has"
    ):
        read_document(tmp_path / ("x" * 300), kind, "x")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="permissions of POSIX, which root has all"
)
def test_a_folder_that_must_not_be_looked_into_is_told(tmp_path):
    """Of its files nobody knows whether they are there."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    try:
        with pytest.raises(BaselineError, match=r"^x: it cannot be read \(Permission denied\)"):
            read_document(folder / "x.json", Kind("x", 1, "restore it", levels=1), "x")
    finally:
        folder.chmod(0o700)


def count_up(path: Path, times: int) -> None:
    for _ in range(times):
        with locked(path.parent):
            write_text(path, str(int(path.read_text(encoding="utf-8")) + 1), "x")


def test_what_is_read_under_the_lock_is_what_is_replaced(tmp_path):
    """Two processes count up together, and no step is lost."""
    path = tmp_path / "number"
    path.write_text("0", encoding="utf-8")
    context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "fork")
    both = [context.Process(target=count_up, args=(path, 50)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()

    assert path.read_text(encoding="utf-8") == "100"
