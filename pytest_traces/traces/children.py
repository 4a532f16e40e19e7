"""Child processes that a test runs to their end, and what they have to say when it is a bad one."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from pytest_traces.report.words import cut

_POSIX = os.name == "posix"
#: Of a child's output so much is shown.
_MOST_LINES = 60
#: So much of a command, and of its last line.
_LONGEST = 50
_WIDEST = 70
_GRACE_S = 5.0
#: What colours a terminal or moves its cursor, and what else is no text.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")


class Ended(NamedTuple):
    """A child that is over.

    ``timed_out``: it had to be killed; ``left_behind``: it had ended, but not what it had started.
    """

    process: subprocess.CompletedProcess[str]
    timed_out: bool
    left_behind: bool


def title_of(args: Any) -> str:
    """The command as a user would write it, shortened."""
    words = [args] if isinstance(args, str | bytes | os.PathLike) else list(args)
    program, *arguments = [os.fsdecode(word) for word in words]
    name = program if " " in program else os.path.basename(program)  # noqa: PTH119  # or a shell's
    return _CONTROL.sub("?", cut(" ".join([name, *map(shlex.quote, arguments)]), _LONGEST))


def check_popen(given: str | None, popen: Mapping[str, Any]) -> None:
    """Whether these are arguments with which a child can be started.

    Raises:
        TypeError: one that there is not.
        ValueError: two that exclude each other.
    """
    known = inspect.signature(subprocess.Popen).parameters
    if "capture_output" in popen:
        raise TypeError("run: capture_output= is not needed: output is captured anyway")
    for name in popen:
        if name == "args" or name not in known:
            raise TypeError(f"run: {name}= is no argument of it, nor of subprocess.Popen")
    if given is not None and popen.get("stdin") is not None:
        raise ValueError("run: input= and stdin= cannot be given both")


def run_child(args: Any, timeout_s: float, given: str | None, popen: dict[str, Any]) -> Ended:
    """Start it, wait for it, and kill it with all that it has started when the time is over.

    Args:
        args: as for :class:`subprocess.Popen`.
        timeout_s: how long it may take.
        given: what it reads from its standard input.
        popen: further arguments of Popen.

    Raises:
        OSError: it cannot be started; of the same type as Popen's own, in one line.
        TypeError, ValueError: Popen's own.
    """
    __tracebackhide__ = True
    defaults: dict[str, Any] = {
        "stdin": subprocess.DEVNULL if given is None else subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "errors": "replace",
    }
    if _POSIX and popen.get("process_group") is None:
        defaults["start_new_session"] = True  # to end what it has started, too
    if not {"text", "universal_newlines", "encoding"}.isdisjoint(popen):
        del defaults["text"], defaults["errors"]
    options = {**defaults, **popen}
    is_leader = bool(options.get("start_new_session")) or options.get("process_group") == 0
    process = _started(args, options)
    timed_out = left_behind = False
    try:
        out, err = process.communicate(given, timeout_s)
    except subprocess.TimeoutExpired:
        left_behind = process.poll() is not None
        timed_out = not left_behind
        _kill(process, is_leader=is_leader)
        out, err = _rest(process)
    except BaseException:
        _kill(process, is_leader=is_leader)
        process.wait()
        raise
    done = subprocess.CompletedProcess(args, process.returncode, out, err)
    return Ended(done, timed_out, left_behind)


def _started(args: Any, options: dict[str, Any]) -> subprocess.Popen[Any]:
    __tracebackhide__ = True
    try:
        return subprocess.Popen(args, **options)
    except OSError as error:
        name = None if error.filename is None else os.fsdecode(error.filename)
        is_cwd = options.get("cwd") is not None and os.fsdecode(options["cwd"]) == name
        what = "cannot be started" + (" in its cwd" if is_cwd else "")
        text = f"{title_of(args)} {what}: {error.strerror}"
        raise type(error)(error.errno, text, name) from None
    except (TypeError, ValueError, subprocess.SubprocessError) as error:
        raise error.with_traceback(None) from None


def _kill(process: subprocess.Popen[Any], *, is_leader: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        if is_leader:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _rest(process: subprocess.Popen[Any]) -> tuple[Any, Any]:
    try:
        return process.communicate(timeout=_GRACE_S)
    except subprocess.TimeoutExpired as error:  # somebody else has its output open
        process.wait()
        for stream in (process.stdout, process.stderr, process.stdin):
            if stream is not None:
                stream.close()
        return error.output, error.stderr


def end_of(code: int) -> str:
    """How it ended, in words."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed by {name}"


def output_lines(process: subprocess.CompletedProcess[str]) -> list[str]:
    """What it has written, the end of it where it is much."""
    lines: list[str] = []
    for name, text in (("stdout", process.stdout), ("stderr", process.stderr)):
        written = _lines(text)
        if not written:
            continue
        lines.append(f"  {name}:")
        if len(written) > _MOST_LINES:
            lines.append(f"    … {len(written) - _MOST_LINES} lines before")
        lines += [f"    {line}" for line in written[-_MOST_LINES:]]
    return lines or ["  it wrote nothing"]


def last_line(process: subprocess.CompletedProcess[str]) -> str | None:
    """The last line of its errors, or else of its output; None where it wrote nothing."""
    lines = [*_lines(process.stdout), *_lines(process.stderr)]
    written = [line for line in lines if line.strip()]
    return cut(written[-1], _WIDEST) if written else None


def _lines(text: object) -> Sequence[str]:
    if isinstance(text, bytes):
        text = text.decode(sys.getfilesystemencoding(), "replace")
    if not isinstance(text, str):
        return ()
    return [_CONTROL.sub("?", _ESCAPES.sub("", line)) for line in text.rstrip().splitlines()]
