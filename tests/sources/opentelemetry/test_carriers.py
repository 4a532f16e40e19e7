"""Noting what propagators write and read."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from pytest_traces import record
from pytest_traces.model import SpanRef
from pytest_traces.recording import journal
from pytest_traces.sources import opentelemetry as source

trace = pytest.importorskip("opentelemetry.trace")
propagate = pytest.importorskip("opentelemetry.propagate")
composite = pytest.importorskip("opentelemetry.propagators.composite")
textmap = pytest.importorskip("opentelemetry.propagators.textmap")
baggage = pytest.importorskip("opentelemetry.baggage.propagation")
tracecontext = pytest.importorskip("opentelemetry.trace.propagation.tracecontext")

# By name and before any recording, as an application would.
from opentelemetry.propagate import extract, inject  # noqa: E402

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
CARRIER = {"traceparent": TRACEPARENT}
#: A context with that span, of nobody's SDK.
REMOTE = trace.set_span_in_context(
    trace.NonRecordingSpan(trace.SpanContext(int(TRACE_ID, 16), int(SPAN_ID, 16), True, trace.TraceFlags(1)))
)  # fmt: skip
CLASSES = (composite.CompositePropagator, tracecontext.TraceContextTextMapPropagator)


@pytest.fixture
def act():
    """A recording."""
    with record(timeout="1ms") as act:
        yield act


def carriers(act):
    """What was noted: the action, and the headers."""
    return [(one.action, one.headers) for one in act._frame.recording.carriers]


@pytest.fixture
def global_textmap():
    """Sets the configured propagator, and puts the other one back."""
    before = propagate.get_global_textmap()
    yield propagate.set_global_textmap
    propagate.set_global_textmap(before)


def acme(*bases, **attributes):
    """A propagator class of the application's own."""

    def inject(self, carrier, context=None, setter=textmap.default_setter):
        setter.set(carrier, "x-acme", "1")

    def extract(self, carrier, context=None, getter=textmap.default_getter):
        getter.get(carrier, "x-acme")
        return context

    members = {"inject": inject, "extract": extract, "fields": {"x-acme"}, **attributes}
    return type("Acme", bases, members)


def test_inject(act, sdk):
    """One record for all parts of the configured propagator, with the span that was current."""
    headers = {"a": "1"}
    with sdk().tracer.start_as_current_span("publish") as span:
        inject(headers)
    context = span.get_span_context()
    (noted,) = act._frame.recording.carriers
    assert noted.headers == tuple(headers.items())
    assert dict(noted.headers)["traceparent"].startswith(f"00-{context.trace_id:032x}")
    assert (noted.source, noted.action) == ("opentelemetry", "inject")
    assert noted.thread == threading.current_thread().name
    ids = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    assert noted.current == (SpanRef("opentelemetry", *ids),)


def test_extract(act):
    """What was read is noted, and the context is what it is without the hook."""
    carrier = {**CARRIER, "baggage": "tenant=acme"}
    context = extract(carrier)
    assert trace.get_current_span(context).get_span_context().is_remote
    assert carriers(act) == [("extract", tuple(carrier.items()))]


def test_nothing_written(act):
    """An injection without any span is noted: it has written nothing."""
    carrier = {"a": "1"}
    inject(carrier)
    assert carriers(act) == [("inject", (("a", "1"),))]


@pytest.mark.parametrize("by_name", [True, False])
def test_setter(act, by_name):
    """A setter of the application's own, given by name or by place, is used and noted."""
    told = []
    setter = SimpleNamespace(set=lambda carrier, key, value: told.append((carrier, key, value)))
    carrier = object()
    if by_name:
        inject(carrier, context=REMOTE, setter=setter)
    else:
        tracecontext.TraceContextTextMapPropagator().inject(carrier, REMOTE, setter)
    assert told == [(carrier, "traceparent", TRACEPARENT)]
    assert carriers(act) == [("inject", (("traceparent", TRACEPARENT),))]


def test_setter_of_kafka(act):
    """A list of names with bytes."""
    carrier = [("a", b"1")]
    append = SimpleNamespace(set=lambda carrier, key, value: carrier.append((key, value.encode())))
    inject(carrier, REMOTE, append)
    assert carrier == [("a", b"1"), ("traceparent", TRACEPARENT.encode())]
    assert carriers(act) == [("inject", (("traceparent", TRACEPARENT), ("a", "1")))]


@pytest.mark.parametrize("by_name", [True, False])
def test_getter(act, by_name):
    """A getter of the application's own is asked for the fields that it knows."""

    class Getter(textmap.Getter):
        def get(self, carrier, key):
            return [carrier[key].decode()] if key in carrier else None

        def keys(self, carrier):
            return list(carrier)

    carrier = {"traceparent": TRACEPARENT.encode(), "a": b"1"}
    if by_name:
        extract(carrier=carrier, getter=Getter())
    else:
        tracecontext.TraceContextTextMapPropagator().extract(carrier, None, Getter())
    assert carriers(act) == [("extract", (("traceparent", TRACEPARENT), ("a", "1")))]


def test_getter_of_asgi(act):
    """The headers of an ASGI scope."""
    asgi = pytest.importorskip("opentelemetry.instrumentation.asgi")
    scope = {
        "type": "http",
        "headers": [(b"host", b"shop"), (b"traceparent", TRACEPARENT.encode())],
    }
    extract(scope, getter=asgi.ASGIGetter())
    assert carriers(act) == [("extract", (("host", "shop"), ("traceparent", TRACEPARENT)))]


@pytest.mark.parametrize(
    ("module", "name", "header"),
    [
        ("b3", "B3MultiFormat", "x-b3-traceid"),
        ("b3", "B3SingleFormat", "b3"),
        ("jaeger", "JaegerPropagator", "uber-trace-id"),
        ("aws.aws_xray_propagator", "AwsXRayPropagator", "X-Amzn-Trace-Id"),
        ("ot_trace", "OTTracePropagator", "ot-tracer-traceid"),
        ("cloud_trace_propagator", "CloudTraceFormatPropagator", "x-cloud-trace-context"),
    ],
)
def test_other_formats(act, module, name, header):
    """The propagators of other formats, by themselves or in a composite, leave one record each."""
    propagator = getattr(pytest.importorskip(f"opentelemetry.propagators.{module}"), name)()
    carrier = {}
    propagator.inject(carrier, REMOTE)
    propagator.extract(carrier)
    composite.CompositePropagator([propagator]).inject(carrier, REMOTE)
    assert header.lower() in {name.lower() for name in carrier}
    assert [action for action, _ in carriers(act)] == ["inject", "extract", "inject"]
    assert {headers for _, headers in carriers(act)} == {tuple(carrier.items())}


def test_baggage_by_itself(act):
    """The baggage propagator alone carries no context; it is the next injection that counts."""
    carrier = {}
    alone = baggage.W3CBaggagePropagator()
    from opentelemetry.baggage import set_baggage

    alone.inject(carrier, set_baggage("tenant", "acme"))
    alone.extract(carrier)
    assert carriers(act) == []
    tracecontext.TraceContextTextMapPropagator().inject(carrier, REMOTE)
    assert carriers(act) == [("inject", (("baggage", "tenant=acme"), ("traceparent", TRACEPARENT)))]


def test_own_class_from_before():
    """A propagator that the application defined before the recording."""
    own = acme(textmap.TextMapPropagator)
    originals = vars(own)["inject"], vars(own)["extract"]
    with record(timeout="1ms") as act:
        assert vars(own)["inject"] is not originals[0]
        own().inject({})
        assert own().extract({"x-acme": "1"}, REMOTE) is REMOTE
    assert carriers(act) == [("inject", (("x-acme", "1"),)), ("extract", (("x-acme", "1"),))]
    assert (vars(own)["inject"], vars(own)["extract"]) == originals


@pytest.mark.parametrize("bases", [("TextMapPropagator",), ()], ids=["derived", "duck"])
def test_own_class_from_within(act, global_textmap, bases):
    """One that is defined during the recording, or has no base of OpenTelemetry's, when it is set."""
    own = acme(*(getattr(textmap, base) for base in bases))
    global_textmap(own())
    inject({})
    propagate.get_global_textmap().extract({})
    assert carriers(act) == [("inject", (("x-acme", "1"),)), ("extract", ())]


def test_own_class_within_a_composite(act):
    """Also in a composite, and if it calls others itself, an injection is one."""
    own = acme(tracecontext.TraceContextTextMapPropagator)
    own.inject = lambda self, *args, **names: super(own, self).inject(*args, **names)
    carrier = {}
    composite.CompositePropagator([own(), own()]).inject(carrier, REMOTE)
    assert carriers(act) == [("inject", (("traceparent", TRACEPARENT),))]


def test_subclass_without_methods_of_its_own(act):
    """A subclass that changes nothing of them is hooked by its base."""
    own = type("Own", (tracecontext.TraceContextTextMapPropagator,), {})
    own().inject({}, REMOTE)
    assert len(carriers(act)) == 1


def test_methods_of_another_kind(global_textmap):
    """What is no plain method is left as it is, and works."""
    calls = []
    own = acme(
        textmap.TextMapPropagator,
        inject=staticmethod(lambda carrier, **_: calls.append(carrier)),
        extract=SimpleNamespace(),
    )
    before = dict(vars(own))
    with record(timeout="1ms") as act:
        global_textmap(own())
        inject({"a": "1"})
        assert dict(vars(own)) == before
    assert calls == [{"a": "1"}]
    assert carriers(act) == []


def test_class_that_cannot_be_changed():
    """A class that refuses attributes stays as it is, and the others are hooked."""

    class Fixed(type(textmap.TextMapPropagator)):
        def __setattr__(cls, name, value):
            if name in ("inject", "extract"):
                raise TypeError("fixed")
            super().__setattr__(name, value)

    own = Fixed("Own", (acme(textmap.TextMapPropagator),), {"inject": lambda self, carrier: None})
    with record(timeout="1ms") as act:
        own().inject({})
        inject({}, REMOTE)
    assert carriers(act) == [("inject", (("traceparent", TRACEPARENT),))]


def test_logfires_wrappers(act):
    """Logfire's propagators around others leave one record."""
    logfire = pytest.importorskip("logfire.propagate")
    wrapped = logfire.NoExtractTraceContextPropagator(propagate.get_global_textmap())
    wrapped.extract(CARRIER)
    wrapped.inject({}, context=REMOTE)
    assert [action for action, _ in carriers(act)] == ["extract", "inject"]


def test_errors_of_the_application(act):
    """What its setter or getter raises comes through; nothing is noted, and the next one is."""

    class Broken(textmap.Getter, textmap.Setter):
        get = keys = set = lambda *_: 1 / 0

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            inject({}, REMOTE, Broken())
        with pytest.raises(ZeroDivisionError):
            extract({}, None, Broken())
    with pytest.raises(TypeError):
        inject()
    assert carriers(act) == []
    assert act._frame.recording.problems == []
    inject({}, REMOTE)
    assert len(carriers(act)) == 1


def test_errors_of_our_own(act):
    """A carrier that can be read only once leaves a problem in the recording, not in the test."""

    class Once(textmap.Getter):
        def __init__(self):
            self.left = ["traceparent", "tracestate", "baggage"]

        def get(self, carrier, key):
            self.left.remove(key)
            return [carrier[key]] if key in carrier else None

        def keys(self, carrier):
            return []

    with record(timeout="1ms", sources=["handwritten"]) as other:
        for _ in range(2):
            context = extract(CARRIER, getter=Once())
            assert trace.get_current_span(context).get_span_context().is_valid
    assert act._frame.recording.problems == [
        "a carrier of opentelemetry cannot be read: ValueError: list.remove(x): x not in list"
    ]
    assert other._frame.recording.problems == []
    act._frame.recording.problems.clear()


def test_carrier_that_changes_later(act):
    """The headers are those of that moment."""
    carrier = {}
    inject(carrier, REMOTE)
    carrier.clear()
    assert carriers(act) == [("inject", (("traceparent", TRACEPARENT),))]


def test_threads(act):
    """A thread inside a propagator does not hide what another one does."""
    inside, go = threading.Event(), threading.Event()

    def slow(carrier, key, value):
        inside.set()
        go.wait(30)

    thread = threading.Thread(
        target=inject, args=({}, REMOTE, SimpleNamespace(set=slow)), name="slow"
    )
    thread.start()
    inside.wait(30)
    inject({"a": "1"}, REMOTE)
    go.set()
    thread.join(30)
    assert [one.thread for one in act._frame.recording.carriers] == ["MainThread", "slow"]


def test_every_open_recording():
    """Each recording that is open has it, and none that is not."""
    with record(timeout="1ms") as outer:
        inject({}, REMOTE)
        with record(timeout="1ms") as inner:
            inject({}, REMOTE)
    inject({}, REMOTE)
    assert (len(carriers(outer)), len(carriers(inner))) == (2, 1)


def test_idle():
    """Without a recording the propagator gets just what the application gave."""
    source.install()
    try:
        seen = []
        own = SimpleNamespace(set=lambda *args: seen.append(args))
        carrier = object()
        assert not journal.windows
        inject(carrier, REMOTE, own)
        assert seen == [(carrier, "traceparent", TRACEPARENT)]
    finally:
        source.uninstall()


def test_method_that_was_bound_before(suite, order):
    """A method that was taken from a propagator before the recording is noted, too."""
    suite.write(
        "test_bound.py",
        """
        import pytest
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        inject = TraceContextTextMapPropagator().inject

        @pytest.mark.parametrize("number", range(3))
        def test_bound(traces, number):
            inject({"number": str(number)})
            (noted,) = traces._frame.recording.carriers
            assert noted.headers == (("number", str(number)),)
        """,
    )
    suite.run(order).passed(3)


SNAPSHOT = """
    import sys

    def snapshot():
        from opentelemetry import propagate
        from opentelemetry.baggage.propagation import W3CBaggagePropagator
        from opentelemetry.propagators.composite import CompositePropagator
        from opentelemetry.propagators.textmap import TextMapPropagator
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        found = {"get_global_textmap": propagate.get_global_textmap}
        for one in (
            W3CBaggagePropagator, CompositePropagator, TextMapPropagator,
            TraceContextTextMapPropagator, *CLASSES,
        ):
            found |= {f"{one.__name__}.{name}": value for name, value in vars(one).items()}
        return {name: value for name, value in found.items() if "_abc" not in name}

    def changed(before):
        after = snapshot()
        return sorted(name for name in {**before, **after} if before.get(name) is not after.get(name))
"""


def test_everything_is_restored(script):
    """Classes and functions are the same objects afterwards, whatever happened in between."""
    out = script(
        SNAPSHOT,
        """
        from opentelemetry.propagators.textmap import TextMapPropagator

        class Own(TextMapPropagator):
            fields = set()
            def inject(self, carrier, context=None, setter=None): pass
            def extract(self, carrier, context=None, getter=None): return context

        CLASSES = [Own]
        before = snapshot()
        from opentelemetry import propagate
        from pytest_traces import record

        with record(timeout="1ms"):
            print(changed(before))
            propagate.inject({})
        print(changed(before))
        for error in KeyError, KeyboardInterrupt:
            try:
                with record(timeout="1ms"), record(timeout="1ms"):
                    propagate.inject({})
                    raise error
            except error:
                print(changed(before))
        """,
    )
    first, *others = out.splitlines()
    hooked = ("CompositePropagator", "Own", "TraceContextTextMapPropagator")
    expected = [f"{name}.{action}" for name in hooked for action in ("extract", "inject")]
    assert first == str([*expected, "get_global_textmap"])
    assert others == ["[]"] * 3


def test_wrapped_by_others_meanwhile(script):
    """A wrapper that another library put on top in the meantime stays, and notes go on."""
    out = script(
        """
        import functools
        from opentelemetry.propagators.composite import CompositePropagator
        from opentelemetry.propagate import inject
        from pytest_traces import record

        for _ in range(3):
            with record(timeout="1ms") as act:
                if _ == 0:
                    ours = CompositePropagator.inject
                    @functools.wraps(ours)
                    def theirs(*args, **kwargs):
                        print("theirs", end=" ")
                        return ours(*args, **kwargs)
                    CompositePropagator.inject = theirs
                inject({})
            print(CompositePropagator.inject is theirs, len(act._frame.recording.carriers))
        inject({})
        """
    )
    assert out == "theirs True 1\n" * 3 + "theirs "


def test_imported_late(script):
    """Propagators that are imported during the recording are hooked, and restored after it."""
    out = script(
        """
        import sys
        from pytest_traces import record
        from pytest_traces.sources import opentelemetry as source

        source.install()
        assert not any(name.startswith("opentelemetry") for name in sys.modules)
        with record(timeout="1ms") as act:
            from opentelemetry.propagators.textmap import TextMapPropagator
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
            TraceContextTextMapPropagator().inject({"a": "1"})
            from opentelemetry.propagate import extract, get_global_textmap, inject
            inject({"b": "1"})
            extract({"c": "1"})
            get_global_textmap().extract({"d": "1"})
        print([one.headers[0][0] for one in act._frame.recording.carriers])
        print(hasattr(vars(TraceContextTextMapPropagator)["inject"], "_notes_carriers"))
        source.uninstall()
        print(hasattr(vars(TraceContextTextMapPropagator)["inject"], "_notes_carriers"))
        """
    )
    assert out == "['a', 'b', 'c', 'd']\nTrue\nFalse\n"


def test_without_the_sdk(script):
    """The API alone is enough: what is carried on is what had come in."""
    out = script(
        f"""
        import sys
        sys.modules["opentelemetry.sdk"] = None
        from opentelemetry.propagate import extract, inject
        from pytest_traces import record

        with record(timeout="1ms") as act:
            inject({{}}, extract({{"traceparent": "{TRACEPARENT}"}}))
            inject({{}})
        print([(one.action, one.headers) for one in act._frame.recording.carriers])
        """
    )
    header = (("traceparent", TRACEPARENT),)
    assert out == f"{[('extract', header), ('inject', header), ('inject', ())]}\n"


def test_without_propagators(script):
    """A suite that never imports them pays for no hook."""
    out = script(
        """
        import sys
        from pytest_traces import record

        with record(timeout="1ms"):
            pass
        print([name for name in sys.modules if "opentelemetry." in name and "carriers" in name])
        """
    )
    assert out == "[]\n"
