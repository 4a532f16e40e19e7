"""Where and when a run takes place: what makes its timings comparable, and what names it."""

from __future__ import annotations

import os
import platform
import re
import secrets
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

#: The environment variable that gives a run its name, for the parts of one run.
RUN_VARIABLE = "PYTEST_TRACES_RUN"
_NO_SLUG = re.compile(r"[^a-z0-9_.]+")


def interpreter() -> str:
    """The implementation and the minor version: ``cpython-3.12``, ``cpython-3.13t``."""
    free = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{_slug(platform.python_implementation())}-{_minor()}{free}"


def environment_key(workers: int) -> str:
    """The name of this environment: ``cpython-3.12-linux-x86_64-n2``.

    Args:
        workers: the number of processes of pytest-xdist, or 0.
    """
    system = _slug(platform.system() or sys.platform)
    machine = _slug(platform.machine() or "unknown")
    return f"{interpreter()}-{system}-{machine}-n{workers}"


def _minor() -> str:
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def _slug(text: str) -> str:
    return _NO_SLUG.sub("_", text.lower())


def run_key(environ: Mapping[str, str]) -> str:
    """The name of this run: the same in all its parts where the environment names it.

    That is ``PYTEST_TRACES_RUN``, or the run and the attempt of GitHub Actions; else a new name.
    """
    if given := environ.get(RUN_VARIABLE):
        return given
    if run := environ.get("GITHUB_RUN_ID"):
        return f"github-{run}.{environ.get('GITHUB_RUN_ATTEMPT', '1')}"
    return secrets.token_hex(8)


def is_ci(environ: Mapping[str, str]) -> bool:
    """Whether this is a machine of continuous integration, as the variable ``CI`` says."""
    return environ.get("CI", "").strip().lower() not in ("", "0", "false")


def now_in_words() -> str:
    """The time in UTC, to the millisecond: ``2026-11-22T23:05:00.000Z``."""
    now = datetime.now(timezone.utc)
    return now.strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1_000:03}Z"


def revision_of(folder: Path, environ: Mapping[str, str] = os.environ) -> str | None:
    """The commit that is checked out, as far as git or GitHub Actions says it."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return environ.get("GITHUB_SHA") or None
    found = done.stdout.strip()
    return found if done.returncode == 0 and found else environ.get("GITHUB_SHA") or None
