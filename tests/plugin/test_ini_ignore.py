"""``traces_ignore``: names of spans that are lifted out."""

import pytest

TEST = """
import pytest
from pytest_traces import glob

def test_it(traces):
    with traces.start_span("GET /"):
        for name in ("GET / http receive", "health", "GET / http send", "GET / websocket send"):
            with traces.start_span(name), traces.start_span("select"):
                pass
    assert sorted({span.name for span in traces.spans} - {"GET /", "select"}) == %r
"""
SEND, RECEIVE, SOCKET = "GET / http send", "GET / http receive", "GET / websocket send"


@pytest.mark.parametrize(
    ("ini", "left"),
    [
        ("", [RECEIVE, SEND, SOCKET, "health"]),
        ("traces_ignore = asgi", ["health"]),
        ("traces_ignore = asgi health", []),
        ('traces_ignore = "* http *"', [SOCKET, "health"]),
        ("traces_ignore = he?lth", [RECEIVE, SEND, SOCKET]),
        ("traces_ignore =\n    health\n    asgi", []),
    ],
)
def test_good_values(ini, left, run):
    """Globs in quotes where they have blanks, and the preset ``asgi``."""
    result = run(TEST % left, ini=ini)

    result.assert_outcomes(passed=1)


def test_the_setting_is_named_where_it_matters(run):
    """In what was captured, and where an assertion asks for a name that it hides."""
    result = run(
        """
        import pytest
        from pytest_traces import glob

        def test_it(traces):
            with traces.start_span("GET / http send"):
                pass
            with pytest.raises(AssertionError) as caught:
                traces.assert_tree("GET /")
            assert (
                "left out        1 span: GET / http send, by traces_ignore = * http send"
                in str(caught.value)
            )
            for name in ("GET / http send", glob("* http send")):
                with pytest.raises(ValueError, match="is left out by traces_ignore") as caught:
                    traces.assert_none(name)
        """,
        ini="traces_ignore = asgi",
    )

    result.assert_outcomes(passed=1)


def test_a_quote_that_is_not_closed_is_a_usage_error(run):
    """With the setting's name, and not from deep inside of pytest."""
    result = run(TEST % [], ini='traces_ignore = "* http send')

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        "ERROR: traces_ignore (in tox.ini): No closing quotation"
    )


def test_an_empty_glob_is_a_usage_error(run):
    """It would hide nothing, and was meant to."""
    result = run(TEST % [], ini='traces_ignore = asgi ""')

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        "ERROR: traces_ignore (in tox.ini): '' is not usable; it is a glob of names, or a preset: "
        "asgi"
    )
