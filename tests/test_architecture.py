"""The floor plan as law: who may import what, what may be raised where, how large a room may be."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_traces"
#: Data flows down this list: a room imports only from rooms above it.
ROOMS = (
    "settings",
    "model",
    "headers",
    "forest",
    "assembly",
    "recording",
    "forking",
    "encoding",
    "sources",
    "shape",
    "propagation",
    "wire",
    "timing",
    "report",
    "traces",
    "options",
    "plugin",
    "__main__",
)
#: Where an outside library may be imported, lazily or not.
HOMES = {
    "pytest": ("options.py", "plugin/"),
    "opentelemetry": ("sources/opentelemetry/", "encoding/otlp_proto.py"),
    "google": ("encoding/otlp_proto.py",),  # protobuf, which opentelemetry-proto brings
    "grpc": ("sources/otlp/grpc.py",),
    "sentry_sdk": ("sources/sentry/",),
    "anyio": ("wire/stand_in/",),  # httpx brings it
    "httpx": ("wire/stand_in/",),
    "respx": ("wire/stand_in/",),
}
HEAVY = ("opentelemetry", "httpx", "respx", "sentry_sdk", "http.server", "html", "asyncio")
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, in functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}: imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    """Lazy imports and those for type checkers count."""
    if path.name == "__init__.py" and path.parent == PACKAGE:
        return  # the front door shows what lies in the rooms
    allowed = ROOMS[: ROOMS.index(room_of(path)) + 1]
    for module in imports(path):
        if module.partition(".")[0] == "pytest_traces":
            assert module.split(".")[1] in allowed, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_outside_libraries_are_imported_only_at_home(path: Path) -> None:
    """pytest at the edge, each traced library in its own source, anything else nowhere."""
    for module in imports(path):
        library = module.partition(".")[0]
        if library in sys.stdlib_module_names or library == "pytest_traces":
            continue
        assert name_of(path).startswith(HOMES.get(library, ("nowhere",))), (
            f"{name_of(path)} imports {module}"
        )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_failures_are_raised_in_one_room(path: Path) -> None:
    """No bare assert, which pytest would rewrite; AssertionError only where assertions live."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Assert), f"{name_of(path)}:{node.lineno}"
        if isinstance(node, ast.Raise) and "AssertionError" in ast.unparse(node):
            assert room_of(path) == "traces", f"{name_of(path)}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_modules_and_functions_stay_small(path: Path) -> None:
    """Modules of at most 300 lines, functions of at most 40 without their docstring."""
    text = path.read_text(encoding="utf-8")
    docstrings = 0
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        length = (node.end_lineno or 0) - node.lineno + 1
        if ast.get_docstring(node) is not None:
            lines = (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            docstrings += lines
            length -= lines
        if not isinstance(node, ast.ClassDef):
            assert length <= 40, f"{name_of(path)}:{node.lineno} {node.name} has {length} lines"
    assert len(text.splitlines()) - docstrings <= 300, name_of(path)


def test_every_room_is_on_the_plan() -> None:
    """A new room is entered in the list, at its place in the flow of data."""
    assert {room_of(path) for path in MODULES} == {*ROOMS, "__init__"}


def test_loading_the_plugin_imports_nothing_heavy(tmp_path: Path) -> None:
    """Seen at the very end of a session whose one test asks for no trace."""
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    (tmp_path / "dump.py").write_text(
        "import os, sys\n"
        "def pytest_unconfigure(config):\n"
        "    open(os.environ['DUMP'], 'w').write('\\n'.join(sys.modules))\n"
    )

    def modules(*plugins: str) -> set[str]:
        dump = tmp_path / "modules.txt"
        options = [option for plugin in ("dump", *plugins) for option in ("-p", plugin)]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, *options, "test_nothing.py"],
            cwd=tmp_path,
            env={
                **os.environ,
                "DUMP": str(dump),
                "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
                "PYTHONPATH": os.pathsep.join([str(tmp_path), str(PACKAGE.parent)]),
            },
            check=True,
            capture_output=True,
        )
        return set(dump.read_text().split())

    added = modules("pytest_traces.plugin") - modules()

    assert {name for name in added if name.startswith(HEAVY)} == set()
    assert {name.partition(".")[0] for name in added} == {"pytest_traces"}
    assert len(added) <= 14, sorted(added)
