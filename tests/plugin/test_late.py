"""A test that is found slower at the end of a strict run fails as any other test does."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]

SOURCE = """
    import json, pathlib

    START = 1_700_000_000_000

    def emit(traces):
        told = json.loads(pathlib.Path(__file__).with_name("told.json").read_text())
        traces.add({"trace_id": 1, "span_id": 1, "name": "book", "start": START, "end": START + 90})
        for i, ms in enumerate(told):
            begin = START + 10 * i
            traces.add({"trace_id": 1, "span_id": 2 + i, "parent_id": 1, "name": f"step {chr(97 + i)}",
                        "start": begin, "end": begin + ms})

    def test_first():
        pass

    def test_slow(traces):
        emit(traces)
        print("said by the test")

    def test_last():
        pass
"""
JUNIT = ("--traces-strict", "--junit-xml=junit.xml", "-o", "junit_logging=all")


@pytest.fixture
def slower(run: Run, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Baselines of three runs, since when the test has got slower."""
    told = pytester.path / "told.json"
    told.write_text(json.dumps([2] * 7))
    for number in range(3):
        monkeypatch.setenv("PYTEST_TRACES_RUN", f"run {number}")
        run(SOURCE, "--traces-update=structure,timings")
    monkeypatch.delenv("PYTEST_TRACES_RUN")
    told.write_text(json.dumps([2, 2, 7, 2, 2, 2, 2]))


@pytest.fixture
def slower_in_parallel(slower: None, pytester: pytest.Pytester) -> None:
    """The same timings for two workers, which are another environment."""
    folder = pytester.path / ".traces" / "timings"
    (old,) = folder.glob("*.json")
    text = old.read_text().replace(old.stem, old.stem.replace("-n0", "-n2"))
    (folder / old.name.replace("-n0", "-n2")).write_text(text)


def check_junit(path: Path) -> ET.Element:
    """Three entries, of which one has failed; it has all that it had when it had passed."""
    (suite,) = ET.parse(path).getroot().iter("testsuite")
    numbers = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "3", "failures": "1", "errors": "0", "skipped": "0"}
    cases = list(suite.iter("testcase"))
    assert sorted(str(one.get("name")) for one in cases) == ["test_first", "test_last", "test_slow"]
    (failed,) = [one for one in cases if one.find("failure") is not None]
    assert failed.get("name") == "test_slow"
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == (
        "slower than the baseline: 'book > step c' takes x3.50 as long"
    )
    assert "in a second process x3.50" in (failure.text or "")
    assert "said by the test" in "".join(failed.itertext())
    return failed


def test_the_terminal_lists_it_once(run: Run, slower: None) -> None:
    """Among the failures and in the short summary; it is no longer counted as passed."""
    result = run(SOURCE, "--traces-strict", "-v")

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}
    result.stdout.fnmatch_lines([
        "test_it.py::test_slow PASSED*",
        "test_it.py::test_slow FAILED*",
        "*= FAILURES =*",
        "*_ test_slow _*",
        "slower than the baseline: 'book > step c' takes x3.50 as long",
        "*= traces: compared with the baselines =*",
        "*= short test summary info =*",
        "FAILED test_it.py::test_slow - slower than the baseline: 'book > step c'*",
        "*= 1 failed, 2 passed in *",
    ])  # fmt: skip


def test_where_it_is_the_only_one_none_has_passed(run: Run, slower: None) -> None:
    """No number is left over."""
    result = run(SOURCE, "--traces-strict", "-k", "slow", "--tb=line")

    assert result.parseoutcomes() == {"failed": 1, "deselected": 2}
    result.stdout.fnmatch_lines(["test_it.py:*: slower than the baseline: 'book > step c'*"])


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_junit_xml_has_one_entry_of_it(
    run: Run, slower: None, pytester: pytest.Pytester, family: str
) -> None:
    """With its properties, which only one family has, and its output."""
    properties = ', record_property):\n        record_property("shop", "corner")'
    source = SOURCE.replace("slow(traces):", f"slow(traces{properties}")
    run(source if family == "xunit1" else SOURCE, *JUNIT, "-o", f"junit_family={family}")

    failed = check_junit(pytester.path / "junit.xml")
    parts = ["properties", "failure"] if family == "xunit1" else ["failure", "system-out"]
    assert [part.tag for part in failed][:2] == parts


def test_junit_xml_where_the_test_has_renamed_its_entry_has_another(
    run: Run, slower: None, pytester: pytest.Pytester
) -> None:
    """It is not known which one to change; the failure is there."""
    renamed = ', record_xml_attribute):\n        record_xml_attribute("name", "shop")'
    source = SOURCE.replace("slow(traces):", f"slow(traces{renamed}")
    quiet = "ignore::pytest.PytestExperimentalApiWarning"
    run(source, *JUNIT, "-o", "junit_family=xunit1", "-W", quiet)

    (suite,) = ET.parse(pytester.path / "junit.xml").getroot().iter("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    (failed,) = [one for one in suite.iter("testcase") if one.find("failure") is not None]
    assert failed.get("name") == "test_slow"


def test_workers_of_xdist_do_not_matter(
    run: Run, slower_in_parallel: None, pytester: pytest.Pytester, parallel: list[str]
) -> None:
    """The process that reports fails it."""
    result = run(SOURCE, *JUNIT, "-v", *parallel, plugins=("xdist.plugin",))

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_slow - slower than the baseline*"])
    check_junit(pytester.path / "junit.xml")


def test_the_option_to_stop_comes_too_late(run: Run, slower: None) -> None:
    """All tests have run when it is known."""
    result = run(SOURCE, "--traces-strict", "-x")

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}


def test_a_failure_that_has_stopped_the_run_stays_the_first(run: Run, slower: None) -> None:
    """What had passed until then is judged, too."""
    source = SOURCE + "\n    def test_wrong():\n        assert False\n"

    result = run(source + "\n    def test_more():\n        pass\n", "--traces-strict", "-x")

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 2, "passed": 2}


def test_a_plugin_that_reruns_failures_does_not(run: Run, slower: None) -> None:
    """The test was measured often enough, and again in a second process."""
    pytest.importorskip("pytest_rerunfailures")

    result = run(SOURCE, "--traces-strict", "--reruns=2", plugins=("pytest_rerunfailures",))

    assert result.ret == 1
    assert result.parseoutcomes() == {"failed": 1, "passed": 2}


def test_last_failed_runs_it_again(run: Run, slower: None, pytester: pytest.Pytester) -> None:
    """And forgets it when it is as fast as before."""
    options = ("-p", "pytest_traces.plugin", "--traces-strict", "--lf")

    first = pytester.runpytest_inprocess(*options)
    second = pytester.runpytest_inprocess(*options)
    (pytester.path / "told.json").write_text(json.dumps([2] * 7))
    third = pytester.runpytest_inprocess(*options)
    fourth = pytester.runpytest_inprocess(*options)

    assert first.parseoutcomes() == {"failed": 1, "passed": 2}
    assert second.parseoutcomes() == {"failed": 1}
    assert third.parseoutcomes() == {"passed": 1}
    assert fourth.parseoutcomes() == {"passed": 3}


def test_without_a_terminal_the_exit_status_says_it(run: Run, slower: None) -> None:
    """And nothing breaks."""
    result = run(SOURCE, "--traces-strict", "-p", "no:terminal")

    assert result.ret == 1
    assert "INTERNALERROR" not in result.stdout.str() + result.stderr.str()


def test_where_a_plugin_keeps_reports_back_the_summary_says_it(run: Run, slower: None) -> None:
    """There is nothing to put the failure in the place of."""
    conftest = """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_makereport(call):
            report = yield
            if call.when == "call":
                del report.traces_measured
            return report
    """
    result = run(SOURCE, "--traces-strict", conftest=conftest)

    assert result.ret == 1
    assert result.parseoutcomes() == {"passed": 3}
    result.stdout.fnmatch_lines(["test_it.py::test_slow: slower than the baseline: 'book > *"])
