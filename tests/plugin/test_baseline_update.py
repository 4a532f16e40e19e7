"""``--traces-update``: what is recorded, by which tests, however they are run."""

import json
import re

import pytest

TESTS = """
    import pytest

    def emit(traces, *names):
        for name in names:
            with traces.start_span(name):
                pass

    @pytest.mark.parametrize("n", [1, 2])
    def test_cart(traces, n):
        with traces.start_span("GET /cart"):
            emit(traces, *["SELECT items"] * n)

    class TestPay:
        def test_pay(self, traces):
            emit(traces, "POST /pay")

    def test_without_spans(traces):
        pass

    def test_without_traces():
        pass
"""

STRUCTURE = """\
{
  "format": "pytest-traces structure",
  "version": 1,
  "tests": {
    "TestPay::test_pay": {
      "POST /pay": {"count": 1, "peak": 1, "critical": true}
    },
    "test_cart[1]": {
      "GET /cart": {"count": 1, "peak": 1, "critical": true},
      "GET /cart > SELECT items": {"count": 1, "peak": 1, "critical": true}
    },
    "test_cart[2]": {
      "GET /cart": {"count": 1, "peak": 1, "critical": true},
      "GET /cart > SELECT items": {"count": 2, "peak": 1, "critical": true}
    }
  }
}
"""

ONE = """
    def test_it(traces):
        for _ in range({count}):
            with traces.start_span("work"):
                pass
        assert {holds}
"""


@pytest.fixture
def structure(pytester):
    """The text of the structure of the tests, or None."""

    def structure():
        path = pytester.path / "test_it.traces.json"
        return path.read_text(encoding="utf-8") if path.exists() else None

    return structure


@pytest.fixture
def timings(pytester):
    """The timings of the only environment, as data."""

    def timings():
        (path,) = (pytester.path / ".traces" / "timings").glob("*.json")
        return json.loads(path.read_text(encoding="utf-8"))

    return timings


def said(result):
    """The lines on baselines."""
    text = result.stdout.str()
    found = re.search(r"=+ baselines of traces =+\n(.*?)\n(=|\d+ passed)", text, re.DOTALL)
    return found[1].splitlines() if found else []


def test_the_structure_of_all_tests_is_recorded(run, structure):
    """Next to the tests; a test without spans has no entry."""
    result = run(TESTS, "--traces-update=structure")

    result.assert_outcomes(passed=5)
    assert structure() == STRUCTURE
    assert said(result) == ["test_it.traces.json: written; 3 tests, 3 new"]
    assert said(run(TESTS, "--traces-update=structure")) == [
        "test_it.traces.json: is as it was; 3 tests"
    ]


def test_tests_that_ask_for_no_traces_are_recorded(run, structure, app):
    """All tests of the run are."""
    run("import app\ndef test_it(): app.emit('a')", "--traces-update=structure")

    assert '"a": {"count": 1' in structure()


@pytest.mark.parametrize(
    ("plugins", "options"),
    [
        (("xdist",), ("-n", "2", "--max-worker-restart=0")),
        (("xdist",), ("-n", "2", "--dist=loadgroup")),
        (("pytest_randomly",), ("-p", "randomly", "-p", "no:xdist")),
        (("pytest_rerunfailures",), ("--reruns", "2")),
    ],
)
def test_however_tests_are_run_the_same_comes_out(run, structure, plugins, options):
    """Byte for byte: in processes, in random order, again after failures."""
    for plugin in plugins:
        pytest.importorskip(plugin)
    source = TESTS.replace("class TestPay", "@pytest.mark.xdist_group('g')\n    class TestPay")
    source += """
    tries = []

    def test_flaky(traces):
        tries.append(1)
        assert len(tries) > FAILS
        emit(traces, *["x"] * len(tries[:1]))
    """.replace("FAILS", "1" if "--reruns" in options else "0")
    names = ("xdist.plugin", "xdist.looponfail") if "xdist" in plugins else plugins
    options = [one for one in options if one not in ("-p", "randomly", "no:xdist")]
    ini = "markers = xdist_group"
    result = run(source, "--traces-update=structure", *options, plugins=names, ini=ini)

    flaky = (
        '    },\n    "test_flaky": {\n      "x": {"count": 1, "peak": 1, "critical": true}\n    }\n'
    )
    assert structure() == STRUCTURE.replace("    }\n", flaky, 1)
    assert result.ret == 0


def test_a_test_that_fails_keeps_its_entry(run, structure):
    """As those do that are skipped, or expected to fail; it is said."""
    run(ONE.format(count=1, holds=True), "--traces-update=structure")
    before = structure()
    result = run(ONE.format(count=2, holds=False), "--traces-update=structure")

    result.assert_outcomes(failed=1)
    assert structure() == before
    assert "left as it was (failed): test_it.py::test_it" in result.stdout.str()

    mark = "import pytest\n    @pytest.mark.{}\n    def test_it"
    for name, why in (("xfail", "expected to fail"), ("skip", "skipped")):
        source = ONE.format(count=2, holds=False).replace("def test_it", mark.format(name))
        result = run(source, "--traces-update=structure")
        assert structure() == before
        assert f"left as it was ({why}): test_it.py::test_it" in result.stdout.str()


@pytest.mark.parametrize(
    "fault",
    [
        "traces.tap(json, 'dumps')",  # never called: fails in teardown
        "request.addfinalizer(lambda: 1 / 0)",
    ],
)
def test_a_test_that_fails_in_its_teardown_gets_no_entry(run, structure, fault):
    """Though its own code has passed."""
    run(
        f"""
        import json

        def test_it(traces, request):
            {fault}
            with traces.start_span("a"):
                pass
        """,
        "--traces-update=structure,timings",
    )

    assert structure() is None


def test_what_has_changed_is_said(run, structure):
    """By test and path: new, gone, another number."""
    run(TESTS, "--traces-update=structure")
    source = (
        TESTS.replace("[1, 2]", "[2, 3]").replace("SELECT items", "SELECT").replace("* n", "* 2")
    )
    result = run(source, "--traces-update=structure")

    assert said(result) == [
        "test_it.traces.json: written; 3 tests, 1 new, 1 changed",
        "  test_cart[2]",
        "    + GET /cart > SELECT: 2 spans",
        "    - GET /cart > SELECT items: 2 spans",
        "  no longer collected, kept without --traces-prune: test_cart[1]",
    ]
    result = run(
        TESTS.replace('emit(traces, "POST', 'emit(traces, *2 * ["POST').replace(
            '/pay")', '/pay"])'
        ),
        "--traces-update=structure",
        "-k",
        "pay",
    )
    assert said(result) == [
        "test_it.traces.json: written; 1 test, 1 changed",
        "  TestPay::test_pay",
        "    ~ POST /pay: 1 span -> 2 spans",
    ]
    assert json.loads(structure())["tests"]["TestPay::test_pay"]["POST /pay"]["count"] == 2


def test_a_test_that_emits_nothing_any_more_loses_its_entry(run, structure):
    """It passes, so that is what it does."""
    run(ONE.format(count=1, holds=True), "--traces-update=structure")
    result = run(ONE.format(count=0, holds=True), "--traces-update=structure")

    assert json.loads(structure())["tests"] == {}
    assert "    - work: 1 span" in said(result)


def test_a_test_that_takes_long_is_not_repeated_more_than_it_has_to_be(run, timings):
    """Two runs take more than a second."""
    source = """
        import time

        def test_it(traces):
            time.sleep(0.51)
            traces.add({"trace_id": 1, "span_id": 1, "name": "a", "start": 1_700_000_000_000, "end": 1_700_000_000_002})
    """
    run(source, "--traces-update=timings", ini="traces_repeats = 2")

    (one,) = timings()["runs"]
    assert one["tests"]["test_it.py::test_it"]["a"]["repeats"] == 2


def test_timings_are_recorded_with_their_repeats(run, timings, pytester):
    """A short test runs fifteen times and counts once; the next run is added."""
    result = run(TESTS, "--traces-update=timings")

    result.assert_outcomes(passed=5)
    assert re.fullmatch(
        r"\.traces/timings/[a-z]+-3\.\d+t?-\w+-\w+-n0\.json: "
        r"3 tests, each up to 15 times; 1 run of each, at most 10",
        said(result)[0],
    )
    (one,) = timings()["runs"]
    entry = one["tests"]["test_it.py::test_cart[2]"]["GET /cart > SELECT items"]
    assert entry["repeats"] == 15
    assert 0 < entry["best_ns"] <= entry["median_ns"]
    loop = one["tests"]["test_it.py::test_cart[2]"]["> calibration"]
    assert loop["repeats"] == 15
    assert 0 < loop["best_ns"] <= loop["median_ns"]
    assert (pytester.path / ".traces" / ".gitignore").exists()

    run(TESTS, "--traces-update=structure, timings", ini="traces_repeats = 2")
    assert len(timings()["runs"]) == 2
    entries = timings()["runs"][1]["tests"]["test_it.py::TestPay::test_pay"]
    assert entries["POST /pay"]["repeats"] == 6


def test_timings_of_workers_are_of_another_environment(run, timings, parallel):
    """Their number is part of its name."""
    result = run(
        TESTS, "--traces-update=timings", *parallel, plugins=("xdist.plugin", "xdist.looponfail")
    )

    result.assert_outcomes(passed=5)
    assert timings()["environment"].endswith("-n2")
    assert len(timings()["runs"][0]["tests"]) == 3


def test_timings_may_be_kept_elsewhere(run, pytester):
    """In a folder from where pytest runs, or from the root by the ini file."""
    run(TESTS, "--traces-update=timings", "--traces-timings=mine")
    assert list(pytester.path.glob("mine/*.json"))
    run(TESTS, "--traces-update=timings", ini="traces_timings = build/times")
    assert list(pytester.path.glob("build/times/*.json"))


def test_nothing_is_recorded_without_the_option(run, pytester):
    """Nor by collecting alone, nor by a run that was interrupted."""
    run(TESTS, "--traces")
    run(TESTS, "--traces-update=structure,timings", "--collect-only")
    source = TESTS + "\n    def test_end():\n        raise KeyboardInterrupt\n"
    result = run(source, "--traces-update=structure,timings")

    assert "nothing was recorded: the run did not come to its end" in result.stdout.str()
    assert not list(pytester.path.rglob("*.json"))


def test_where_nothing_passes_there_is_nothing_to_write(run, pytester):
    """No file is made; it is said."""
    result = run("def test_it(): pass", "--traces-update=structure,timings")

    (line,) = said(result)
    assert line.endswith(".json: no test that passed has spans")
    assert not list(pytester.path.rglob("*.json"))


def test_spans_of_threads_are_waited_for(run, structure):
    """What ends after the test's own code is over is there in every run."""
    run(
        """
        import threading

        def test_it(traces):
            begun = threading.Event()

            def work():
                with traces.start_span("late"):
                    begun.set()

            threading.Thread(target=work).start()
            begun.wait(10)
        """,
        "--traces-update=structure",
    )

    assert '"late": {"count": 1, "peak": 1, "critical": true}' in structure()


def test_a_test_of_which_not_all_could_be_recorded_gets_no_entry(run, structure):
    """What is here may not be all."""
    run(
        """
        def test_it(traces):
            spans = []
            traces.watch(spans)
            spans.append({"nonsense": 1})
            with traces.start_span("a"):
                pass
        """,
        "--traces-update=structure",
    )

    assert structure() is None


def test_a_worker_that_crashes_takes_nothing_along(run, structure, parallel):
    """What its earlier tests have measured was sent with their reports."""
    source = TESTS + "\n    def test_z():\n        import os\n        os._exit(1)\n"
    result = run(
        source,
        "--traces-update=structure",
        *parallel,
        "--dist=loadfile",
        plugins=("xdist.plugin", "xdist.looponfail"),
    )

    assert structure() == STRUCTURE
    assert "left as it was (failed): test_it.py::test_z" in result.stdout.str()
