"""``--traces-prune``: what leaves the baselines, and what never does."""

import json

import pytest

OLD = """
    import pytest

    @pytest.mark.parametrize("n", ["first", "second", "third"])
    def test_it(traces, n):
        with traces.start_span(n):
            pass
"""
NEW = OLD.replace('"second", "third"]', '"second"]')


@pytest.fixture
def known(pytester):
    """The tests that both files know."""

    def known():
        text = (pytester.path / "test_it.traces.json").read_text(encoding="utf-8")
        (path,) = pytester.path.glob(".traces/timings/*.json")
        runs = json.loads(path.read_text(encoding="utf-8"))["runs"]
        timed = {test.partition("::")[2] for run in runs for test in run["tests"]}
        return sorted(json.loads(text)["tests"]), sorted(timed)

    return known


@pytest.fixture
def before(run):
    """Both files, recorded of tests of which one is no more."""
    run(OLD, "--traces-update=structure,timings", ini="traces_repeats = 1")


UPDATE = "--traces-update=structure,timings"
ALL = ["test_it[first]", "test_it[second]", "test_it[third]"]


def test_what_is_no_longer_collected_is_taken_out(before, run, known):
    """Of both files, and it is said."""
    result = run(NEW, UPDATE, "--traces-prune")

    assert known() == (ALL[:2], ALL[:2])
    text = result.stdout.str()
    assert "  taken out, no longer collected: test_it[third]\n" in text
    assert "  taken out, no longer collected: test_it.py::test_it[third]\n" in text


def test_without_the_option_it_is_kept(before, run, known):
    """And named."""
    result = run(NEW, UPDATE)

    assert known() == (ALL, ALL)
    text = result.stdout.str()
    assert "  no longer collected, kept without --traces-prune: test_it[third]\n" in text
    assert (
        "  no longer collected, kept without --traces-prune: test_it.py::test_it[third]\n" in text
    )


@pytest.mark.parametrize(
    "selection",
    [
        ["-k", "first"],
        ["-m", "not x"],
        ["test_it.py::test_it[first]"],
        ["--deselect", "test_it.py::test_it[first]"],
    ],
)
def test_of_a_file_that_was_selected_in_part_nothing_is_taken_out(before, run, known, selection):
    """By name, by marker, by node id."""
    source = NEW.replace(
        '"first", "second"]', '"first", pytest.param("second", marks=pytest.mark.x)]'
    )
    result = run(source, UPDATE, "--traces-prune", *selection, ini="markers = x")

    assert result.ret == 0
    assert known() == (ALL, ALL)


@pytest.mark.parametrize(
    "begin", ["1 / 0", "import pytest; pytest.skip('no', allow_module_level=True)"]
)
def test_a_file_that_cannot_be_collected_loses_nothing(before, run, known, begin):
    """It may have tests that nobody has seen."""
    run(f"\n    {begin}\n{NEW}", UPDATE, "--traces-prune", "--continue-on-collection-errors")

    assert known() == (ALL, ALL)


def test_a_file_that_was_not_asked_for_loses_nothing(before, run, known, pytester):
    """Only those that ran are brought up to date."""
    (pytester.path / "test_other.py").write_text("def test_other(): pass\n", encoding="utf-8")
    run(NEW, UPDATE, "--traces-prune", "test_other.py")

    assert known() == (ALL, ALL)


def test_after_only_those_that_failed_last_nothing_is_taken_out(run, known, pytester):
    """pytest then does not even collect the others."""
    run(OLD, UPDATE, "-p", "cacheprovider", ini="traces_repeats = 1")
    source = OLD.replace("traces.start_span(n):", "traces.start_span(n): assert n != 'first'")
    run(source.replace("\n            pass", ""), "-p", "cacheprovider")
    run(NEW, UPDATE, "--traces-prune", "-p", "cacheprovider", "--lf")

    assert known() == (ALL, ALL)


def test_workers_say_what_they_collected(run, known, parallel):
    """To the one process that writes."""
    plugins = ("xdist.plugin", "xdist.looponfail")
    run(OLD, UPDATE, *parallel, plugins=plugins, ini="traces_repeats = 1")
    run(NEW, UPDATE, "--traces-prune", *parallel, plugins=plugins)

    assert known() == (ALL[:2], ALL[:2])


def test_by_itself_it_is_refused(run):
    """It would do nothing."""
    result = run(NEW, "--traces-prune")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        "ERROR: --traces-prune: it goes with --traces-update or --traces-record"
    )


def test_where_tests_are_named_by_modules_nothing_is_taken_out(before, run, known, pytester):
    """Which file that is, only pytest knows."""
    pytester.syspathinsert()
    result = run(NEW, UPDATE, "--traces-prune", "--pyargs", "test_it::test_it[first]")

    assert "1 passed" in result.stdout.str()
    assert known() == (ALL, ALL)
