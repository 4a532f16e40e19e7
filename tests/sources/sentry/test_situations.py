"""Whole suites in processes of their own: an import in the test, an init at import, any order."""

from __future__ import annotations

import textwrap

import pytest

pytest.importorskip("sentry_sdk")

IMPORTED_IN_THE_TEST = """
    import sys

    def test_first(traces):
        assert "sentry_sdk" not in sys.modules
        import sentry_sdk

        with sentry_sdk.start_transaction(name="checkout"):
            sentry_sdk.capture_message("gone", level="error")
        traces.assert_tree("checkout")
        assert traces.error_events[0].span.name == "checkout"

    def test_second(traces):
        import sentry_sdk

        sentry_sdk.init(traces_sample_rate=1.0)
        with sentry_sdk.start_transaction(name="checkout"):
            pass
        assert traces.get("checkout").sampled

    def test_third(traces):
        import sentry_sdk

        with sentry_sdk.start_transaction(name="checkout"):
            pass
        assert traces.get("checkout").sampled
"""

APPLICATION = """
    import sentry_sdk, pytest

    sentry_sdk.init({options})
    left = []

    def serve(name="checkout"):
        with sentry_sdk.start_transaction(name=name, op="http.server"):
            with sentry_sdk.start_span(op="db", name="SELECT"):
                pass

    def check(traces):
        traces.assert_tree("checkout\\n  SELECT")
        traces.assert_no_errors()

    def test_one(traces):
        serve()
        check(traces)

    def test_without_a_recording():
        serve("other")

    def test_an_error(traces):
        serve()
        sentry_sdk.capture_message("gone", level="error")
        with pytest.raises(AssertionError, match="gone"):
            traces.assert_no_errors()

    def test_left_open(traces):
        left.append(sentry_sdk.start_transaction(name="left"))
        assert [span.name for span in traces.unfinished] == ["left"]

    def test_late(traces):
        for transaction in left:
            transaction.start_child(name="late").finish()
            transaction.finish()
        serve()
        check(traces)

    def test_init_again(traces):
        sentry_sdk.init({options})
        serve()
        check(traces)

    def test_two(traces):
        serve()
        check(traces)
"""

REVERSED = """
    def pytest_collection_modifyitems(items):
        items.reverse()
"""


def test_imported_in_the_test(run_pytest):
    """From the first span on."""
    run_pytest(IMPORTED_IN_THE_TEST, passed=3)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        "traces_sample_rate=1.0",
        "traces_sample_rate=1.0, dsn='http://key@127.0.0.1:9/1', shutdown_timeout=0",
        "traces_sample_rate=0",
    ],
    ids=["without a DSN", "with a DSN", "not sampled"],
)
def test_an_application(run_pytest, tmp_path, options, backwards):
    """Initialised at its import; its tests see their own spans, whatever their order."""
    if backwards:
        (tmp_path / "conftest.py").write_text(textwrap.dedent(REVERSED), encoding="utf-8")
    run_pytest(APPLICATION.format(options=options), passed=7)
