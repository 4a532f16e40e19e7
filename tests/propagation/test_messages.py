"""Carriers and spans become messages."""

from __future__ import annotations

import itertools
import queue
import threading

import pytest

from pytest_traces import record
from pytest_traces.assembly import assemble
from pytest_traces.model import CarrierData, Link, RequestData, SpanData, SpanRef
from pytest_traces.propagation.checking.messages import (
    consumers_without_context,
    messages_of,
    producers_without_carrier,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"
ORDERS = {"messaging.destination.name": "orders"}


def ids(name):
    """A span id for each name."""
    return name.encode().hex().ljust(16, "0")[:16]


def traceparent(name, trace=TRACE):
    """The header that names this span."""
    return (("traceparent", f"00-{trace}-{ids(name)}-01"),)


class Scene:
    """Spans, carriers and requests, one nanosecond after the other."""

    def __init__(self):
        self.spans, self.carriers, self.requests = [], [], []
        self.clock = itertools.count(1)

    def span(self, name, parent=None, kind="internal", trace=TRACE, remote=False, **fields):
        """A span that stays open for long; the names are those of ids, too."""
        now = next(self.clock)
        self.spans.append(
            SpanData(
                name=name,
                trace_id=trace,
                span_id=ids(name),
                parent_id=parent and ids(parent),
                start_ns=now,
                end_ns=now + 1_000,
                kind=kind,
                remote_parent=remote,
                thread=fields.pop("thread", "main"),
                source="opentelemetry",
            )._replace(**fields)
        )

    def carrier(self, action, headers, current=None, thread="main", source="opentelemetry"):
        now = next(self.clock)
        refs = (SpanRef("opentelemetry", TRACE, ids(current)),) if current else ()
        self.carriers.append(CarrierData(now, source, action, headers, now, refs, thread))

    def inject(self, headers, current=None, **fields):
        """A propagator writes; of a span's name, its header."""
        headers = traceparent(headers) if isinstance(headers, str) else headers
        self.carrier("inject", headers, current, **fields)

    def extract(self, headers=(), current=None, **fields):
        """A propagator reads."""
        headers = traceparent(headers) if isinstance(headers, str) else headers
        self.carrier("extract", headers, current, **fields)

    def request(self, headers=(), current=None, took=100, **fields):
        """A request begins; it takes so many nanoseconds."""
        now = next(self.clock)
        refs = (SpanRef("opentelemetry", TRACE, ids(current)),) if current else ()
        headers = traceparent(headers) if isinstance(headers, str) else headers
        self.requests.append(
            RequestData(
                now, "httpx", "POST", "http://payments/", headers, now, now + took,
                current=refs, thread="main",
            )._replace(**fields)
        )  # fmt: skip

    @property
    def forest(self):
        return assemble(self.spans)

    @property
    def messages(self):
        """Each message in words."""
        return [repr(one) for one in messages_of(self.carriers, self.requests, self.forest)]

    @property
    def silent(self):
        """The producers without carrier, and the consumers without context."""
        producers = producers_without_carrier(self.forest, self.carriers)
        consumers = consumers_without_context(self.forest, self.carriers)
        return [span.name for span in producers], [span.name for span in consumers]


@pytest.fixture
def scene():
    """An empty scene."""
    return Scene()


def test_a_message(scene):
    """What a producer wrote and a consumer went on with is one message, with both spans."""
    scene.span("publish", kind="producer", attributes=ORDERS)
    scene.inject((("a", "1"), *traceparent("publish"), ("A", "2")), "publish")
    scene.extract("publish", thread="worker")
    scene.span("process", "publish", "consumer", remote=True)
    forest = scene.forest
    (message,) = messages_of(scene.carriers, [], forest)
    assert repr(message) == "<Message 'orders' sent by 'publish' received by 'process'>"
    assert (message.destination, message.action) == ("orders", "sent")
    assert (message.sender, *message.receivers) == forest.spans
    assert message.sender_key == (TRACE, ids("publish"))
    assert message.headers["a"] == "1, 2"
    assert message.headers.get("b") is None
    assert (message.number, message.time_ns) == (2, 2)
    with pytest.raises(AttributeError):
        message.action = "received"
    assert scene.silent == ([], [])


def test_several_consumers(scene):
    """A message may be received any number of times; it is still one, and was sent once."""
    scene.span("publish", kind="producer")
    scene.inject("publish", "publish")
    for name in "xyz":
        scene.extract("publish")
        scene.span(name, "publish", "consumer", remote=True)
    assert scene.messages == ["<Message 'publish' sent by 'publish' received by 'x', 'y', 'z'>"]


def test_a_link(scene):
    """A consumer that links to its producers, one or many, is as good as a child."""
    for name in ("first", "second"):
        scene.span(name, kind="producer")
        scene.inject(name, name)
        scene.extract(name)
    links = tuple(Link(TRACE, ids(name)) for name in ("first", "second"))
    scene.span("batch", None, "consumer", OTHER, links=links)
    assert scene.messages == [
        "<Message 'first' sent by 'first' received by 'batch'>",
        "<Message 'second' sent by 'second' received by 'batch'>",
    ]
    assert scene.silent == ([], [])


def test_headers_dropped(scene):
    """Where the headers are lost on the way, one message was sent, and one came without any."""
    scene.span("publish", kind="producer", attributes=ORDERS)
    scene.inject("publish", "publish")
    scene.extract((("a", "1"),), thread="worker")
    scene.span("process", None, "consumer", OTHER, thread="worker", attributes=ORDERS)
    assert scene.messages == [
        "<Message 'orders' sent by 'publish' received by no span>",
        "<Message 'orders' received by 'process' without context>",
    ]
    assert scene.silent == ([], ["process"])


def test_nothing_injected(scene):
    """A producer that never injects is told, and what its consumer got is a message."""
    scene.span("publish", kind="producer")
    scene.extract(thread="worker")
    scene.span("process", None, "internal", OTHER, thread="worker")
    assert scene.messages == ["<Message 'process' received by 'process' without context>"]
    assert scene.silent == (["publish"], [])


def test_nothing_written(scene):
    """An injection that wrote no context is a message, and says whose."""
    scene.span("publish", kind="producer", attributes=ORDERS)
    scene.inject((), "publish")
    scene.inject((("a", "1"),))
    assert scene.messages == [
        "<Message 'orders' sent by 'publish' received by no span without context>",
        "<Message sent received by no span without context>",
    ]
    assert scene.silent == ([], [])


def test_invalid_header(scene):
    """A header that no receiver may go on with is a message's all the same, and matched as text."""
    scene.span("publish", kind="producer")
    header = (("Traceparent", "00-zz-01"),)
    scene.inject(header, "publish")
    scene.extract((("a", "1"), ("traceparent", "00-zz-01")))
    assert scene.messages == ["<Message 'publish' sent by 'publish' received by no span>"]
    scene.request(header)
    assert scene.messages == []


def test_received_only(scene):
    """A message that nobody in this recording has sent was received, once however often read."""
    header = traceparent("away")
    scene.extract(header)
    scene.span("process", "away", "consumer", remote=True, attributes=ORDERS)
    scene.extract(header)
    assert scene.messages == ["<Message 'orders' received by 'process'>"]
    assert scene.silent == ([], [])


def test_received_only_of_a_recorded_span(scene):
    """The sender of what was not injected is the span that stands in the header."""
    scene.span("publish", kind="producer", attributes=ORDERS)
    scene.extract("publish")
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert (message.action, message.destination) == ("received", "orders")
    assert message.sender_key == (TRACE, ids("publish"))
    assert message.sender.name == "publish"
    assert scene.silent == (["publish"], [])


def test_server_side_of_calls(scene):
    """What a server, or whoever got a recorded request, goes on with is no message."""
    scene.extract("away")
    scene.span("GET /", "away", "server", remote=True)
    scene.extract((("host", "shop"), *traceparent("elsewhere")))
    scene.request("GET")
    scene.extract("GET")
    scene.span("GET /x", "GET", "internal", remote=True)
    scene.extract()
    scene.span("GET /y", None, "server", OTHER)
    scene.extract((("Host", "shop"),))
    scene.span("GET /z", None, "internal", TRACE[::-1])
    assert scene.messages == []


def test_consumer_behind_a_request(scene):
    """A message that a broker pushed by HTTP is one, for its consumer says so."""
    scene.extract((("host", "shop"), *traceparent("away")))
    scene.span("process", "away", "consumer", remote=True)
    assert scene.messages == ["<Message 'process' received by 'process'>"]


def test_looks_without_consequence(scene):
    """An extraction without context is a message only if the next span there begins a trace."""
    scene.extract()
    scene.span("child", "above")
    scene.extract()
    scene.extract(thread="worker")
    assert scene.messages == []


def test_last_look_counts(scene):
    """An instrumentation and the application may both look into the same message."""
    scene.extract((("a", "1"),))
    scene.extract((("b", "2"),))
    scene.span("process", None, "consumer", OTHER)
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert message.headers == (("b", "2"),)


def test_sender_given_by_its_context(scene):
    """A producer span that is not made current is the sender if its context is injected."""
    scene.span("POST /checkout", kind="server")
    scene.span("publish", "POST /checkout", "producer")
    scene.inject("publish", "POST /checkout")
    scene.inject("publish")
    assert scene.messages == ["<Message 'publish' sent by 'publish' received by no span>"] * 2
    assert scene.silent == ([], [])


def test_stale_context(scene):
    """The context of a span that is not below the current one does not make it the sender."""
    scene.span("at start")
    scene.span("POST /checkout", kind="server", trace=TRACE)
    scene.inject("at start", "POST /checkout")
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert message.sender.name == "POST /checkout"
    assert message.headers["traceparent"] == traceparent("at start")[0][1]


def test_sender_that_was_not_recorded(scene):
    """Its ids are known, and its name is not."""
    scene.inject("fixture", "fixture")
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert (message.sender, message.sender_key) == (None, (TRACE, ids("fixture")))
    assert message.destination is None


def test_current_span_of_the_same_source(scene):
    """Of several current spans that of the source which wrote the carrier is the sender."""
    scene.span("one")
    scene.span("two")
    refs = (SpanRef("sentry", TRACE, ids("one")), SpanRef("opentelemetry", TRACE, ids("two")))
    scene.inject(())
    scene.carriers = [one._replace(current=refs) for one in scene.carriers]
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert message.sender.name == "two"


@pytest.mark.parametrize(
    ("sender", "receiver", "destination"),
    [
        (ORDERS, {"messaging.destination.name": "x"}, "orders"),
        ({"messaging.destination": "old"}, {}, "old"),
        ({"messaging.destination.name": ""}, ORDERS, "orders"),
        ({"messaging.destination.name": 1}, {}, "publish"),
        ({}, {}, "publish"),
    ],
)
def test_destination(scene, sender, receiver, destination):
    """What the sender calls the queue, else the receiver; else the sender's own name."""
    scene.span("publish", kind="producer", attributes=sender)
    scene.inject("publish", "publish")
    scene.span("process", "publish", "consumer", remote=True, attributes=receiver)
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert message.destination == destination


def test_destination_of_the_producer_around(scene):
    """An internal span within the producer knows no queue; the producer does."""
    scene.span("POST /", kind="server", attributes={"messaging.destination.name": "no"})
    scene.span("publish", "POST /", "producer", attributes=ORDERS)
    scene.span("serialize", "publish")
    scene.inject("serialize", "serialize")
    (message,) = messages_of(scene.carriers, [], scene.forest)
    assert (message.destination, message.sender.name) == ("orders", "serialize")
    assert scene.silent == ([], [])


def test_request_within_a_producer(scene):
    """A request of a broker's client is no carrier of the message that it brings there."""
    scene.span("publish", kind="producer")
    scene.span("POST", "publish", "client")
    scene.inject("POST", "POST")
    assert scene.messages == []
    assert scene.silent == (["publish"], [])


def test_open_producer(scene):
    """A producer that has not ended may still inject."""
    scene.span("publish", kind="producer", end_ns=None)
    assert scene.silent == ([], [])


def test_fetching_consumer(scene):
    """A consumer span that fetches messages has no context of its own; its messages have."""
    scene.span("poll", None, "consumer", OTHER)
    scene.spans[-1] = scene.spans[-1]._replace(trace_id=TRACE)
    scene.extract("away", "poll")
    scene.extract("far", "unknown")
    scene.span("receive", None, "consumer", OTHER)
    scene.extract((), "receive")
    assert scene.silent == ([], ["receive"])


def test_fetching_consumer_of_links(scene):
    """The same, if the span of each message is below it and links to its producer."""
    scene.span("poll", kind="consumer")
    scene.span("process", "poll", "consumer", links=(Link(TRACE, ids("away")),))
    assert scene.silent == ([], [])


def test_links_to_servers(scene):
    """A message's receivers are those that work on it, not what answers a call beside it."""
    scene.span("POST /checkout", kind="server")
    scene.inject("POST /checkout", "POST /checkout")
    scene.inject("POST /checkout", "POST /checkout")
    scene.request("POST /checkout", "POST /checkout")
    scene.span("charge", "POST /checkout", "server", remote=True)
    scene.span("process", "POST /checkout", "consumer", remote=True)
    assert scene.messages == [
        "<Message 'POST /checkout' sent by 'POST /checkout' received by 'process'>"
    ]


trace = pytest.importorskip("opentelemetry.trace")
TracerProvider = pytest.importorskip("opentelemetry.sdk.trace").TracerProvider


class Orders:
    """A queue with a worker in a thread, as applications write it; each step can be left out."""

    def __init__(self, *, injects=True, extracts=True, drops=False, links=False):
        self.injects, self.extracts, self.drops, self.links = injects, extracts, drops, links
        self.tracer = TracerProvider(shutdown_on_exit=False).get_tracer("app")
        self.queue = queue.Queue()

    def checkout(self):
        """What a request does: publish, and wait for the worker."""
        from opentelemetry.propagate import inject

        worker = threading.Thread(target=self.work, name="worker")
        worker.start()
        with self.tracer.start_as_current_span("POST /checkout", kind=trace.SpanKind.SERVER):
            with self.tracer.start_as_current_span(
                "orders publish", kind=trace.SpanKind.PRODUCER, attributes=ORDERS
            ):
                headers = {"content-type": "application/json"}
                if self.injects:
                    inject(headers)
                self.queue.put({} if self.drops else headers)
        worker.join(30)

    def work(self):
        from opentelemetry.propagate import extract

        headers = self.queue.get(timeout=30)
        context = extract(headers) if self.extracts else None
        link = trace.get_current_span(context).get_span_context() if self.links else None
        with self.tracer.start_as_current_span(
            "orders process",
            context=None if self.links else context,
            links=[trace.Link(link)] if link else [],
            kind=trace.SpanKind.CONSUMER,
            attributes=ORDERS,
        ):
            pass


SENT = "<Message 'orders' sent by 'orders publish' received by 'orders process'>"
LOST = "<Message 'orders' sent by 'orders publish' received by no span>"
WITHOUT = "<Message 'orders' received by 'orders process' without context>"
PUBLISH, PROCESS = ["orders publish"], ["orders process"]


@pytest.mark.parametrize(
    ("behaviour", "messages", "silent"),
    [
        ({}, [SENT], ([], [])),
        ({"links": True}, [SENT], ([], [])),
        ({"injects": False}, [WITHOUT], (PUBLISH, PROCESS)),
        ({"drops": True}, [LOST, WITHOUT], ([], PROCESS)),
        ({"extracts": False}, [LOST], ([], PROCESS)),
    ],
    ids=lambda value: next(iter(value), "sound") if isinstance(value, dict) else "",
)
def test_a_queue_and_its_thread(behaviour, messages, silent):
    """With real propagators: a sound queue gives one message, and each fault shows."""
    with record(timeout="1ms") as act:
        Orders(**behaviour).checkout()
    noted, forest = act._frame.recording.carriers, act._forest()
    assert [repr(one) for one in messages_of(noted, [], forest)] == messages
    producers = producers_without_carrier(forest, noted)
    consumers = consumers_without_context(forest, noted)
    assert ([one.name for one in producers], [one.name for one in consumers]) == silent
