"""What the OpenTelemetry source says of itself when something was not captured."""

from __future__ import annotations

import os
import sys
import sysconfig
from importlib.util import find_spec
from typing import Any, NamedTuple

from pytest_traces.recording import Capture, Recording

_TITLE = "OpenTelemetry"
_INSTALLED = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))


class _Library(NamedTuple):
    module: str
    instrumentation: str
    instrumentor: str
    call: str
    app_type: str | None = None


#: Libraries that emit nothing until somebody instruments them, and the call that does.
_LIBRARIES = (
    _Library("fastapi", "fastapi", "FastAPIInstrumentor", ".instrument_app({app})", "FastAPI"),
    _Library("flask", "flask", "FlaskInstrumentor", "().instrument_app({app})", "Flask"),
    _Library("django", "django", "DjangoInstrumentor", "().instrument()"),
    _Library("sqlalchemy", "sqlalchemy", "SQLAlchemyInstrumentor", "().instrument(engine=engine)"),
    _Library("requests", "requests", "RequestsInstrumentor", "().instrument()"),
    _Library("aiohttp", "aiohttp_client", "AioHttpClientInstrumentor", "().instrument()"),
    _Library("httpx", "httpx", "HTTPXClientInstrumentor", ".instrument_client(client)"),
    _Library("redis", "redis", "RedisInstrumentor", "().instrument()"),
    _Library("psycopg", "psycopg", "PsycopgInstrumentor", "().instrument()"),
    _Library("celery", "celery", "CeleryInstrumentor", "().instrument()"),
)


def capture_of(recording: Recording, spans: int) -> Capture:
    """Describe provider, sampler and whatever kept spans away from this recording."""
    return Capture(_TITLE, _state(spans), tuple(_notes(recording)), _hint(spans))


def _state(spans: int) -> str:
    count = f"{spans} span{'' if spans == 1 else 's'}"
    api, sdk = sys.modules.get("opentelemetry.trace"), sys.modules.get("opentelemetry.sdk.trace")
    if api is None:
        return f"{count}; never imported"
    if sdk is None:
        if find_spec("opentelemetry.sdk") is None:
            return f"{count}; the API is imported, the SDK is not installed"
        return f"{count}; the API is imported, the SDK never was"
    facts = ["the SDK is imported", _provider(api, sdk)]
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        facts.append("OTEL_SDK_DISABLED is true (spans are recorded all the same)")
    return f"{count}; {', '.join(facts)}"


def _provider(api: Any, sdk: Any) -> str:
    provider = getattr(api, "_TRACER_PROVIDER", None)
    if provider is None or type(provider).__name__ == "StandInTracerProvider":
        return "no provider is set"
    if isinstance(provider, sdk.TracerProvider):
        sampler = provider.sampler.get_description()
        if sampler.startswith(("AlwaysOff", "ParentBased{root:AlwaysOff")):
            return f"a provider is set, its sampler is {sampler} (spans are recorded all the same)"
        return "a provider is set"
    if isinstance(provider, api.NoOpTracerProvider):
        return "a provider that does nothing is set (spans are recorded all the same)"
    return f"a provider is set ({type(provider).__name__})"


def _notes(recording: Recording) -> list[str]:
    remarks = recording.remarks
    notes = []
    for topic, text in (
        ("unsampled", "dropped by the sampler and not recorded, as traces_unsampled says"),
        ("disabled", "started on a tracer that is disabled, and not recorded"),
        (
            "bound",
            "not recorded: started by a start_span that was bound to a name before the hook "
            "was installed",
        ),
    ):
        if topic in remarks:
            notes.append(f"{_counted(remarks[topic])}: {text}")
    if "suppressed" in remarks:
        times = sum(remarks["suppressed"].values())
        notes.append(
            f"instrumentation was suppressed {times} time{'' if times == 1 else 's'} during the "
            "recording (suppress_instrumentation): no span was made there"
        )
    return notes


def _counted(names: dict[str, int]) -> str:
    shown = [repr(name) if n == 1 else f"{n} × {name!r}" for name, n in list(names.items())[:3]]
    return ", ".join(shown) + (", …" if len(names) > 3 else "")


def _hint(spans: int) -> str | None:
    """The call that instruments the first library in use that nobody has instrumented."""
    for library in _LIBRARIES:
        module = sys.modules.get(library.module)
        if module is None or _is_instrumented(library):
            continue
        if library.app_type is None:
            if spans == 0 and _is_used_by_the_application(library.module):
                return f"{library.module} is imported but not instrumented: {_call(library, '')}"
            continue
        app = _uninstrumented_app(module, library.app_type)
        if app is not None:
            return f"{app!r} is not instrumented: {_call(library, app)}"
    return None


def _is_used_by_the_application(library: str) -> bool:
    """Whether a module outside the installed packages has the library in its hands."""
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if not path or any(part in path for part in _INSTALLED) or "pytest_traces" in path:
            continue
        for value in list(vars(module).values()):
            home = getattr(value, "__module__", None) or getattr(value, "__name__", None)
            if isinstance(home, str) and home.partition(".")[0] == library:
                return True
    return False


def _call(library: _Library, app: str) -> str:
    return library.instrumentor + library.call.format(app=app)


def _is_instrumented(library: _Library) -> bool:
    module = sys.modules.get(f"opentelemetry.instrumentation.{library.instrumentation}")
    if module is None:
        return False
    instrumentor = getattr(module, library.instrumentor, None)
    return bool(instrumentor and instrumentor().is_instrumented_by_opentelemetry)


def _uninstrumented_app(module: Any, app_type: str) -> str | None:
    """The name under which some module holds an application that emits nothing."""
    kind = getattr(module, app_type, None)
    if not isinstance(kind, type):
        return None
    for holder in list(sys.modules.values()):
        for name, value in list(vars(holder).items()) if hasattr(holder, "__dict__") else ():
            if type(value) is kind and not _emits(value):
                return name
    return None


def _emits(app: Any) -> bool:
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        return True
    telemetry = getattr(app, "_native_telemetry", None)  # FastAPI >= 0.165
    return telemetry is not None and bool(telemetry.enabled())
