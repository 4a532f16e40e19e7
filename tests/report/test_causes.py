from collections.abc import Callable

from pytest_traces import Traces

Grow = Callable[..., None]
Failure = Callable[..., str]


def cause(text: str) -> str:
    """The cause and the hint, each on one line."""
    parts = text.split("\n\n")
    found = [part for part in parts if part.startswith(("  cause:", "  hint:"))]
    return "\n".join(" ".join(part.split()) for part in found)


def test_spans_of_asgi_messages(grow: Grow, failure: Failure) -> None:
    """ASGI instrumentation's spans are named, with the setting that leaves them out."""
    grow("GET /health", start=0)
    grow("GET /health http send", "GET /health", start=1)

    assert cause(failure("assert_tree", "GET /health")) == (
        "cause: ASGI instrumentation adds a span for every message of the protocol\n"
        "hint: leave them out: traces_ignore = asgi in the ini file, or "
        "traces.ignoring(glob('* http send'), glob('* http receive'))"
    )


def test_an_upgraded_instrumentation(grow: Grow, failure: Failure) -> None:
    """All that is unexpected comes from one scope, and nothing else does."""
    grow("GET /", start=0, scope="web")
    grow("connect", "GET /", start=1, scope="db")
    grow("ping", "GET /", start=2, scope="db")

    assert cause(failure("assert_tree", "GET /")) == (
        "cause: all that is unexpected comes from the scope 'db'\n"
        "hint: if that instrumentation is new or was upgraded: traces.ignoring(scope='db')"
    )


def test_a_server_span_without_context(grow: Grow, failure: Failure) -> None:
    """A server span that is a root of its own: its request carried no context."""
    grow("POST", start=0, kind="client")
    grow("POST /charge", start=1, kind="server", trace="cd" * 16)

    text = failure("assert_tree", "POST\n  POST /charge")

    assert text.splitlines()[0] == "'POST /charge' is not below 'POST': it is a root of its own"
    assert cause(text) == (
        "cause: the request that 'POST /charge' handles carried no context, or none was extracted"
    )


def test_a_message_without_context(grow: Grow, failure: Failure) -> None:
    """Likewise a consumer span."""
    grow("publish", start=0, kind="producer")
    grow("process", start=1, kind="consumer", trace="cd" * 16)

    assert cause(failure("assert_tree", "publish\n  process")) == (
        "cause: the message that 'process' handles carried no context, or none was extracted"
    )


def test_a_root_in_the_same_thread(act: Traces, failure: Failure) -> None:
    """Nothing more is known than that no span was current."""
    for name in "ab":
        with act.start_span(name):
            pass

    assert cause(failure("assert_tree", "a\n  b")) == (
        "cause: no span was current when 'b' was started"
    )


def test_a_root_of_ones_own_making(grow: Grow, failure: Failure) -> None:
    """Where spans are added, what was current is not known; that no parent was named, is."""
    grow("a", start=0)
    grow("b", start=1, trace="cd" * 16)

    assert cause(failure("assert_tree", "a\n  b")) == (
        "cause: 'b' was recorded without the id of a parent"
    )


def test_a_root_of_another_name(grow: Grow, failure: Failure) -> None:
    """Its name is what is wrong: nobody expected it below another span."""
    grow("GET /order/{n}", kind="server", start=0)

    text = failure("assert_tree", "GET /order/*")

    assert "cause:" not in text


def test_an_orphan(grow: Grow, failure: Failure) -> None:
    """It says that it has a parent, which no source recorded."""
    grow("a", start=0)
    grow("b", start=1, parent_id=99)

    text = failure("assert_tree", "a\n  b")

    assert text.splitlines()[0] == "'b' is not below 'a': its parent was not recorded"
    assert cause(text) == (
        "cause: 'b' says that it has a parent, but no source recorded that one: it started before "
        "the recording, in another process, or was left out by its instrumentation"
    )


def test_n_plus_one(grow: Grow, failure: Failure) -> None:
    """The same statement again and again, told apart from others of the same name."""
    grow("GET /cart", start=0)
    for number in range(5):
        grow(
            "SELECT",
            "GET /cart",
            key=f"s{number}",
            start=number,
            kind="client",
            attributes={"db.statement": f"SELECT * FROM items\n WHERE id = {number}"},
        )

    text = failure("assert_tree", "GET /cart\n  SELECT")

    assert text.splitlines()[0] == "'SELECT' ran 5 times below 'GET /cart', expected 1"
    assert cause(text) == (
        "cause: one query ran 5 times (N+1): SELECT * FROM items WHERE id = #\n"
        "hint: load them in one query"
    )


def test_two_sources_in_unrelated_traces(act: Traces, grow: Grow, failure: Failure) -> None:
    """One test described twice asks for one of the two: what is expected is what is kept."""
    import pytest

    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    from pytest_traces import record

    tracer = sdk.TracerProvider(shutdown_on_exit=False).get_tracer("x")
    with record(timeout="0s") as both:
        with both.start_span("b"), tracer.start_as_current_span("a"):
            pass
        with pytest.raises(AssertionError) as caught:
            both.assert_tree("a")

    assert cause(str(caught.value)) == (
        "cause: two sources describe this in traces of their own: OpenTelemetry (1 span: 'a') and "
        "hand-written (1 span: 'b')\n"
        "hint: choose one: traces_sources = opentelemetry in the ini file, or "
        "traces.only(source='opentelemetry')"
    )
