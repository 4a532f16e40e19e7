from collections.abc import Callable

from pytest_traces import Traces, glob, in_order, span

Grow = Callable[..., None]
Failure = Callable[..., str]


def test_several_differences_at_once(grow: Grow, failure: Failure) -> None:
    """Every difference is in the tree and in the verdict, and the nearest candidate is named."""
    grow("POST /checkout", kind="server", start=0, took=31)
    grow(
        "SELECT orders",
        "POST /checkout",
        kind="client",
        start=1,
        attributes={"db.system": "sqlite"},
    )
    grow("order publish", "SELECT orders", kind="producer", start=2, took=1)
    grow("GET", "POST /checkout", kind="client", start=4, took=None)

    text = failure(
        "assert_tree",
        span(
            "POST /checkout",
            span("SELECT orders", ..., attributes={"db.system": "postgresql"}),
            span("GET"),
            span("orders publish"),
        ),
    )

    assert text == (
        "the trace differs from the expected tree: 1 missing ('orders publish'), "
        "1 different ('SELECT orders'), 1 never ended ('GET')\n"
        "\n"
        "    POST /checkout       server    31.0 ms\n"
        "  ~ ├─ SELECT orders     client    10.0 ms"
        "   db.system: expected 'postgresql', got 'sqlite'\n"
        "    │  └─ order publish  producer  1.00 ms\n"
        "  ~ ├─ GET               client       open   never ended\n"
        "  - └─ orders publish"
        "                        missing; nearest: 'order publish' below "
        "'POST /checkout > SELECT orders'\n"
        "\n"
        "  still open: 'POST /checkout > GET'\n"
        "\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    4 spans"
    )


def test_nothing_expected(checkout: None, failure: Failure) -> None:
    """An empty expectation is refused, with the outline to paste."""
    assert failure("assert_tree", "") == (
        "nothing is expected, which anything would fulfil\n"
        "\n"
        "  the recorded tree, ready to be pasted:\n"
        "\n"
        "    POST /checkout\n"
        "    ├─ POST\n"
        "    │  └─ POST /charge\n"
        "    ├─ SELECT orders\n"
        "    └─ orders publish"
    )
    assert failure("assert_tree", ...) == failure("assert_tree")


def test_far_off(checkout: None, failure: Failure) -> None:
    """Where little fits, the outline to paste comes along."""
    text = failure("assert_tree", "GET /")

    assert text.endswith(
        "  the recorded tree, ready to be pasted:\n"
        "\n"
        "    POST /checkout\n"
        "    ├─ POST\n"
        "    │  └─ POST /charge\n"
        "    ├─ SELECT orders\n"
        "    └─ orders publish"
    )


def test_large_trees_show_only_what_differs(grow: Grow, failure: Failure) -> None:
    """What is as expected is counted, not shown."""
    grow("root", start=0)
    for number in range(400):
        grow(f"n{number}", "root", start=number)
    grow("deep", "n5", start=500)

    expected = "root\n" + "\n".join(f"  n{number}" for number in range(400))

    assert failure("assert_tree", expected) == (
        "'deep' is unexpected below 'root > n5'\n"
        "\n"
        "    root        internal  10.0 ms\n"
        "    ├─ n5       internal  10.0 ms\n"
        "  + │  └─ deep  internal  10.0 ms   unexpected\n"
        "    └─ … 399 spans as expected"
    )


def test_deep_trees_show_only_what_differs(grow: Grow, failure: Failure) -> None:
    """A long way down to the difference is one line."""
    grow("n0", start=0)
    for number in range(1, 300):
        grow(f"n{number}", f"n{number - 1}", start=number)

    expected = "\n".join(" " * number + f"n{number}" for number in range(299))

    assert failure("assert_tree", expected) == (
        "'n299' is unexpected below 'n0 > n1 > … 295 levels … > n297 > n298'\n"
        "\n"
        "    n0             internal  10.0 ms\n"
        "    └─ … 297 levels as expected\n"
        "       └─ n298     internal  10.0 ms\n"
        "  +       └─ n299  internal  10.0 ms   unexpected"
    )


def test_no_span_fits(checkout: None, failure: Failure) -> None:
    """`get` names the nearest and what keeps it from being the one."""
    text = failure("get", "POST /charge", kind="client", status="error")

    assert text.splitlines()[0] == (
        "no span fits 'POST /charge' with kind='client', status='error'; nearest: "
        "'POST /checkout > POST > POST /charge', kind: expected 'client', got 'server' "
        "and status: expected 'error', got 'unset'"
    )


def test_several_fit(grow: Grow, failure: Failure) -> None:
    """`get` wants one, says where they are and how to choose."""
    grow("a", start=0)
    grow("b", "a", key="b1", start=1)
    grow("b", "a", key="b2", start=2)

    assert failure("get", "b") == (
        "2 spans fit 'b', expected one\n"
        "\n"
        "  'a > b'\n"
        "  'a > b'\n"
        "\n"
        "  hint:  add a keyword: kind=, status=, attributes=, service=, scope=, source=, inside="
    )


def test_wrong_count(checkout: None, failure: Failure) -> None:
    """`assert_count` says where those are that it counted."""
    assert failure("assert_count", glob("POST*"), 2) == (
        "glob('POST*') ran 3 times, expected 2\n"
        "\n"
        "  POST /checkout      server    31.0 ms\n"
        "  ├─ SELECT orders    client    2.00 ms\n"
        "  ├─ POST             client    11.0 ms\n"
        "  │  └─ POST /charge  server    9.00 ms\n"
        "  └─ orders publish   producer  1.00 ms\n"
        "\n"
        "  1 as a root\n"
        "  1 below 'POST /checkout'\n"
        "  1 below 'POST /checkout > POST'\n"
        "\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    5 spans"
    )


def test_errors(act: Traces, grow: Grow, failure: Failure) -> None:
    """`assert_no_errors` shows each error and where it is."""
    grow("POST", start=0, status="error", status_description="no answer")
    exception = {"exception.type": "ValueError", "exception.message": "bad card"}
    grow("POST /charge", "POST", start=1, events=[{"name": "exception", "attributes": exception}])

    assert failure("assert_no_errors") == (
        "2 errors, the first in 'POST': no answer\n"
        "\n"
        "  POST             internal  10.0 ms   error: no answer\n"
        "  └─ POST /charge  internal  10.0 ms\n"
        "     ! ValueError: bad card\n"
        "\n"
        "  'POST > POST /charge': ValueError: bad card"
    )
    act.assert_no_errors(allow=["POST", ValueError])


def test_not_in_order(grow: Grow, failure: Failure) -> None:
    """A group out of order says which came too early."""
    grow("root", start=0)
    grow("reserve", "root", start=5)
    grow("charge", "root", start=1, took=2)

    text = failure("assert_tree", span("root", in_order("reserve", "charge")))

    assert text == (
        "'charge' started before 'reserve', expected after it, below 'root'\n"
        "\n"
        "  ~ root        internal  10.0 ms   its children are not in order\n"
        "    ├─ charge   internal  2.00 ms\n"
        "    └─ reserve  internal  10.0 ms"
    )
