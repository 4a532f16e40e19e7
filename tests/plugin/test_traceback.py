"""The traceback of a failure: the user's own line and the text, nothing of this package."""

import functools
import re

import pytest

HEAD = "import pytest\nfrom pytest_traces import *\n\ndef test_it(traces):\n    "
WITH_SPAN = HEAD + "with traces.start_span('book'): pass\n    "
FAILING = [
    "traces.assert_tree('other')",
    "traces.assert_tree()",
    "traces.assert_subtree(span('book', 'select'))",
    "traces.assert_path('book', 'select')",
    "traces.assert_count('book', 2)",
    "traces.assert_count('book', at_most=1, kind='server')",
    "traces.assert_none('book')",
    "traces.assert_none()",
    "traces.get('other')",
    "traces.get('book', kind='server')",
    "traces.only('other').assert_tree('book')",
    "traces.ignoring('book').outline()",
    "traces.only('book').ignoring('book').assert_no_errors()",
]
MISUSED = [
    "traces.assert_tree(5)",
    "traces.assert_tree(' a\\n   b\\n  c')",
    "traces.assert_subtree(glob('b*'))",
    "traces.assert_path()",
    "traces.assert_path('book', [1])",
    "traces.assert_count('book')",
    "traces.assert_count('book', 0)",
    "traces.assert_none(kind='servant')",
    "traces.assert_none(5)",
    "traces.assert_no_errors(allow=5)",
    "traces.get(span('book'))",
    "traces.find(source='otel')",
    "traces.only(inside=5)",
    "traces.ignoring()",
    "traces.without(5)",
    "traces.ignoring('book').get('book')",
    "traces.ignoring('book').find('book')",
    "traces.eventually(5)",
    "traces.add({'name': 'x'})",
    "traces.add({}, unit='h')",
    "traces.tap(pytest, 'nothing')",
    "traces.watch(())",
    "traces.start_span(5)",
    "traces.start_span('x', kind=5)",
    "record(timeout=5)",
    "record(sources=['x'])",
    "span('x', 5)",
    "span('x', kind='y')",
    "span('x', under=5)",
    "span(5)",
    "span('x').times(-1)",
    "span('x') * 0",
    "in_order()",
    "sequential('a', ...)",
    "concurrent(5)",
]


@pytest.fixture
def run(run):
    """Assertions that fail wait for nothing long."""
    return functools.partial(run, ini="traces_timeout = 20ms")


def frames(result: pytest.RunResult) -> list[str]:
    """The files of the traceback, the innermost last."""
    return re.findall(r"^(\S+\.py):\d+: ", result.stdout.str(), re.MULTILINE)


@pytest.mark.parametrize("line", FAILING)
def test_a_failing_assertion_shows_the_line_of_the_test(line, run):
    """And the text, by default and with ``--tb=short``."""
    result = run(WITH_SPAN + line)

    result.assert_outcomes(failed=1)
    assert frames(result) == ["test_it.py"]
    assert f">       {line}" in result.stdout.str() or f">   {line}" in result.stdout.str()
    assert any(text.startswith(("E   AssertionError: ", "E       AssertionError: "))
               for text in result.outlines)  # fmt: skip


@pytest.mark.parametrize("line", MISUSED)
def test_a_misuse_shows_the_line_of_the_test(line, run):
    """It is an error of that line; its text says what to write."""
    result = run(HEAD + line)

    result.assert_outcomes(failed=1)
    assert frames(result) == ["test_it.py"]


@pytest.mark.parametrize(
    "options", [["--tb=short"], ["--assert=plain"], ["--tb=short", "--assert=plain"]]
)
def test_the_text_is_the_same_in_every_style(options, run):
    """It depends neither on the traceback's style nor on rewritten asserts."""
    source = WITH_SPAN + "traces.assert_tree('book\\n  select')"

    def text(result: pytest.RunResult) -> list[str]:
        lines = [line[1:].strip() for line in result.outlines if line.startswith("E ")]
        return [re.sub(r" *\d+(\.\d+)? [nmu]?s\b", " TIME", line) for line in lines]

    plain, styled = run(source), run(source, *options)

    assert text(plain) == text(styled)
    assert len(text(plain)) > 3
    assert "site-packages" not in styled.stdout.str()
    assert "pytest_traces/" not in styled.stdout.str()


def test_one_line_is_the_verdict(run):
    """As it stands in the short summary."""
    result = run(WITH_SPAN + "traces.assert_none('book')", "--tb=line")

    result.stdout.fnmatch_lines(
        ["*test_it.py:6: AssertionError: expected no span 'book', got 1 span: 'book'"]
    )


def test_a_tap_hides_its_own_frame(run):
    """An exception of the application shows the application."""
    result = run(
        """
        import pytest

        class Tracing:
            @staticmethod
            def record(span):
                raise RuntimeError("full")

        def test_it(traces):
            traces.tap(Tracing, "record")
            Tracing.record({"id": 1, "trace_id": 1, "name": "x", "start_s": 1.7e9, "end": None})
        """
    )

    assert frames(result) == ["test_it.py", "test_it.py"]


def test_the_end_of_a_block_shows_the_block(run):
    """A tap that was never called fails it."""
    result = run(
        """
        import json
        from pytest_traces import record

        def test_it():
            with record() as act:
                act.tap(json, "dumps")
        """
    )

    assert frames(result) == ["test_it.py"]
    result.stdout.fnmatch_lines(["E *AssertionError: tap(json, 'dumps') was never called*"])
