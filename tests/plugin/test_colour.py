"""Colours in the section, where pytest itself uses colours."""

import pytest

FAILING = """
def test_it(traces):
    try:
        with traces.start_span("bad"):
            raise ValueError("no")
    except ValueError:
        pass
    with traces.start_span("good"):
        pass
    assert False
"""
RED = "\x1b[31m"


def line(result: pytest.RunResult) -> str:
    found = [one for one in result.outlines if one.endswith(("   error", "   error\x1b[0m"))]
    raised = [one for one in result.outlines if one.endswith(("! ValueError: no", ": no\x1b[0m"))]
    assert len(found) == len(raised) == 1
    assert found[0].startswith(RED) is raised[0].startswith(RED)
    return found[0]


@pytest.mark.parametrize(("option", "colours"), [("yes", True), ("no", False), ("auto", False)])
def test_colours_are_those_of_the_terminal(option, colours, run):
    """A span with an error is red, and what it raised; the text is the same."""
    result = run(FAILING, f"--color={option}")

    assert line(result).startswith(RED) is colours
    assert ("\x1b" in result.stdout.str()) is colours
    assert ("\x1b[" in next(one for one in result.outlines if "good  " in one)) is False


@pytest.mark.parametrize(("option", "colours"), [("yes", True), ("no", False)])
def test_workers_use_the_colours_of_the_terminal(option, colours, run, parallel):
    """They do not see it themselves."""
    result = run(
        FAILING, *parallel, f"--color={option}", plugins=("xdist.plugin",), subprocess=True
    )

    assert line(result).startswith(RED) is colours
