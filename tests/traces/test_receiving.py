"""The receiver of a test, and children that are run to their end."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pytest_traces import BadValue, Receiver, Traces, record
from pytest_traces.encoding.otlp_write import encode
from pytest_traces.model import SpanData
from pytest_traces.recording import journal
from pytest_traces.traces.receiver import SILENCE_NS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PYTHON = Path(sys.executable).name
HINT = (
    "  hint:  a process sends spans if an SDK is set up in it, by opentelemetry-instrument (which needs\n"
    "         the package opentelemetry-distro) or by its own code, and if it has the environment:\n"
    "         env=traces.receiver.env; traces.run gives it. If it was killed, or left by os._exit, before\n"
    "         it had sent them: let it end by itself or stop it by a signal that it handles, or call\n"
    "         force_flush() before. If it sends them late (each 5 s, without OTEL_BSP_SCHEDULE_DELAY of\n"
    '         the receiver\'s env): traces.eventually("10s"), or traces_timeout = 10s'
)
LOST = "spans that it had not sent, and those that were open, are lost"
START = 1_700_000_000_000_000_000


@pytest.fixture(autouse=True)
def new_ids() -> None:
    """Ids are no longer those of earlier tests, whose late spans these would be."""
    journal.past.forget()


@pytest.fixture
def act() -> Iterator[Traces]:
    """A recording of what is added by hand, and of what is received."""
    with record(timeout="15s", sources=["handwritten", "otlp"]) as act:
        yield act


def span(name: str, number: int = 1, parent: int | None = None, **fields: object) -> SpanData:
    parent_id = f"{parent:016x}" if parent else None
    data = SpanData(name, TRACE, f"{number:016x}", parent_id, START, START + 1_000_000)
    return data._replace(**fields)


class Post:
    """A request to a receiver, in two parts."""

    def __init__(self, endpoint: str, *spans: SpanData, body: bytes | None = None) -> None:
        url, self._body = urlsplit(endpoint), encode(spans) if body is None else body
        self._socket = socket.create_connection((url.hostname, url.port), 15)
        head = (
            f"POST {url.path}/v1/traces HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self._body)}\r\n\r\n"
        )
        self._socket.sendall(head.encode() + self._body[:10])

    def end(self) -> str:
        """Send the rest, and return the answer."""
        answer = b""
        with self._socket:
            self._socket.sendall(self._body[10:])
            while some := self._socket.recv(65536):
                answer += some
        return answer.decode()


def when_waited_for(action: Callable[[], object]) -> threading.Thread:
    """Do this in a thread as soon as an assertion waits."""

    def work() -> None:
        while not journal.waiters:
            pass
        action()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_span_that_is_received(act):
    """It is of the source ``otlp``, and has the service that its resource names."""
    assert " 200 " in Post(act.receiver.endpoint, span("GET /stock", service="stock")).end()

    one = act.get("GET /stock", service="stock", source="otlp")
    assert (one.trace_id, one.start_ns, one.end_ns) == (TRACE, START, START + 1_000_000)


def test_received_spans_join_the_trace_of_this_process(act):
    """By their ids."""
    act.add(span("POST", 1)._asdict() | {"start_ns": START, "end_ns": START + 5})
    Post(act.receiver.endpoint, span("POST /charge", 2, parent=1)).end()

    act.assert_tree("POST\n└─ POST /charge")


def test_one_receiver_for_each_recording(act):
    """It is the same each time, and another one for a block."""
    assert isinstance(act.receiver, Receiver)
    assert act.receiver is act.receiver
    with record(timeout="1s") as block:
        assert block.receiver.endpoint != act.receiver.endpoint
        assert urlsplit(block.receiver.endpoint).port == urlsplit(act.receiver.endpoint).port


def test_what_a_block_receives_the_recording_around_it_has_too(act):
    """Whoever is open records all that comes."""
    with record(timeout="15s") as block:
        now = time.time_ns()
        Post(block.receiver.endpoint, span("GET /stock", start_ns=now, end_ns=now + 1)).end()
        block.assert_tree("GET /stock")
    act.assert_tree("GET /stock")


def test_a_receiver_is_closed_with_its_recording(own_port):
    """The port is closed with its last user."""
    with record(timeout="1s") as act:
        url = urlsplit(act.receiver.endpoint)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((url.hostname, url.port), 1)
    assert act.receiver.endpoint  # it may be looked at
    with record(timeout="1s") as act:
        pass
    with pytest.raises(RuntimeError, match=r"^receiver: the recording is over"):
        assert act.receiver


def test_a_late_span_belongs_to_nobody(act):
    """What comes for a recording that is over is answered and dropped, never taken by another."""
    assert act.receiver
    with record(timeout="15s") as block:
        endpoint = block.receiver.endpoint
    assert " 200 " in Post(endpoint, span("late")).end()
    act.assert_none()
    block.assert_none()


def test_a_source_that_is_left_out():
    """Then nobody could see what comes."""
    with record(timeout="1s", sources=["handwritten"]) as act:
        with pytest.raises(RuntimeError) as error:
            assert act.receiver
    assert str(error.value) == (
        "receiver: traces_sources leaves otlp out, so nothing could be seen"
    )


def test_what_is_refused_is_reported_by_each_assertion(act):
    """Nobody knows what it would have been."""
    Post(act.receiver.endpoint, span("GET /stock")).end()
    assert " 400 " in Post(act.receiver.endpoint, body=b'{"resourceSpans": 7}').end()

    for _ in range(2):
        with pytest.raises(AssertionError) as error:
            act.get("GET /stock")
        assert str(error.value) == (
            "not everything could be recorded\n\n"
            "OTLP receiver: 1 request refused (400): its body cannot be read: resourceSpans: 7 is "
            "not usable; an array is needed"
        )


def test_a_request_on_its_way_is_waited_for(act):
    """An assertion that needs all spans waits until nothing comes any more."""
    Post(act.receiver.endpoint, span("first", 1)).end()
    post = Post(act.receiver.endpoint, span("second", 2))
    thread = when_waited_for(post.end)

    act.assert_tree("first", "second")
    thread.join()


def test_a_span_too_many_on_its_way(act):
    """An assertion that held without it fails."""
    Post(act.receiver.endpoint, span("first", 1)).end()
    thread = when_waited_for(Post(act.receiver.endpoint, span("first", 2)).end)

    with pytest.raises(AssertionError, match=r"^first ran 2 times|^'first' ran 2 times"):
        act.assert_count("first", 1)
    thread.join()


def test_while_spans_come():
    """What may still come is not absent."""
    with record(timeout="1ms") as act:
        post = Post(act.receiver.endpoint, span("second", 2))
        while not act.receiver._endpoint.busy:
            pass
        with pytest.raises(AssertionError) as error:
            act.assert_none("first")
        post.end()
    assert str(error.value).splitlines()[0] == (
        "absence cannot be asserted while other processes may send spans"
    )


def test_silence_is_counted_from_the_beginning_of_the_assertion(act):
    """What somebody was asked for just now takes its time."""
    receiver = act.receiver
    assert receiver.is_silent(2**62)  # nobody was told of it
    assert receiver.endpoint
    assert not receiver.is_silent(0)  # they were told just now
    receiver.known_ns = 1
    assert receiver.is_silent(0)
    assert not receiver.is_silent(2**62)
    Post(receiver.endpoint, span("first")).end()
    receiver._endpoint.last_ns = 2**62
    assert not receiver.is_silent(0)
    receiver._endpoint.last_ns = 1
    assert receiver.is_silent(1)
    assert SILENCE_NS == 250_000_000


def test_an_open_span_is_replaced_by_its_end(act):
    """A forked child sends a span when it starts, and again when it ends."""
    Post(act.receiver.endpoint, span("work", end_ns=None)).end()
    assert act.get("work").end_ns is None
    Post(act.receiver.endpoint, span("work"), span("more", 2)).end()

    act.assert_tree("work", "more")


async def wait_for_silence(act: Traces) -> None:
    await act.settled()
    act.assert_tree("first")


def test_in_an_event_loop(act):
    """``settled`` waits for silence, too; then assertions need not."""
    import asyncio

    Post(act.receiver.endpoint, span("first")).end()
    asyncio.run(wait_for_silence(act))


def test_variables(act, monkeypatch):
    """They are those that SDKs read; ``env`` has them beside the environment of this process."""
    pytest.importorskip("opentelemetry.proto")
    monkeypatch.setenv("SHOP", "open")
    receiver = act.receiver
    assert receiver.variables["OTEL_EXPORTER_OTLP_ENDPOINT"] == receiver.endpoint
    assert receiver.variables["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    assert receiver.env == {**os.environ, **receiver.variables}
    assert receiver.env["SHOP"] == "open"


def test_grpc_variables(act):
    """The same receiver speaks gRPC where grpcio is installed."""
    pytest.importorskip("opentelemetry.proto")
    pytest.importorskip("grpc")
    variables = act.receiver.grpc.variables
    assert variables["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc"


def test_repr(act):
    """It says how much has come, and no token."""
    Post(act.receiver.endpoint, span("first")).end()
    assert repr(act.receiver) == "<Receiver of 1 span>"


class TestRun:
    """``traces.run``."""

    @pytest.fixture(autouse=True)
    def decoder(self):
        pytest.importorskip("opentelemetry.proto")

    def python(self, code: str) -> list[str]:
        return [sys.executable, "-c", code]

    def test_returns_what_it_has_written(self, act):
        """As subprocess.run does."""
        done = act.run(self.python("print(input()[::-1])"), input="olleh")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")

    def test_a_failure_shows_the_output(self, act):
        """Both streams of it."""
        code = "import sys; print('one'); print('no such order', file=sys.stderr); sys.exit(3)"
        with pytest.raises(AssertionError) as error:
            act.run([sys.executable, "-c", code], executable=sys.executable)
        first, *rest = str(error.value).splitlines()
        assert first.endswith("ended with exit status 3")
        assert rest == ["", "  stdout:", "    one", "  stderr:", "    no such order"]

    def test_a_failure_that_is_expected(self, act):
        """The exit status is for the test to judge."""
        assert act.run(self.python("raise SystemExit(3)"), check=False).returncode == 3

    def test_nothing_written(self, act):
        """That is said."""
        with pytest.raises(AssertionError, match="it wrote nothing"):
            act.run(self.python("raise SystemExit(3)"))

    def test_a_long_output(self, act):
        """Its end is shown."""
        with pytest.raises(AssertionError) as error:
            act.run(self.python("print('x\\n' * 100); raise SystemExit(1)"))
        assert "    … 40 lines before\n    x\n" in str(error.value)

    def test_a_timeout(self, act):
        """It is killed with all that it has started, and what it wrote is shown."""
        code = (
            "import subprocess, sys, time; print('begun', flush=True);"
            "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
        )
        with pytest.raises(AssertionError) as error:
            act.run(self.python(code), timeout="3s")
        first, *rest = str(error.value).splitlines()
        assert first.endswith(" did not end within 3.00 s")
        assert rest == ["", "  stdout:", "    begun", f"  {LOST}"]

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            ("pass", "and wrote nothing"),
            ("print('no', 'SDK'); print()", "its last line: no SDK"),
            ("import sys; print('done'); print(' x' * 50, file=sys.stderr)",
             f"its last line: {'x ' * 34}x…"),
        ],
    )  # fmt: skip
    def test_a_child_that_sends_nothing(self, act, tmp_path, code, what):
        """What it wrote may say why."""
        (tmp_path / "report.py").write_text(code)
        act.run([sys.executable, "report.py"], cwd=tmp_path)
        with pytest.raises(AssertionError) as error:
            act.eventually("1ms").get("report")
        assert (
            "    OTLP            nothing arrived\n"
            f"                    {PYTHON} report.py sent no span;\n"
            f"                    {what}\n\n"
        ) in str(error.value)

    @pytest.mark.skipif(os.name != "posix", reason="there are no signals")
    def test_a_killed_child(self, act, tmp_path):
        """It lost what it had not sent, which matters where something is missing."""
        (tmp_path / "report.py").write_text("import os; os.kill(os.getpid(), 9)\n")
        with pytest.raises(AssertionError) as error:
            act.run([sys.executable, "report.py"], cwd=tmp_path, executable=sys.executable)
        assert str(error.value) == (
            f"{PYTHON} report.py was killed by SIGKILL\n\n  it wrote nothing\n  {LOST}"
        )
        with pytest.raises(AssertionError) as error:
            act.eventually("1ms").get("report")
        assert str(error.value) == (
            "no span fits 'report': no span was recorded\n\n"
            "  what was captured:\n"
            "    opentelemetry   left out by traces_sources\n"
            "    hand-written    nothing added\n"
            "    OTLP            nothing arrived\n"
            f"                    {PYTHON} report.py was killed by SIGKILL;\n"
            f"                    {LOST}\n\n"
            "  hint:  a process that is killed does not send its last spans: let it end by itself or stop it by a\n"
            "         signal that it handles, or call force_flush() before"
        )

    def test_the_environment(self, act, monkeypatch):
        """What is given is used; what it changes of the variables stays."""
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://production:4318")
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        code = self.python(
            "import json, os; print(json.dumps({k: v for k, v in os.environ.items()"
            " if k.startswith('OTEL') or k == 'SHOP'}))"
        )
        given = {**os.environ, "SHOP": "open", "OTEL_BSP_SCHEDULE_DELAY": "7"}
        seen = json.loads(act.run(code, env=given).stdout)
        wanted = act.receiver.variables
        assert seen["SHOP"] == "open"
        assert seen["OTEL_BSP_SCHEDULE_DELAY"] == "7"
        assert seen["OTEL_EXPORTER_OTLP_ENDPOINT"] == wanted["OTEL_EXPORTER_OTLP_ENDPOINT"]
        assert seen["OTEL_TRACES_SAMPLER"] == "always_on"

    def test_the_current_span_is_handed_on(self, act):
        """As TRACEPARENT."""
        code = self.python("import os; print(os.environ.get('TRACEPARENT'))")
        assert act.run(code).stdout == "None\n"
        with act.start_span("parent"):
            parent = act.unfinished[0]
            seen = act.run(code).stdout.strip()
            assert seen == f"00-{parent.trace_id}-{parent.span_id}-01"
            assert act.run(code, env={**os.environ, "TRACEPARENT": "x"}).stdout == "x\n"

    @pytest.mark.parametrize("args", [[], "python worker.py", ["sleep", 7], 7])
    def test_no_command(self, act, args):
        """It says what is allowed."""
        with pytest.raises(BadValue) as error:
            act.run(args)
        assert str(error.value) == (
            f"run: {args!r} is not usable; it is a list of texts, such as ['python', 'worker.py']"
        )

    def test_a_bad_timeout(self, act):
        """As everywhere."""
        with pytest.raises(BadValue, match=r"^timeout: 3 is not usable"):
            act.run(["true"], timeout=3)

    def test_a_command_that_is_not_there(self, act):
        """Python's own error names it."""
        with pytest.raises(FileNotFoundError, match="no-such-command"):
            act.run(["no-such-command"])

    def test_a_command_that_cannot_be_started(self, act, tmp_path):
        """It is said in one line; no line of the standard library is shown."""
        script = tmp_path / "report.sh"
        script.write_text("")
        with pytest.raises(PermissionError) as error:
            act.run([script])
        assert str(error.value) == (
            f"[Errno 13] report.sh cannot be started: Permission denied: '{script}'"
        )
        assert "subprocess.py" not in {Path(one.path).name for one in error.traceback}
        assert error.value.__suppress_context__

    def test_a_directory_that_is_not_there(self, act, tmp_path):
        """It is not the command that is missing."""
        with pytest.raises(FileNotFoundError) as error:
            act.run(["true"], cwd=tmp_path / "nope")
        assert str(error.value) == (
            "[Errno 2] true cannot be started in its cwd: "
            f"No such file or directory: '{tmp_path / 'nope'}'"
        )

    def test_what_popen_refuses(self, act):
        """Its own error is raised, without its frames."""
        with pytest.raises(ValueError, match=r"^embedded null byte$") as error:
            act.run(["true", "a\0b"])
        assert "subprocess.py" not in {Path(one.path).name for one in error.traceback}

    @pytest.mark.parametrize(
        ("arguments", "kind", "text"),
        [
            ({"capture_output": True}, TypeError,
             "run: capture_output= is not needed: output is captured anyway"),
            ({"cwdd": "/"}, TypeError, "run: cwdd= is no argument of it, nor of subprocess.Popen"),
            ({"input": "x", "stdin": 0}, ValueError,
             "run: input= and stdin= cannot be given both"),
        ],
    )  # fmt: skip
    def test_other_arguments(self, act, arguments, kind, text):
        """What is wrong with them is said at once, in the user's own line."""
        with pytest.raises(kind) as error:
            act.run(["true"], **arguments)
        assert str(error.value) == text
        assert "children.py" not in {Path(one.path).name for one in error.traceback}

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="Popen has no process_group")
    @pytest.mark.skipif(os.name != "posix", reason="there are no groups")
    def test_a_process_group(self, act):
        """It has that group, and the session of this process; it is killed as one."""
        code = "import os; print(os.getpid() == os.getpgrp(), os.getsid(0))"
        done = act.run(self.python(code), process_group=0)
        assert done.stdout == f"True {os.getsid(0)}\n"
        code = (
            "import subprocess, sys; print('begun', flush=True);"
            "subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
        )
        with pytest.raises(AssertionError) as error:
            act.run(self.python(code), timeout="3s", process_group=0)
        assert str(error.value).splitlines()[1:] == ["", "  stdout:", "    begun", f"  {LOST}"]

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="Popen has no process_group")
    @pytest.mark.skipif(os.name != "posix", reason="there are no groups")
    def test_the_group_of_others(self, act):
        """They live on when it is killed."""
        with pytest.raises(AssertionError, match=r"did not end within 500 ms"):
            code = self.python("import time; time.sleep(600)")
            act.run(code, timeout="500ms", process_group=os.getpgrp())

    def test_output_that_is_no_text(self, act, tmp_path):
        """What would move the cursor, or end a text, does not get into a message."""
        (tmp_path / "report.py").write_text(
            r"print('\x1b[31mred\x1b[0m\x1b]0;x\x07 a\tb \0\x9b.'); raise SystemExit(1)"
        )
        with pytest.raises(AssertionError) as error:
            act.run([sys.executable, "report.py"], cwd=tmp_path, env={"PYTHONUTF8": "1"})
        assert str(error.value) == (
            f"{PYTHON} report.py ended with exit status 1\n\n  stdout:\n    red?]0;x? a\tb ??."
        )
        with pytest.raises(AssertionError, match=r"^\S+ '\?\[31m' ended with exit status"):
            act.run([sys.executable, "\x1b[31m"], cwd=tmp_path)

    def test_bytes(self, act):
        """Other ways of reading its output are the caller's."""
        done = act.run(self.python("print('x')"), stderr=None, text=False)
        assert done.stdout == b"x\n"

    def test_silence_is_not_waited_for(self, act):
        """Whoever could send has ended."""
        act.run(self.python(""))
        assert act.receiver.is_silent(2**62)


class TestParents:
    """A span of another process comes, and the one above it later."""

    def test_it_is_waited_for(self, act):
        """Nothing is absent while it is on its way."""
        post = Post(act.receiver.endpoint, span("click", 1))
        Post(act.receiver.endpoint, span("POST", 2, parent=1)).end()
        act.receiver._endpoint.last_ns = 1
        act.receiver.known_ns = None  # there is no silence to wait for
        thread = when_waited_for(post.end)

        act.assert_tree("click\n└─ POST")
        thread.join()

    def test_it_never_comes(self):
        """When the time is over, the cause says so."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            Post(act.receiver.endpoint, span("POST", 2, parent=1, service="shop")).end()
            act.receiver._endpoint.last_ns = 1
            with pytest.raises(AssertionError) as error:
                act.assert_tree("click\n└─ POST")
        assert str(error.value) == (
            "'click' is missing; its child 'POST' is left without a parent\n\n"
            "  - click                      missing\n"
            "  ~ POST  internal  1.00 ms   expected below 'click'\n\n"
            "  cause: 'POST' of shop names a parent that has not arrived: its process has not sent it yet, was\n"
            "         killed before it could, does not send to this receiver, or dropped it\n\n"
            "  what was captured:\n"
            "    opentelemetry   left out by traces_sources\n"
            "    hand-written    nothing added\n"
            "    OTLP            1 span of other processes: 1 of shop\n\n"
            "  hint:  if it was killed, or left by os._exit: let it end by itself or stop it by a signal that it\n"
            "         handles, or call force_flush() before"
        )

    @pytest.mark.parametrize("fields", [{"kind": "server"}, {"remote_parent": True}])
    def test_absence_is_judged_without_a_caller(self, fields):
        """A caller that nobody records is not the test's fault."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            Post(act.receiver.endpoint, span("POST", 2, parent=1, **fields)).end()
            act.receiver.known_ns = None
            act.assert_none("click")

    def test_absence_of_what_is_not_over(self):
        """A parent of the same process has not ended, or is lost: so it was there."""
        with record(timeout="1ms", sources=["handwritten", "otlp"]) as act:
            Post(act.receiver.endpoint, span("SELECT", 2, parent=1, service="shop")).end()
            act.receiver.known_ns = None
            with pytest.raises(AssertionError) as error:
                act.assert_none("GET /slow")
        assert str(error.value) == (
            "absence cannot be asserted: the parent of 'SELECT' of shop has not arrived, so it is "
            "still open, or lost"
        )


def test_nothing_arrived(act):
    """The hint says what a process needs."""
    assert act.receiver
    with pytest.raises(AssertionError) as error:
        act.eventually("1ms").get("report")
    assert str(error.value) == (
        "no span fits 'report': no span was recorded\n\n"
        "  what was captured:\n"
        "    opentelemetry   left out by traces_sources\n"
        "    hand-written    nothing added\n"
        "    OTLP            nothing arrived\n\n"
        f"{HINT}"
    )


def test_nothing_arrived_below_a_span_of_here(act):
    """Other spans are there; the question is why none of the process is."""
    with act.start_span("click"):
        assert act.receiver
    with pytest.raises(AssertionError) as error:
        act.eventually("1ms").assert_path("click", "GET /")
    text = str(error.value)
    assert text.startswith("no 'GET /' directly below 'click'\n")
    assert text.endswith(f"\n\n{HINT}")


def test_an_export_without_the_token(act):
    """It may be anybody's, and so is no failure; but perhaps it is what is missing."""
    url = urlsplit(act.receiver.endpoint)
    Post(f"http://{url.netloc}", span("report")).end()
    Post(f"http://{url.netloc}/0123", span("report")).end()
    with pytest.raises(AssertionError) as error:
        act.eventually("1ms").get("report")
    assert (
        "    OTLP            nothing arrived\n"
        "                    an export came to its port without its token: compare "
        "traces.receiver.endpoint\n"
    ) in str(error.value)
    with act.start_span("here"):
        pass
    act.assert_tree("here")


def test_grpc_to_the_port_of_http(act):
    """The remark says what to use, so that there is no other hint."""
    url = urlsplit(act.receiver.endpoint)
    with socket.create_connection((url.hostname, url.port), 15) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(12) == b"HTTP/1.1 505"
    for _ in range(2):
        with pytest.raises(AssertionError) as error:
            act.eventually("1ms").get("report")
        assert str(error.value) == (
            "no span fits 'report': no span was recorded\n\n"
            "  what was captured:\n"
            "    opentelemetry   left out by traces_sources\n"
            "    hand-written    nothing added\n"
            "    OTLP            nothing arrived\n"
            "                    an exporter speaks gRPC to the HTTP port: "
            "use traces.receiver.grpc.env"
        )


def test_what_arrived(act):
    """Each service is counted."""
    Post(act.receiver.endpoint, span("a", 1, service="shop"), span("b", 2, service="shop")).end()
    Post(act.receiver.endpoint, span("c", 3, service="stock"), span("d", 4)).end()
    with pytest.raises(AssertionError) as error:
        act.eventually("1ms").get("report")
    assert (
        "    OTLP            4 spans of other processes: 2 of shop, 1 of stock, "
        "1 of an unnamed service"
    ) in str(error.value)
