"""Replacements on classes of the test's own, and other libraries that wrap the same."""

import functools

import pytest

from pytest_traces.sources.patching import Patches


class Counter:
    """Counts how often each layer is passed."""

    def __init__(self):
        self.calls = []

    def layer(self, name):
        """What makes a wrapper that notes its name."""

        def make(original):
            def wrapper(*args):
                self.calls.append(name)
                return original(*args)

            return wrapper

        return make


@pytest.fixture
def owner():
    """A class with one method, anew for each test."""

    class Owner:
        def method(self):
            return "original"

    return Owner


def test_replaced_and_restored(owner):
    """The original itself comes back."""
    original, patches, counter = vars(owner)["method"], Patches(), Counter()
    patches.replace(owner, "method", counter.layer("ours"))
    assert owner().method() == "original"
    assert counter.calls == ["ours"]
    patches.undo()
    assert vars(owner)["method"] is original


def test_twice_is_once(owner):
    """A second replacement of the same does nothing."""
    original, patches, counter = vars(owner)["method"], Patches(), Counter()
    for _ in range(2):
        patches.replace(owner, "method", counter.layer("ours"))
    owner().method()
    assert counter.calls == ["ours"]
    patches.undo()
    patches.undo()
    assert vars(owner)["method"] is original


def test_inherited_is_refused(owner):
    """What the owner does not define itself is not replaced, or it could not be restored."""

    class Child(owner):
        pass

    with pytest.raises(AttributeError, match="Child does not define method"):
        Patches().replace(Child, "method", lambda original: original)


def plain(original):
    """Wrap as most libraries do."""

    def theirs(self):
        return original(self)

    return theirs


def decorated(original):
    """Wrap as a decorator does."""

    @functools.wraps(original)
    def theirs(self):
        return vars(theirs)["__wrapped__"](self)

    return theirs


@pytest.mark.parametrize("theirs", [plain, decorated])
def test_wrapped_by_somebody_else(owner, theirs):
    """Their wrapper stays, ours below it is used again, and is never there twice."""
    patches, counter = Patches(), Counter()
    patches.replace(owner, "method", counter.layer("ours"))
    owner.method = on_top = theirs(owner.method)
    for _ in range(3):
        patches.undo()
        assert vars(owner)["method"] is on_top
        patches.replace(owner, "method", counter.layer("ours"))
        assert vars(owner)["method"] is on_top
    owner().method()
    assert counter.calls == ["ours"]


def test_unwrapped_by_somebody_else(owner):
    """Once they have gone, the original can be restored after all."""
    original, patches, counter = vars(owner)["method"], Patches(), Counter()
    patches.replace(owner, "method", counter.layer("ours"))
    ours = vars(owner)["method"]
    owner.method = plain(ours)
    patches.undo()
    owner.method = ours
    patches.replace(owner, "method", counter.layer("ours"))
    assert vars(owner)["method"] is ours
    patches.undo()
    assert vars(owner)["method"] is original


def test_thrown_away_by_somebody_else(owner):
    """Where ours is no longer called at all, it is put on top again."""
    patches, counter = Patches(), Counter()
    patches.replace(owner, "method", counter.layer("ours"))
    owner.method = lambda self: "theirs"
    patches.undo()
    patches.replace(owner, "method", counter.layer("again"))
    assert owner().method() == "theirs"
    assert counter.calls == ["again"]
