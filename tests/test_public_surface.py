"""What can be imported is what is listed, and all of it is explained."""

import importlib.util
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_traces

ROOT = Path(pytest_traces.__file__).parent


def members() -> list[tuple[str, object]]:
    """Every public function, class, method and property, by its dotted name."""
    found: list[tuple[str, object]] = []
    for name in pytest_traces.__all__:
        value = getattr(pytest_traces, name)
        found.append((name, value))
        if not inspect.isclass(value):
            continue
        for attribute, raw in (
            inspect.getmembers_static(value)
            if sys.version_info >= (3, 11)
            else ((one, inspect.getattr_static(value, one)) for one in dir(value))
        ):
            if attribute.startswith("_"):
                continue
            inner = raw.__func__ if isinstance(raw, staticmethod | classmethod) else raw
            own = getattr(inner, "fget", inner)
            if inspect.isfunction(own) and own.__module__.startswith("pytest_traces"):
                found.append((f"{name}.{attribute}", inner))
    return found


def test_every_listed_name_can_be_imported():
    """And is what its home calls by that name."""
    for name in pytest_traces.__all__:
        value = getattr(pytest_traces, name)
        assert value.__name__ == name
        assert value.__module__.startswith("pytest_traces.")


def test_the_list_is_sorted_and_has_no_name_twice():
    """So that a new one has its place."""
    assert pytest_traces.__all__ == sorted(set(pytest_traces.__all__))


def test_everything_can_be_imported_at_once():
    """By ``from pytest_traces import *``: what is listed, and nothing else."""
    namespace: dict[str, object] = {}
    exec("from pytest_traces import *", namespace)

    assert set(namespace) - {"__builtins__"} == set(pytest_traces.__all__)


def test_dir_shows_what_is_listed_before_it_is_imported():
    """A fresh interpreter completes every name."""
    code = (
        "import pytest_traces as p, sys; listed = set(dir(p)) >= set(p.__all__); "
        "lazy = 'pytest_traces.traces' not in sys.modules; sys.exit(not (listed and lazy))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_of_the_package_is_listed():
    """Beside those of its rooms."""
    rooms = {path.stem for path in ROOT.iterdir()}
    # pytest adds names that are no identifiers to the modules of a plugin.
    public = {one for one in vars(pytest_traces) if one.isidentifier() and one[0] != "_"}

    assert public - rooms - {"annotations", "importlib", "TYPE_CHECKING"} <= set(
        pytest_traces.__all__
    )


def test_a_name_that_is_not_there_is_missed_as_ever():
    """Also by ``hasattr``."""
    with pytest.raises(AttributeError, match="module 'pytest_traces' has no attribute 'nothing'"):
        _ = pytest_traces.nothing
    assert not hasattr(pytest_traces, "nothing")


def test_the_package_says_that_it_is_typed():
    """Type checkers look for the file."""
    assert (ROOT / "py.typed").is_file()


@pytest.mark.parametrize(("name", "value"), members(), ids=[name for name, _ in members()])
def test_everything_public_is_explained(name, value):
    """In a docstring that begins with a sentence."""
    text = inspect.getdoc(value) or ""
    first = text.splitlines()[0] if text else ""

    assert first, name
    assert first.rstrip().endswith((".", ":")), first


@pytest.mark.parametrize(("name", "value"), members(), ids=[name for name, _ in members()])
def test_every_public_function_is_annotated(name, value):
    """Each parameter, and what it gives."""
    own = getattr(value, "fget", value)
    if not inspect.isfunction(own):
        return
    signature = inspect.signature(own)
    missing = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]

    assert missing == []
    assert signature.return_annotation is not signature.empty


@pytest.mark.parametrize(
    "name",
    ["record", "span", "glob", "in_order", "Traces", "Span"]
    + [
        f"Traces.{method}"
        for method in ("add", "tap", "watch", "start_span", "load", "fetch", "get", "find", "only", "ignoring",
                       "without", "eventually", "settled", "assert_tree", "assert_subtree",
                       "assert_path", "assert_count", "assert_none", "assert_no_errors")
    ],
)  # fmt: skip
def test_what_is_used_most_has_an_example(name):
    """In its docstring."""
    value: object = pytest_traces
    for part in name.split("."):
        value = getattr(value, part)

    assert ">>> " in (inspect.getdoc(value) or "")


def test_the_errors_are_kinds_of_value_error():
    """So that nobody needs their names to catch them."""
    for name in ("BadValue", "OutlineError", "PatternError", "UnreadableSpan", "UnreadableTrace"):
        assert issubclass(getattr(pytest_traces, name), ValueError)


def test_every_home_in_the_table_is_a_module():
    """None has been left behind by a move."""
    for home in set(pytest_traces._HOMES.values()):
        assert importlib.util.find_spec(f"pytest_traces.{home}") is not None
    assert set(pytest_traces._HOMES) == set(pytest_traces.__all__)
