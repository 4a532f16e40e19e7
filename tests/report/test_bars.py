"""The tree of bars, whole."""

import pytest

from pytest_traces.assembly import assemble
from pytest_traces.model import SpanData
from pytest_traces.report.bars import bar_lines
from pytest_traces.timing.critical_path import follow
from pytest_traces.timing.timeline import Timeline
from pytest_traces.timing.waits import Waits, roots_of

MS = 1_000_000


def forest_of(*rows):
    """By path, start and end in milliseconds."""
    ids, data = {}, []
    for number, (path, start, end) in enumerate(rows, 1):
        above, _, name = path.rpartition(" > ")
        ids[path] = str(number)
        ends = None if end is None else end * MS
        data.append(SpanData(name, "1", str(number), ids.get(above), start * MS, ends))
    return assemble(data)


def picture(forest, marked=(), limit=20, path=True):
    timeline = Timeline(forest.spans)
    waits = Waits(roots_of(forest.spans, timeline)[0], timeline)
    segments = follow(waits).segments if path else ()
    chosen = [span for span in forest.spans if span.name in marked]
    lines = bar_lines(forest.roots, timeline, segments, marked=chosen, limit=limit)
    assert max(map(len, lines)) <= 100
    return "\n".join(lines)


def same(found, block):
    assert found + "\n" == block[1:].replace("\n      ", "\n").removeprefix("      ").rstrip(" ")


def test_names_durations_bars_and_notes():
    """Placed by when they ran; a thin line for what is shorter than half a cell."""
    forest = forest_of(
        ("POST /checkout", 0, 231), ("POST /checkout > SELECT", 2, 16), ("POST /checkout > POST", 18, 216),
        ("POST /checkout > POST > charge", 22, 212), ("POST /checkout > publish", 230, 231),
        ("POST /checkout > later", 100, None),
    )  # fmt: skip

    same(
        picture(forest, ["charge"]),
        """
          POST /checkout    231 ms  ▕███████████████████████████▏  self 18.0 ms
          ├─ SELECT        14.0 ms  ▕██                         ▏  on the critical path: 6 % of the whole
          ├─ POST           198 ms  ▕  ███████████████████████  ▏  self 8.00 ms, on the critical path
        ~ │  └─ charge      190 ms  ▕  ███████████████████████  ▏  on the critical path: 82 % of the whole
          ├─ later            open  ▕                           ▏
          └─ publish       1.00 ms  ▕                          ▏▏  on the critical path
        """,
    )


def test_alike_siblings_share_a_line():
    """Unless they are marked, as long as there is room."""
    forest = forest_of(("r", 0, 30), ("r > a", 0, 5), ("r > a", 10, 15), ("r > a", 20, 25))

    same(
        picture(forest, path=False),
        """
          r          30.0 ms  ▕██████████████████████████████▏  self 15.0 ms
          └─ 3 × a   15.0 ms  ▕█████     █████     █████     ▏
        """,
    )
    same(
        picture(forest, ["a"], path=False),
        """
          r      30.0 ms  ▕██████████████████████████████▏  self 15.0 ms
        ~ ├─ a   5.00 ms  ▕█████                         ▏
        ~ ├─ a   5.00 ms  ▕          █████               ▏
        ~ └─ a   5.00 ms  ▕                    █████     ▏
        """,
    )
    assert "~ └─ 3 × a" in picture(forest, ["a"], limit=3)


def test_what_matters_least_is_counted():
    """The root, the marked, the longest on the path; where levels are left out, it shows."""
    rows = [("r", 0, 60)]
    rows += [(f"r > a{i}", i, i + 1) for i in range(20)]
    rows += [("r > x", 20, 50), ("r > x > y", 21, 22), ("r > x > y > z", 21, 22)]

    same(
        picture(forest_of(*rows), ["z"], limit=3),
        """
          r                     60.0 ms  ▕██████████████████████▏  self 10.0 ms
          ├─ x                  30.0 ms  ▕       ███████████    ▏  on the critical path: 48 % of the whole
        ~ │  ├─ … > z           1.00 ms  ▕       ▏              ▏  on the critical path
          │  └─ … 1 more span
          └─ … 20 more spans
        """,
    )


def test_deep_trees_stay_narrow():
    """No more than nine levels, whatever the names are."""
    rows, path = [], ""
    for depth in range(40):
        path += f" > step {depth} of a long way" if path else "step 0"
        rows.append((path, depth, 200 - depth))
    lines = picture(forest_of(*rows)).splitlines()

    assert len(lines) < 30
    assert any("…  " in line for line in lines)


def test_hidden_roots_are_counted_at_the_end():
    """Of many trees, too."""
    lines = picture(forest_of(*((f"r{i}", i, i + 2) for i in range(9))), limit=4).splitlines()

    assert lines[-1] == "    … 5 more spans"


@pytest.mark.parametrize("end", [0, 5])
def test_times_that_are_none(end):
    """Where nothing took any time, nothing is divided by zero."""
    assert "r" in picture(forest_of(("r", 5, end), ("r > a", 5, 5)))
