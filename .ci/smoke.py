"""Does the wheel work where the sources are not?

Builds the sdist and, from it, the wheel; installs the wheel into a new environment outside the
checkout, and runs the hand-written example there, with one more test that looks where the plugin
came from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

TEST_INSTALLED = """
import sysconfig
from pathlib import Path

def test_the_plugin_is_the_installed_one(request):
    plugin = Path(request.config.pluginmanager.get_plugin("traces").__file__)
    assert plugin.is_relative_to(sysconfig.get_path("purelib"))
    assert (plugin.parents[1] / "py.typed").exists()
"""


def build(into: Path) -> Path:
    """The wheel, made from the sdist."""
    run(sys.executable, "-m", "build", "--outdir", str(into), str(ROOT), quiet=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def install(wheel: Path, into: Path) -> str:
    """The Python of a new environment in which there is this wheel, and what it requires."""
    venv.create(into, with_pip=True)
    python = str(into / ("Scripts" if os.name == "nt" else "bin") / "python")
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel))
    return python


def run(*command: str, cwd: Path | None = None, quiet: bool = False) -> None:
    """Runs it without what this process's environment says of Python; ends this one if it fails."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        command, cwd=cwd, env=environment, check=False, text=True, capture_output=quiet
    )
    if done.returncode:
        sys.exit(f"{done.stdout or ''}{done.stderr or ''}failed: {' '.join(command)}")


def main() -> None:
    """Builds, installs, tests."""
    with tempfile.TemporaryDirectory(prefix="pytest-traces-") as folder:
        away = Path(folder)
        wheel = build(away / "dist")
        python = install(wheel, away / "venv")
        tests = away / "tests"
        shutil.copytree(
            ROOT / "examples" / "handwritten",
            tests / "handwritten",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        (tests / "test_installed.py").write_text(TEST_INSTALLED, encoding="utf-8")
        print(f"installed from {wheel.name}:", flush=True)
        run(python, "-m", "pytest", "-q", "--import-mode=importlib", cwd=tests)


if __name__ == "__main__":
    main()
