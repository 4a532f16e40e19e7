"""The ids that most tests of this folder use."""

import pytest

from pytest_traces.propagation import SpanContext


@pytest.fixture
def context() -> SpanContext:
    return SpanContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", sampled=True)
