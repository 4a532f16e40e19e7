"""``assert_no_regression`` and ``--traces-strict`` in whole runs, with spans of exact times."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_traces.timing.baseline.environment import environment_key

Run = Callable[..., pytest.RunResult]

#: How long each call takes, in milliseconds, is read from a file; how many there are, from another.
SHOP = """
    import json, pathlib

    START = 1_700_000_000_000

    def emit(traces):
        told = json.loads(pathlib.Path(__file__).with_name("told.json").read_text())
        traces.add({"trace_id": 1, "span_id": 1, "name": "book", "start": START, "end": START + 90})
        for i, ms in enumerate(told):
            begin = START + 10 * i
            traces.add({"trace_id": 1, "span_id": 2 + i, "parent_id": 1, "name": f"step {chr(97 + i)}",
                        "start": begin, "end": begin + ms})
"""
ASSERTS = (
    SHOP
    + """
    def test_book(traces):
        emit(traces)
        traces.assert_no_regression()
"""
)
STRICT = (
    SHOP
    + """
    def test_book(traces):
        emit(traces)

    def test_nothing():
        pass
"""
)
STEADY = [2] * 7


@pytest.fixture
def tell(pytester: pytest.Pytester) -> Callable[[list[int]], None]:
    """How long the calls take from now on."""

    def tell(times: list[int]) -> None:
        (pytester.path / "told.json").write_text(json.dumps(times))

    tell(STEADY)
    return tell


@pytest.fixture
def recorded(run: Run, tell: object, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Records the baselines of the tests in a text: the structure, and three runs."""

    def recorded(source: str, *args: str) -> None:
        for number in range(3):
            monkeypatch.setenv("PYTEST_TRACES_RUN", f"run {number}")
            run(source, "--traces-update=structure,timings", *args)
        monkeypatch.delenv("PYTEST_TRACES_RUN")

    return recorded


def lines_of(result: pytest.RunResult, start: str) -> list[str]:
    """The lines of the error from the one that begins so, up to the traceback's last line."""
    lines = [line.removeprefix("E").strip() for line in result.outlines]
    first = next(i for i, line in enumerate(lines) if line.startswith(start))
    return [line for line in lines[first:] if line]


def test_an_unchanged_test_passes(run: Run, recorded: Callable[[str], None]) -> None:
    """After five repeats, which count as one test."""
    recorded(ASSERTS)

    result = run(ASSERTS)

    assert result.ret == 0
    assert result.parseoutcomes() == {"passed": 1}
    dots = [line.count(".") for line in result.outlines if line.startswith("test_it.py ")]
    assert dots == [2]  # that of the name, and one; pytest 8.0 shows the progress with each run


def test_a_test_that_is_slower_fails(
    run: Run, recorded: Callable[[str], None], tell: Callable[[list[int]], None]
) -> None:
    """After thirty repeats here, and as many in a second process."""
    recorded(ASSERTS)
    tell([2, 2, 5, 2, 2, 2, 2])

    result = run(ASSERTS, "-q")

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1}
    lines = lines_of(result, "AssertionError: slower than the baseline")
    assert lines[:6] == [
        "AssertionError: slower than the baseline: 'book > step c' takes x2.50 as long",
        "slower   'book > step c'",
        "2.00 ms before, 5.00 ms now: x2.50, about 90 % within x2.50 to x2.50",
        "limit x1.25 (the floor); over it in 30 of 30 repeats",
        "in a second process x2.50, the best of 30 repeats",
        "common factor of this run: x1.00 over 7 paths: machine or code, cannot tell",
    ]


def test_what_only_this_process_sees_is_a_suspect(
    run: Run, recorded: Callable[[str], None], tell: Callable[[list[int]], None]
) -> None:
    """It passes, and the summary says so."""
    source = ASSERTS.replace(
        "read_text())", "read_text())\n        told[2] = told[2] if SECOND else 5"
    )
    source = "    import os\n    SECOND = 'PYTEST_TRACES_MEASURES' in os.environ\n" + source
    recorded(ASSERTS)

    result = run(source, "-q")

    assert result.ret == 0
    result.stdout.fnmatch_lines([
        "*traces: notes*",
        "test_it.py::test_book",
        "  suspect: 'book > step c' 2.00 ms before, 5.00 ms now: x2.50, *",
    ])  # fmt: skip
    assert "not confirmed by a second process, so no failure" in " ".join(
        result.stdout.str().split()
    )


def test_a_test_that_was_never_recorded_fails(run: Run, tell: object) -> None:
    """It says how to do that."""
    result = run(ASSERTS)

    result.stdout.fnmatch_lines([
        "E   *nothing to compare with: this test has no structure and no timings recorded",
        "E *pytest --traces-update=structure test_it.py::test_book",
        "E *pytest --traces-record=5 test_it.py::test_book",
    ])  # fmt: skip


def test_a_block_of_record_cannot_compare(run: Run) -> None:
    """Not inside a test of pytest either."""
    result = run("""
        from pytest_traces import record

        def test_it(traces):
            with record() as act:
                act.assert_no_regression()
    """)

    result.stdout.fnmatch_lines(["E *RuntimeError: assert_no_regression compares *"])


def test_a_strict_run_compares_every_test(
    run: Run, recorded: Callable[[str], None], pytester: pytest.Pytester
) -> None:
    """Those without spans have nothing to compare."""
    recorded(STRICT)

    result = run(STRICT, "--traces-strict", "--traces-report=report.json")

    assert result.ret == 0
    result.stdout.fnmatch_lines([
        "*traces: compared with the baselines*", "8 durations of 1 test compared",
    ])  # fmt: skip
    report = json.loads((pytester.path / "report.json").read_text())
    assert (report["format"], report["version"]) == ("pytest-traces report", 1)
    assert report["regressions"] == []
    assert list(report["tests"]) == ["test_it.py::test_book"]


def test_a_strict_run_fails_where_a_test_is_slower(
    run: Run,
    recorded: Callable[[str], None],
    tell: Callable[[list[int]], None],
    pytester: pytest.Pytester,
) -> None:
    """The test itself, at the end of the session; the summary and the JSON say so, too."""
    recorded(STRICT)
    tell([2, 2, 2, 2, 7, 2, 2])

    result = run(STRICT, "--traces-strict", "--traces-report=report.json")

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    assert lines_of(result, "slower than the baseline")[:5] == [
        "slower than the baseline: 'book > step e' takes x3.50 as long",
        "slower   'book > step e'",
        "2.00 ms before, 7.00 ms now: x3.50, about 90 % within x3.50 to x3.50",
        "limit x1.25 (the floor); over it in 30 of 30 repeats",
        "in a second process x3.50, the best of 30 repeats",
    ]
    assert lines_of(result, "test_it.py::test_book")[:3] == [
        "test_it.py::test_book: slower than the baseline: 'book > step e' takes x3.50 as long",
        "8 durations of 1 test compared",
        "=========================== short test summary info ============================",
    ]
    report = json.loads((pytester.path / "report.json").read_text())
    assert report["regressions"] == ["test_it.py::test_book"]
    test = report["tests"]["test_it.py::test_book"]
    assert test["verdict"] == "slower"
    (slow,) = [one for one in test["durations"] if one["outcome"] == "slower"]
    assert slow["path"] == "book > step e"
    assert slow["second"] == {"ratio": 3.5, "cut": 1.25}
    assert (slow["before_ns"], slow["after_ns"]) == (2_000_000, 7_000_000)


def test_a_strict_run_fails_a_test_of_another_structure(
    run: Run,
    recorded: Callable[[str], None],
    tell: Callable[[list[int]], None],
    pytester: pytest.Pytester,
) -> None:
    """The test itself, by one run."""
    recorded(STRICT)
    tell([*STEADY, 2])

    result = run(STRICT, "--traces-strict", "--traces-report=report.json")

    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines([
        "the structure differs from the baseline: 'book > step h': 1 span, none before"
    ])  # fmt: skip
    report = json.loads((pytester.path / "report.json").read_text())
    assert report["tests"]["test_it.py::test_book"]["verdict"] == "certain"


def test_a_marker_is_judged_before_the_structure(
    run: Run, recorded: Callable[[str], None], tell: Callable[[list[int]], None]
) -> None:
    """It says what was asked for; that there is a difference follows from it."""
    source = "    import pytest\n" + STRICT.replace(
        "def test_book", "@pytest.mark.traces(spans=8)\n    def test_book"
    )
    recorded(source)
    tell([*STEADY, 2])

    result = run(source, "--traces-strict")

    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines(["*9 spans*"])
    result.stdout.fnmatch_lines(["*@pytest.mark.traces on test_book*"])
    assert "the structure differs" not in result.stdout.str()


def test_a_marker_that_holds_leaves_the_structure_to_be_compared(
    run: Run, recorded: Callable[[str], None], tell: Callable[[list[int]], None]
) -> None:
    """Also one that runs the test again where it fails."""
    source = "    import pytest\n" + STRICT.replace(
        "def test_book", "@pytest.mark.traces(spans=20, under='9 s')\n    def test_book"
    )
    recorded(source)
    tell([*STEADY, 2])

    result = run(source, "--traces-strict")

    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines(["the structure differs from the baseline: 'book > step h'*"])


def test_the_summary_counts_what_assertions_have_compared(
    run: Run, recorded: Callable[[str], None]
) -> None:
    """Beside what the strict run itself compares, and it names the tests without a verdict."""
    source = STRICT + ASSERTS.removeprefix(SHOP).replace("test_book", "test_asserts")
    recorded(source)
    more = "".join(f"\n    def test_{i}(traces):\n        emit(traces)\n" for i in range(4))
    run(source + more, "--traces-update=structure")

    result = run(source + more, "--traces-strict")

    assert result.ret == 0
    assert lines_of(result, "16 durations")[:6] == [
        "16 durations of 2 tests compared",
        "no verdict on durations of 4 tests: no baseline for " + environment_key(0),
        "test_it.py::test_0",
        "test_it.py::test_1",
        "test_it.py::test_2",
        "and 1 more",
    ]


def test_a_strict_run_fails_a_test_that_has_lost_all_its_spans(
    run: Run, recorded: Callable[[str], None], tell: Callable[[list[int]], None]
) -> None:
    """Nothing recorded is a difference, too."""
    recorded(STRICT)
    tell([])

    result = run(STRICT.replace("traces.add(", "len("), "--traces-strict")

    assert result.ret == 1
    result.stdout.fnmatch_lines([
        "the structure differs from the baseline: 'book': no span, 1 span before, and 7 more*"
    ])  # fmt: skip


def test_a_strict_run_fails_where_no_structure_was_recorded(
    run: Run, tell: object, pytester: pytest.Pytester
) -> None:
    """A test that emits spans and that the baseline does not know; the report has it, too."""
    result = run(STRICT, "--traces-strict", "--traces-report=report.json")

    report = json.loads((pytester.path / "report.json").read_text())
    assert report["regressions"] == ["test_it.py::test_book"]
    assert report["tests"]["test_it.py::test_book"]["verdict"] == "unrecorded"
    assert result.parseoutcomes() == {"failed": 1, "passed": 1}
    result.stdout.fnmatch_lines([
        "this test emits spans, and test_it.traces.json does not know their structure"
    ])  # fmt: skip


def test_a_baseline_that_is_broken_fails_a_strict_run(
    run: Run, recorded: Callable[[str], None], pytester: pytest.Pytester
) -> None:
    """With its file and line, in the report, too; it stays as it is."""
    recorded(STRICT)
    path = next((pytester.path / ".traces" / "timings").glob("*.json"))
    path.write_text("{")

    result = run(STRICT, "--traces-strict", "--traces-report=report.json")

    report = json.loads((pytester.path / "report.json").read_text())
    assert len(report["errors"]) == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 1}

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*.traces/timings/*.json:1: it is cut off here; *"])
    assert path.read_text() == "{"


def test_workers_send_what_they_have_measured(
    run: Run,
    recorded: Any,
    tell: Callable[[list[int]], None],
    parallel: list[str],
    pytester: pytest.Pytester,
) -> None:
    """The session is judged where it is whole, and an assertion's verdict gets there, too."""
    source = STRICT + ASSERTS.removeprefix(SHOP).replace("test_book", "test_asserts")
    recorded(source)
    # The timings of one process serve for two, which are recorded as another environment.
    folder = pytester.path / ".traces" / "timings"
    (old,) = folder.glob("*.json")
    text = old.read_text().replace(old.stem, old.stem.replace("-n0", "-n2"))
    (folder / old.name.replace("-n0", "-n2")).write_text(text)
    tell([2, 9, 2, 2, 2, 2, 2])

    result = run(
        source,
        "--traces-strict",
        "--traces-report=report.json",
        *parallel,
        plugins=("xdist.plugin",),
    )

    assert result.ret == 1
    report = json.loads((pytester.path / "report.json").read_text())
    assert report["environment"].endswith("-n2")
    assert report["regressions"] == ["test_it.py::test_asserts", "test_it.py::test_book"]


def test_the_report_of_a_run_that_was_stopped_says_so(
    run: Run, tell: object, pytester: pytest.Pytester
) -> None:
    """What it does not name as a regression was not compared."""
    run("def test_it(): raise KeyboardInterrupt", "--traces-strict", "--traces-report=report.json")

    report = json.loads((pytester.path / "report.json").read_text())
    assert report["errors"] == ["not all was compared: the run did not come to its end"]


def test_a_report_that_cannot_be_written_fails_the_run(
    run: Run, tell: object, pytester: pytest.Pytester
) -> None:
    """The summary says why."""
    (pytester.path / "report.json").mkdir()

    result = run("def test_it(): pass", "--traces-report=report.json")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: *report.json: it cannot be written (*"])


def test_nothing_is_compared_while_a_baseline_is_recorded(run: Run, tell: object) -> None:
    """Also where the ini file asks for it."""
    result = run(
        STRICT, "--traces-update=structure", "--traces-report=report.json",
        ini="addopts = --traces-strict",
    )  # fmt: skip

    assert result.ret == 0
    assert not Path("report.json").exists()
    assert "compared with" not in result.stdout.str()
    assert os.environ.get("PYTEST_TRACES_MEASURES") is None


LEAVES = """
    def test_it(traces):
        spans = []
        traces.watch(spans)
        spans.append({"trace_id": 1, "span_id": 1, "name": "a", "start": 1_700_000_000_000,
                      "end": 1_700_000_000_002})
        traces.get("a")
        spans.clear()
"""


@pytest.mark.parametrize("option", ["--traces-strict", "--traces-update=structure"])
def test_what_was_not_recorded_is_not_compared(
    run: Run, pytester: pytest.Pytester, option: str
) -> None:
    """Nor is it a baseline: such a test fails, though it asserts nothing that does."""
    result = run(LEAVES, option)

    assert result.parseoutcomes() == {"failed": 1}
    lines = [line for line in result.outlines if line.startswith("not everything")]
    assert lines == ["not everything could be recorded"]
    assert not (pytester.path / "test_it.traces.json").exists()


@pytest.mark.parametrize("change", ["peak", "critical"])
def test_one_run_decides_where_there_is_no_other(
    run: Run, pytester: pytest.Pytester, change: str
) -> None:
    """Whether spans overlap is otherwise for all repeats to say."""
    source = """
        import json, pathlib, pytest

        @pytest.mark.traces(attempts=1)
        def test_book(traces):
            start = 1_700_000_000_000
            for i, times in enumerate(json.loads(pathlib.Path("told.json").read_text())):
                begin, end = (start + ms for ms in times)
                traces.add({"trace_id": 1, "span_id": 1 + i, "parent_id": 1 if i else None,
                            "name": ["book", "call", "call", "pay"][i], "start": begin, "end": end})
        """
    before = [[0, 200], [10, 60], [10, 60], [110, 190]]
    after = {
        "peak": [[0, 200], [10, 60], [60, 110], [110, 190]],
        "critical": [[0, 200], [10, 180], [10, 180], [20, 60]],
    }
    (pytester.path / "told.json").write_text(json.dumps(before))
    run(source, "--traces-update=structure")
    assert run(source, "--traces-strict").ret == 0
    (pytester.path / "told.json").write_text(json.dumps(after[change]))

    result = run(source, "--traces-strict")

    assert result.parseoutcomes() == {"failed": 1}
    words = {"peak": "open at once", "critical": "no longer on the critical path"}
    result.stdout.fnmatch_lines([f"the structure differs from the baseline: *{words[change]}*"])


def test_collecting_decides_nothing(run: Run, tell: object, pytester: pytest.Pytester) -> None:
    """A report that is there stays as it is, and no base is measured."""
    (pytester.path / "r.json").write_text("as it was")

    result = run(
        STRICT, "--collect-only", "--traces-strict", "--traces-report=r.json", "--traces-base=nope"
    )

    assert result.ret == 0
    assert (pytester.path / "r.json").read_text() == "as it was"
