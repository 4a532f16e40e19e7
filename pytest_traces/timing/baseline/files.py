"""Baselines on disk: read with clear errors, written so that nothing is ever lost."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})( |$)")
_DIGITS = re.compile(r"\d+")
_KEY = re.compile(r'(\s*)("(?:[^"\\]|\\.)*")\s*:')


class BaselineError(Exception):
    """A file that cannot be used: which, in which line, why, and what to do.

    Example:
        >>> str(error)
        'tests/test_x.traces.json:12: a merge is not finished here; ...'
    """

    def __init__(self, shown: str, line: int | None, problem: str, advice: str) -> None:
        super().__init__(shown, line, problem, advice)
        self.shown = shown
        self.line = line
        self.problem = problem
        self.advice = advice

    def __str__(self) -> str:
        place = self.shown if self.line is None else f"{self.shown}:{self.line}"
        return f"{place}: {self.problem}; {self.advice}"


class Kind(NamedTuple):
    """A kind of file: what it says of itself, its newest version, and how to get a new one."""

    format: str
    version: int
    repair: str
    #: How many levels of it have their entries on lines of their own.
    levels: int


class Document(NamedTuple):
    """What a file says, before it is understood."""

    shown: str
    kind: Kind
    text: str
    data: dict[str, Any]

    def fail(self, problem: str, *keys: str, advice: str | None = None) -> NoReturn:
        """Raise the error for the place that these texts lead to, as far as they are there."""
        raise BaselineError(self.shown, self._line(keys), problem, advice or self.kind.repair)

    def _line(self, keys: Sequence[str]) -> int:
        position = 0
        for key in keys:
            found = self.text.find(dumped(key), position)
            if found < 0:  # it is missing, or written in another way
                break
            position = found
        return self.text.count("\n", 0, position) + 1


def read_document(path: Path, kind: Kind, shown: str) -> Document | None:
    """What the file says, if there is one; its fields are not checked yet.

    Args:
        path: the file.
        kind: what it has to be.
        shown: how messages name it.

    Raises:
        BaselineError: it cannot be read, is cut off or no JSON, has conflict markers, a name
            twice, another format, or a newer version.
    """
    text = _text_of(path, kind, shown)
    if text is None:
        return None
    for number, line in enumerate(text.split("\n"), 1):
        if _CONFLICT.match(line.rstrip("\r")):
            problem = "a merge is not finished here (conflict markers)"
            raise BaselineError(shown, number, problem, f"take either side, or {kind.repair}")
    document = Document(shown, kind, text, _parsed(text, kind, shown))
    if document.data.get("format") != kind.format:
        said = document.data.get("format")
        problem = f'its "format" is {said!r}, not {kind.format!r}'
        document.fail(problem, "format", advice="is it another file?")
    version = document.data.get("version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        document.fail(f'its "version" is {version!r}, not a number from 1', "version")
    if version > kind.version:
        problem = f"it is of version {version}; this pytest-traces knows {kind.version}"
        document.fail(problem, "version", advice="a newer pytest-traces can read it")
    return document


def _text_of(path: Path, kind: Kind, shown: str) -> str | None:
    problem = "it is a folder"
    try:
        if not path.is_dir():
            return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = f"it cannot be read ({error.strerror})"
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise BaselineError(shown, line, "this is no text in UTF-8", kind.repair) from None
    raise BaselineError(shown, None, problem, "it has to be a file that can be read and written")


def _parsed(text: str, kind: Kind, shown: str) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            line, key = _first_twice(text)
            raise BaselineError(shown, line, f"{key} is here twice", kind.repair)
        return found

    try:
        data = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        is_cut = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        problem = "it is cut off here" if is_cut else f"this is no JSON ({error.msg})"
        raise BaselineError(shown, error.lineno, problem, kind.repair) from None
    except RecursionError:
        raise BaselineError(shown, 1, "it is nested too deeply", kind.repair) from None
    except ValueError:  # no number of ours has thousands of digits
        line = _line_of_the_longest_number(text)
        raise BaselineError(shown, line, "a number here is too long", kind.repair) from None
    if not isinstance(data, dict):
        raise BaselineError(shown, 1, "this is no JSON object", kind.repair)
    return data


def _line_of_the_longest_number(text: str) -> int:
    longest = max(_DIGITS.finditer(text), key=lambda found: found.end() - found.start())
    return text.count("\n", 0, longest.start()) + 1


def _first_twice(text: str) -> tuple[int | None, str]:
    """The line of the first name that is twice in one object, as such files are laid out."""
    seen: dict[int, set[str]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        found = _KEY.match(line)
        if found is None:
            continue
        indent, key = len(found[1]), found[2]
        for deeper in [one for one in seen if one > indent]:
            del seen[deeper]
        if key in seen.setdefault(indent, set()):
            return number, key
        seen[indent].add(key)
    return (None if "\n" in text.strip() else 1), "a name"


def dumped(value: object) -> str:
    """A value as JSON on one line, readable where it can be encoded."""
    text = json.dumps(value, ensure_ascii=False)
    return text if _is_encodable(text) else json.dumps(value)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False
    return True


def laid_out(kind: Kind, fields: Mapping[str, object]) -> str:
    """The text of a file: its format and version, then the fields; so many levels are spread."""
    head = {"format": kind.format, "version": kind.version}
    return _spread({**head, **fields}, kind.levels, "") + "\n"


def _spread(value: object, levels: int, indent: str) -> str:
    if not levels or not value or not isinstance(value, dict | list):
        return dumped(value)
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [f"{dumped(k)}: {_spread(v, levels - 1, inner)}" for k, v in value.items()]
        begin, end = "{", "}"
    else:
        parts = [_spread(one, levels - 1, inner) for one in value]
        begin, end = "[", "]"
    return f"{begin}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{end}"


def write_text(path: Path, text: str, shown: str) -> bool:
    """Put the text in the place of the file at one instant; whatever fails, the old one stays.

    Returns:
        Whether anything has changed.

    Raises:
        BaselineError: it cannot be written.
    """
    data = text.encode()
    target = Path(os.path.realpath(path))  # a link stays a link
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        if target.is_file() and target.read_bytes() == data:
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if target.exists():
                shutil.copymode(target, unfinished)
            unfinished.replace(target)
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
    except OSError as error:
        problem = f"it cannot be written ({error.strerror}), and is as it was"
        advice = "its folder has to be one that can be written to"
        raise BaselineError(shown, None, problem, advice) from None
    return True


def ignored_folder(folder: Path) -> None:
    """Make the folder, or ``.traces`` around it, with a note to git to leave it alone.

    Raises:
        OSError: it cannot be made.
    """
    top = folder.parent if folder.parent.name == ".traces" else folder
    if not top.exists():
        top.mkdir(parents=True, exist_ok=True)
        note = "# Made by pytest-traces: timings are of one machine.\n*\n"
        (top / ".gitignore").write_text(note, encoding="utf-8")
    folder.mkdir(exist_ok=True)


@contextmanager
def locked(folder: Path) -> Generator[None, None, None]:
    """Hold the folder against other processes, so that what is read is what is replaced.

    The system gives the lock back should this process die. Where the file system knows no
    locks, there is none.
    """
    if sys.platform == "win32":
        handle = os.open(folder / ".pytest-traces.lock", os.O_RDWR | os.O_CREAT)
    else:
        handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            if sys.platform == "win32":
                msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            else:
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
