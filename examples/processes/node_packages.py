"""What npm has to bring before anything of the folder ``node`` can run."""

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

NODE = Path(__file__).parent / "node"


class Unavailable(Exception):
    """Why it cannot be had here."""


def find_node() -> str:
    """The path of Node.js."""
    return _find("node")


def install() -> None:
    """Installs what package-lock.json names, unless it is there, and bundles the page."""
    npm = _find("npm")
    with _alone():
        if _older("node_modules/.package-lock.json", "package-lock.json"):
            _run(npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")
        if _older("dist/page.js", "page.js", "package-lock.json"):
            _run(npm, "run", "build")


def _older(made: str, *sources: str) -> bool:
    file = NODE / made
    return not file.exists() or file.stat().st_mtime < max(
        (NODE / source).stat().st_mtime for source in sources
    )


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        msg = f"{program} is not on the PATH: install Node.js"
        raise Unavailable(msg)
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=NODE, check=False, capture_output=True, text=True)
    if done.returncode:
        msg = f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"
        raise Unavailable(msg)


@contextmanager
def _alone() -> Iterator[None]:
    """Other workers of pytest-xdist wait.

    SQLite's lock, because it exists on every system, and goes with the process that holds it.
    """
    made = NODE / "dist"
    made.mkdir(exist_ok=True)
    with closing(sqlite3.connect(made / ".lock", timeout=600, isolation_level=None)) as lock:
        lock.execute("begin exclusive")
        yield
        lock.execute("rollback")
