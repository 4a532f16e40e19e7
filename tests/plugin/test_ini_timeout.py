"""``traces_timeout``: how long assertions wait."""

import pytest

TEST = """
def test_it(traces):
    assert traces._frame.timeout_ns == {expected}
"""
ALLOWED = 'a duration is written like "50ms", with a unit of ns, us, ms, s or min'


@pytest.mark.parametrize(
    ("ini", "options", "expected"),
    [
        ("", [], 2_000_000_000),
        ("traces_timeout = 50ms", [], 50_000_000),
        ("traces_timeout = 1.5 s", [], 1_500_000_000),
        ("traces_timeout = 2min", [], 120_000_000_000),
        ("traces_timeout = 0s", [], 0),
        ("traces_timeout = 1s", ["-o", "traces_timeout=3s"], 3_000_000_000),
    ],
)
def test_good_values(ini, options, expected, run):
    """Two seconds, or what the ini file or ``-o`` says."""
    result = run(TEST.format(expected=expected), *options, ini=ini)

    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("value", ["5", "fast", "-1s", "5 hours", ""])
def test_a_bad_value_is_a_usage_error(value, run):
    """It names the value, where it came from and what is allowed."""
    result = run(TEST, ini=f"traces_timeout = {value}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        f"ERROR: traces_timeout (in tox.ini): {value!r} is not usable; {ALLOWED}"
    )


def test_a_bad_value_of_the_command_line_is_named_as_such(run):
    """It goes before that of the file."""
    result = run(TEST, "-o", "traces_timeout=5", ini="traces_timeout = 5s")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().strip() == (
        f"ERROR: traces_timeout (option -o): '5' is not usable; {ALLOWED}"
    )


def test_an_assertion_waits_so_long_and_no_longer(run):
    """The failure names the limit and the setting."""
    result = run(
        """
        import threading

        def test_it(traces):
            go = threading.Event()

            def work():
                with traces.start_span("work"):
                    started.set()
                    go.wait(30)

            started = threading.Event()
            worker = threading.Thread(target=work)
            worker.start()
            started.wait()
            try:
                traces.assert_tree("work")
            finally:
                go.set()
                worker.join()
        """,
        ini="traces_timeout = 20ms",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *'work' never ended*", "E *still open: 'work'*"])
