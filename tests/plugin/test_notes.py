"""What is remarkable about tests that hold, at the end of the run."""

NOTED = """
import pytest

def note(traces, *texts):
    traces._frame.recording.notes.extend(texts)

def test_one(traces):
    note(traces, "first", "second", "first")

def test_none(traces):
    pass

@pytest.mark.parametrize("number", [1, 2])
def test_each(traces, number):
    note(traces, "close " * 30)
"""


def notes_of(result):
    """The lines of the section, without its title."""
    lines = result.stdout.lines
    start = next(n for n, line in enumerate(lines) if "= traces: notes =" in line)
    end = next(n for n, line in enumerate(lines) if n > start and line.startswith("==="))
    return [line for line in lines[start + 1 : end] if line]


EXPECTED = [
    "test_it.py::test_one",
    "  first",
    "  second",
    "test_it.py::test_each[1]",
    "  " + " ".join(["close"] * 16),
    "  " + " ".join(["close"] * 14),
    "test_it.py::test_each[2]",
    "  " + " ".join(["close"] * 16),
    "  " + " ".join(["close"] * 14),
]


def test_notes(run):
    """Each once, below its test."""
    result = run(NOTED)

    result.assert_outcomes(passed=4)
    assert notes_of(result) == EXPECTED


def test_notes_under_xdist(run, parallel):
    """They come along with the reports of the workers."""
    result = run(NOTED, *parallel, plugins=("xdist",))

    result.assert_outcomes(passed=4)
    assert sorted(notes_of(result)) == sorted(EXPECTED)


def test_no_notes_no_section(run):
    """Nor are they in JUnit XML, among the properties of a test."""
    result = run("def test_it(traces):\n    pass")

    result.stdout.no_fnmatch_line("*traces: notes*")


def test_many_notes(run):
    """The first twenty, and how many more there are."""
    result = run(
        """
        def test_it(traces):
            traces._frame.recording.notes.extend(f"note {n}" for n in range(1, 26))
        """
    )

    lines = notes_of(result)
    assert lines == ["test_it.py::test_it", *(f"  note {n}" for n in range(1, 21)), "and 5 more"]


def test_notes_of_the_run_that_counts(run):
    """What an earlier run was told is told once more by the last one, if it still holds."""
    result = run(
        """
        def test_it(traces):
            attempt = traces._frame.recording.attempt
            traces._frame.recording.notes.append(f"run {attempt.number}")
            if attempt.number < 3:
                attempt.wanted = "measure"
        """
    )

    assert notes_of(result) == ["test_it.py::test_it", "  run 3"]


def test_notes_are_no_properties(run, pytester):
    """JUnit XML has none of them."""
    run(NOTED, "--junitxml=out.xml")

    text = (pytester.path / "out.xml").read_text()
    assert "property" not in text
    assert "second" not in text


def test_too_little_headroom(run):
    """A limit near to the best that was seen is remarked on, with what to expect of it."""
    source = """
        import pytest

        def spend(traces, ms):
            start = 1_700_000_000_000
            traces.add(dict(trace_id=1, span_id=1, name="GET /cart", start=start, end=start + ms))
            traces.assert_duration("GET /cart", under="100ms")

        @pytest.mark.parametrize("ms", [34, 33, 50, 90])
        def test_one(traces, ms):
            spend(traces, ms)

        @pytest.mark.traces(attempts=5)
        @pytest.mark.parametrize("ms", [34, 90])
        def test_five(traces, ms):
            spend(traces, ms)
        """
    result = run(source)

    result.assert_outcomes(passed=6)
    of_an_unchanged = "of an unchanged program"
    assert notes_of(result) == [
        "test_it.py::test_one[34]",
        "  'GET /cart': the limit of 100 ms is 2.9 times the best that was seen, 34.0 ms; expect more than 1",
        f"  in 100 runs {of_an_unchanged} to fail. Advised: 3 times, and attempts=5",
        "test_it.py::test_one[50]",
        "  'GET /cart': the limit of 100 ms is 2.0 times the best that was seen, 50.0 ms; expect more than 1",
        f"  in 100 runs {of_an_unchanged} to fail. Advised: 3 times, and attempts=5",
        "test_it.py::test_one[90]",
        "  'GET /cart': the limit of 100 ms is 1.1 times the best that was seen, 90.0 ms; expect half of the",
        f"  runs or more {of_an_unchanged} to fail. Advised: 3 times, and attempts=5",
        "test_it.py::test_five[34]",
        "  'GET /cart': the limit of 100 ms is 2.9 times the best that was seen, 34.0 ms; expect about 2 in",
        f"  1,000 runs {of_an_unchanged} to fail. Advised: 3 times, and attempts=5",
        "test_it.py::test_five[90]",
        "  'GET /cart': the limit of 100 ms is 1.1 times the best that was seen, 90.0 ms; expect more than 2",
        f"  in 1,000 runs {of_an_unchanged} to fail. Advised: 3 times, and attempts=5",
    ]
