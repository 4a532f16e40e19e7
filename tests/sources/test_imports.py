"""Acting on a module at its import: modules and packages made for the test."""

import importlib
import importlib.util
import sys
import threading
import warnings
import zipfile

import pytest

from pytest_traces.sources.imports import ImportWatch


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that can be imported, and forgets them afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    known = set(sys.modules)

    def write(**texts):
        for name, text in texts.items():
            (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()

    yield write
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.fixture
def watching(modules):
    """Starts watches and stops them."""
    watches = []

    def start(*names, on_import=None):
        seen = []
        act = on_import or (lambda module: seen.append((module.__name__, dict(vars(module)))))
        watch = ImportWatch(dict.fromkeys(names, act))
        watch.start()
        watches.append(watch)
        return watch, seen

    yield start
    for watch in watches:
        watch.stop()
    assert not any(isinstance(finder, ImportWatch) and finder in watches
                   for finder in sys.meta_path)  # fmt: skip


def test_imported_later(modules, watching):
    """The function gets the module when it has been executed, before its importer goes on."""
    modules(watched="VALUE = 1", other="import watched; SEEN = 1")
    _, seen = watching("watched")
    assert seen == []
    importlib.import_module("other")
    assert [name for name, _ in seen] == ["watched"]
    assert seen[0][1]["VALUE"] == 1


def test_imported_before(modules, watching):
    """A module that is there already is acted on at once."""
    modules(watched="")
    importlib.import_module("watched")
    _, seen = watching("watched")
    assert [name for name, _ in seen] == ["watched"]


def test_never_imported(modules, watching):
    """Watching does not import, and other modules are none of its business."""
    modules(watched="", other="")
    _, seen = watching("watched")
    importlib.import_module("other")
    assert importlib.util.find_spec("watched") is not None
    assert seen == []
    assert "watched" not in sys.modules


def test_reloaded(modules, watching):
    """A reload makes new objects, so it counts again."""
    modules(watched="")
    _, seen = watching("watched")
    module = importlib.import_module("watched")
    importlib.reload(module)
    assert len(seen) == 2
    assert "exec_module" not in vars(module.__spec__.loader)


def test_stopped(modules, watching):
    """After the end of the watch nothing is acted on, not even a module found before it."""
    modules(watched="")
    watch, seen = watching("watched")
    spec = importlib.util.find_spec("watched")
    watch.stop()
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    importlib.import_module("watched")
    assert seen == []


def test_one_watched_module_imports_another(modules, watching):
    """Both are acted on, the inner one first."""
    modules(outer="import inner", inner="")
    _, seen = watching("outer", "inner")
    importlib.import_module("outer")
    assert [name for name, _ in seen] == ["inner", "outer"]


def test_in_a_zip_archive(tmp_path, modules, watching, monkeypatch):
    """The modules of an archive share one loader; each is acted on once."""
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("outer.py", "import inner")
        archive.writestr("inner.py", "import third")
        archive.writestr("third.py", "")
    monkeypatch.syspath_prepend(tmp_path / "packed.zip")
    _, seen = watching("outer", "inner")
    module = importlib.import_module("outer")
    assert [name for name, _ in seen] == ["inner", "outer"]
    assert "exec_module" not in vars(module.__spec__.loader)


def test_module_that_fails(modules, watching):
    """An import that fails is no import; the next attempt counts."""
    modules(watched="raise KeyError")
    _, seen = watching("watched")
    with pytest.raises(KeyError):
        importlib.import_module("watched")
    assert seen == []
    modules(watched="a_longer_text_than_before = 1")
    importlib.import_module("watched")
    assert len(seen) == 1


def test_two_watches(modules, watching):
    """Two watches for one module both get it, and each import is found once more by neither."""
    modules(watched="")
    _, first = watching("watched")
    _, second = watching("watched")
    importlib.import_module("watched")
    assert len(first) == len(second) == 1


def test_hook_that_fails(modules, watching):
    """It warns, says why afterwards, and the import succeeds."""
    modules(watched="VALUE = 1")

    def broken(module):
        raise LookupError("no such class")

    watch, _ = watching("watched", on_import=broken)
    text = "pytest-traces could not hook watched: LookupError: no such class"
    with pytest.warns(UserWarning, match=text):
        assert importlib.import_module("watched").VALUE == 1
    assert watch.faults == {"watched": text}


def test_hook_that_fails_where_warnings_are_errors(modules, watching):
    """The application's import succeeds there, too."""
    modules(watched="VALUE = 1")
    watch, _ = watching("watched", on_import=lambda module: 1 / 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert importlib.import_module("watched").VALUE == 1
    assert list(watch.faults) == ["watched"]


def test_loader_of_the_old_kind(modules, watching):
    """A loader that cannot be watched is named, and loads."""

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "watched":
                return importlib.util.spec_from_loader(name, Fixed())
            return None

    class Fixed:
        __slots__ = ()

        def create_module(self, spec):
            return None

        def exec_module(self, module):
            module.VALUE = 1

    sys.meta_path.insert(0, Finder)
    try:
        watch, _ = watching("watched")
        with pytest.warns(UserWarning, match="could not hook watched: its loader is fixed"):
            assert importlib.import_module("watched").VALUE == 1
        assert list(watch.faults) == ["watched"]
    finally:
        sys.meta_path.remove(Finder)


def test_imports_in_threads(modules, watching):
    """Threads that import watched modules at once do not get in each other's way."""
    names = [f"watched{number}" for number in range(8)]
    modules(**dict.fromkeys(names, "import time; time.sleep(0.001)"))
    _, seen = watching(*names)
    threads = [threading.Thread(target=importlib.import_module, args=[name]) for name in names * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for name, _ in seen) == names
