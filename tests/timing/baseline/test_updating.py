"""What a run has measured goes into the file of a test file."""

import pytest

from pytest_traces.timing.baseline.files import BaselineError
from pytest_traces.timing.baseline.measure import PathMeasure
from pytest_traces.timing.baseline.structure_file import load_structure
from pytest_traces.timing.baseline.updating import StructureUpdate, update_structure

A = ("a",)


def measured(count):
    return [{A: PathMeasure(count, (1, 1), True, None, (1,) * count)}]


@pytest.fixture
def update(tmp_path):
    def update(tests, collected=None, *, prune=False):
        path = tmp_path / "x.traces.json"
        return update_structure(path, "x", tests, "cpython-3.12", collected, prune=prune)

    return update


def test_tests_come_in_change_and_go(update, tmp_path):
    """Those that were not measured stay as they are."""
    assert update({"t": measured(1), "none": [{}]}) == StructureUpdate(
        "x", True, 1, ["t"], stale=[], pruned=[]
    )
    assert update({"u": measured(1)}, {"u"}) == StructureUpdate(
        "x", True, 1, ["u"], stale=["t"], pruned=[]
    )
    third = update({"t": measured(2)}, {"t"}, prune=True)

    assert (third.pruned, third.stale, list(third.changed)) == (["u"], [], ["t"])
    assert list(load_structure(tmp_path / "x.traces.json", "x").tests) == ["t"]


def test_fields_of_a_later_version_stay_with_their_paths(update, tmp_path):
    """And go with them."""
    update({"t": measured(1), "u": measured(1)})
    path = tmp_path / "x.traces.json"
    text = path.read_text(encoding="utf-8").replace("true}", 'true, "new": 1}')
    path.write_text(text, encoding="utf-8")

    assert not update({"t": measured(1)}).written
    update({"t": measured(2), "u": [{}]})
    assert '{"count": 2, "peak": 1, "critical": true, "new": 1}' in path.read_text(encoding="utf-8")
    assert list(load_structure(path, "x").path_fields) == [("t", A)]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    """It was when the tests were collected."""
    with pytest.raises(BaselineError) as caught:
        update_structure(tmp_path / "no" / "x", "no/x", {}, "cpython-3.12", None, prune=False)
    assert str(caught.value) == (
        "no/x: its folder cannot be used (No such file or directory); "
        "it has to be one that can be written"
    )
