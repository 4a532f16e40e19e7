"""Requests that a test sends: of which phase, and what a report says of them."""

import pytest


def test_what_set_up_sends_is_not_of_the_test(pytester: pytest.Pytester):
    """Requests have phases as spans have, and clear() forgets them."""
    pytester.makepyfile("""
        import httpx, pytest, respx

        @pytest.fixture
        def up(traces):
            with respx.mock as mock:
                mock.route().respond()
                httpx.get("http://set/up")
                yield

        def test_phases(traces, up):
            httpx.get("http://in/test")
            assert [one.url for one in traces.requests] == ["http://in/test"]
            assert [one.url for one in traces.setup.requests] == ["http://set/up"]
            traces.clear()
            assert not traces.requests
    """)

    pytester.runpytest().assert_outcomes(passed=1)
