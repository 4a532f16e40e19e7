"""``traces_receiver``: one receiver for servers that outlive a test."""

import os

import pytest

#: A server of the session; what it sends is told by the tests.
CONFTEST = """
    import socket, time
    from urllib.parse import urlsplit
    import pytest
    from pytest_traces.encoding.otlp_write import encode
    from pytest_traces.model import SpanData

    class Server:
        def __init__(self, receiver):
            self.url = urlsplit(receiver.endpoint)

        def send(self, name, trace="a" * 32, number=1, parent=None, at=None):
            start = time.time_ns() if at is None else at
            body = encode([SpanData(name, trace, f"{number:016x}", parent, start, start + 5)])
            with socket.create_connection((self.url.hostname, self.url.port), 15) as connection:
                connection.sendall(
                    f"POST {self.url.path}/v1/traces HTTP/1.1\\r\\nHost: {self.url.netloc}\\r\\n"
                    f"Content-Type: application/json\\r\\nConnection: close\\r\\n"
                    f"Content-Length: {len(body)}\\r\\n\\r\\n".encode() + body
                )
                while connection.recv(65536):
                    pass

    @pytest.fixture(scope="session")
    def server(traces_receiver):
        server = Server(traces_receiver)
        server.send("startup", "b" * 32)
        return server
"""


def test_spans_go_to_the_test_that_was_running(run):
    """By their start time, if nobody knows their trace."""
    result = run(
        """
        def test_first(traces, server):
            server.send("first")
            traces.assert_tree("first")

        def test_second(traces, server):
            server.send("second", "c" * 32)
            traces.assert_tree("second")
        """,
        "-p", "no:randomly", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=2)


def test_spans_go_to_the_test_that_knows_their_trace(run):
    """Even where its clock is not that of this machine."""
    result = run(
        """
        def test_it(traces, server):
            with traces.start_span("here"):
                here = traces.unfinished[0]
            server.send("there", here.trace_id, 7, here.span_id, at=1_700_000_000_000_000_000)
            traces.assert_tree("here\\n└─ there")
        """,
        conftest=CONFTEST,
    )
    result.assert_outcomes(passed=1)


def test_a_test_without_the_receiver(run):
    """What servers do on their own account is not in it; what it caused is."""
    result = run(
        """
        import pytest

        SERVER = []

        @pytest.fixture(scope="session", autouse=True)
        def keep(request):
            SERVER.append(request.getfixturevalue("server"))

        def test_it(traces):
            server = SERVER[0]
            server.send("GET /health")
            with traces.start_span("here"):
                here = traces.unfinished[0]
            server.send("there", here.trace_id, 7, here.span_id)
            traces.get("there")
            traces.assert_tree("here\\n└─ there")
        """,
        conftest=CONFTEST,
    )
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "*traces: received for no test*",
            "2 spans came to traces_receiver and belonged to no test that was running: "
            "GET /health, startup",
        ]
    )


def test_a_span_that_comes_when_its_test_is_over(run):
    """It is not the next test's; the summary names it."""
    result = run(
        """
        import time

        BEGUN = []

        def test_first(traces, server):
            BEGUN.append(time.time_ns())

        def test_second(traces, server):
            server.send("late", at=BEGUN[0])
            server.send("late", number=2, at=BEGUN[0])
            server.send("mine", "c" * 32)
            traces.assert_tree("mine")
        """,
        "-p", "no:randomly", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*2 spans came to traces_receiver *: 2 × late"])


def test_what_an_earlier_request_still_does(run):
    """It goes with the request, which began in the test before, and is no test's."""
    result = run(
        """
        import time
        import pytest

        BEGUN = []

        def test_first(traces, server):
            BEGUN.append(time.time_ns())

        def test_second(traces, server):
            server.send("query", number=3, parent=f"{2:016x}")
            server.send("work", number=2, parent=f"{1:016x}")
            server.send("mine", "c" * 32)
            with pytest.raises(AssertionError):
                traces.assert_none("query")
            server.send("request", at=BEGUN[0])
            traces.assert_none("query")
            traces.assert_tree("mine")

        def test_third(traces, server):
            server.send("late", number=7, at=BEGUN[0])
            with pytest.raises(AssertionError) as raised:
                traces.assert_path("mine")
            assert "    OTLP            nothing of this test; 1 span of an earlier test, or of none\\n" in str(raised.value)
        """,
        "-p", "no:randomly", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*4 spans came to traces_receiver *: late, query, request, work"])


def test_what_a_trace_of_an_earlier_test_still_does(run):
    """It is of the test that has begun the trace, which is over."""
    result = run(
        """
        TRACE = []

        def test_first(traces, server):
            with traces.caller("click") as caller:
                TRACE.append(caller.trace_id)
                server.send("request", TRACE[0], 2, caller.span_id)

        def test_second(traces, server):
            server.send("background", TRACE[0], parent=f"{3:016x}")
            server.send("mine", "c" * 32)
            traces.assert_tree("mine")
        """,
        "-p", "no:randomly", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*1 span came to traces_receiver *: background"])


def test_a_trace_that_a_wider_fixture_has_begun(run):
    """It goes through all tests; each has what started in it."""
    pytest.importorskip("opentelemetry.sdk.trace")
    result = run(
        """
        import pytest
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.trace import set_span_in_context

        TRACER = TracerProvider().get_tracer("a")

        @pytest.fixture(scope="module")
        def span(server):
            with TRACER.start_as_current_span("session") as span:
                yield span

        @pytest.fixture
        def trace(span):
            return f"{span.get_span_context().trace_id:032x}"

        def test_first(traces, span, trace, server):
            TRACER.start_span("here", set_span_in_context(span)).end()
            server.send("first", trace, 1, f"{9:016x}")
            traces.assert_count("first", at_least=1)

        def test_second(traces, trace, server):
            server.send("second", trace, 2, f"{9:016x}")
            traces.assert_count("second", at_least=1)
        """,
        "-p", "no:randomly", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=2)


def test_all_claimed(run):
    """Then there is nothing to say."""
    result = run(
        """
        def test_it(traces, server):
            server.send("mine", "c" * 32)
            traces.assert_tree("startup", "mine")
        """,
        conftest=CONFTEST,
    )
    # The server was started by this test's own fixtures.
    result.stdout.no_fnmatch_line("*received for no test*")


def test_the_spans_of_setup(run):
    """What a server emits while fixtures run is not the test's own code."""
    result = run(
        """
        import pytest

        @pytest.fixture
        def ready(server):
            server.send("ready", "d" * 32)

        def test_it(traces, ready, server):
            server.send("mine", "c" * 32)
            traces.assert_tree("mine")
            traces.setup.assert_count("ready", 1)
        """,
        conftest=CONFTEST,
    )
    result.assert_outcomes(passed=1)


def test_in_parallel(run, parallel):
    """Each process has a receiver of its own; the summary adds them up."""
    result = run(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(traces, server, number):
            server.send("late", number=number + 1, at=1_700_000_000_000_000_000)
            server.send("mine", "c" * 32)
            traces.get("mine")
        """,
        *parallel, plugins=("xdist.plugin",), conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*traces: received for no test*", "*4 × late*"])


def test_a_block(run):
    """A block within a test has what the test has, from its own beginning."""
    result = run(
        """
        from pytest_traces import record

        def test_it(traces, server):
            server.send("before", "e" * 32)
            with record() as act:
                server.send("mine", "c" * 32)
            act.assert_tree("mine")
            traces.assert_tree("before", "mine")
        """,
        conftest=CONFTEST,
    )
    result.assert_outcomes(passed=1)


def test_the_port_is_closed_at_the_end(run, own_port):
    """With the session."""
    end = """
    URLS = []

    @pytest.fixture(scope="session", autouse=True)
    def keep_url(server):
        URLS.append(server.url)

    def pytest_unconfigure(config):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((URLS[0].hostname, URLS[0].port), 1)
        print("closed")
    """
    result = run("def test_it(traces): pass", conftest=CONFTEST + end)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["closed"])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")
def test_a_server_that_is_forked(run):
    """It sends to the receiver of the session, also where its first test had one of its own."""
    pytest.importorskip("opentelemetry.sdk.trace")
    result = run(
        """
        import os, socket, pytest
        from opentelemetry.sdk.trace import TracerProvider

        tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")

        @pytest.fixture(scope="session")
        def work(traces_receiver):
            mine, its = socket.socketpair()
            pid = os.fork()
            if not pid:
                mine.close()
                while order := its.recv(100):
                    tracer.start_span(order.decode()).end()
                    its.sendall(b".")
                os._exit(0)
            its.close()

            def do(order):
                mine.sendall(order.encode())
                assert mine.recv(1) == b"."

            yield do
            mine.close()
            os.waitpid(pid, 0)

        def test_first(traces, work):
            work("before")
            assert traces.receiver
            work("first")
            traces.get("first")

        def test_second(traces, work):
            work("second")
            traces.assert_tree("second")

        def test_that_does_not_use_it(traces, request):
            request.getfixturevalue("work")("health check")
            traces.assert_none()

        def test_that_forks_itself(traces):
            if not (pid := os.fork()):
                tracer.start_span("mine").end()
                os._exit(0)
            os.waitpid(pid, 0)
            with pytest.raises(AssertionError, match="in a process forked during the recording"):
                traces.assert_none("mine")
        """,
        "-p", "no:randomly", "-W", "ignore::DeprecationWarning", conftest=CONFTEST,
    )  # fmt: skip
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["2 spans came to traces_receiver *: health check, mine"])
