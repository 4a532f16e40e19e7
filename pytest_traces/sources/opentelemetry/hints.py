"""The call that would instrument what the application uses and nobody has instrumented."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from pytest_traces.recording import Recording
from pytest_traces.sources.advice import other_process

_PREFIX = "opentelemetry.instrumentation."
#: Clients whose requests are recorded, so that it is known whether they have sent one.
_SEEN = ("aiohttp", "httpx", "requests")
_INSTALLED = ("site-packages", "dist-packages", sysconfig.get_path("stdlib"))
_HERE = str(Path(__file__).parents[2])


class _Library(NamedTuple):
    module: str
    instrumentation: str
    instrumentor: str
    call: str
    app_type: str | None = None
    #: Scopes that show, beside its own, that an application is instrumented.
    scopes: tuple[str, ...] = ()


#: Libraries that emit nothing until somebody instruments them, and the call that does.
_LIBRARIES = (
    _Library(
        "fastapi", "fastapi", "FastAPIInstrumentor", ".instrument_app({app})", "FastAPI",
        ("fastapi", _PREFIX + "asgi"),
    ),
    _Library(
        "starlette.applications", "starlette", "StarletteInstrumentor", ".instrument_app({app})",
        "Starlette", (_PREFIX + "asgi",),
    ),
    _Library(
        "flask", "flask", "FlaskInstrumentor", "().instrument_app({app})", "Flask",
        (_PREFIX + "wsgi",),
    ),
    _Library("django", "django", "DjangoInstrumentor", "().instrument()"),
    _Library("sqlalchemy", "sqlalchemy", "SQLAlchemyInstrumentor", "().instrument(engine=engine)"),
    _Library("requests", "requests", "RequestsInstrumentor", "().instrument()"),
    _Library("aiohttp", "aiohttp_client", "AioHttpClientInstrumentor", "().instrument()"),
    _Library("httpx", "httpx", "HTTPXClientInstrumentor", ".instrument_client(client)"),
    _Library("redis", "redis", "RedisInstrumentor", "().instrument()"),
    _Library("psycopg", "psycopg", "PsycopgInstrumentor", "().instrument()"),
    _Library("celery", "celery", "CeleryInstrumentor", "().instrument()"),
)  # fmt: skip


def instrumentation_hint(recording: Recording, spans: int) -> str | None:
    """What to call, or None where everything is instrumented, or tracing is done otherwise."""
    recorded = recording.look().spans
    if "opentelemetry.trace" not in sys.modules and (
        recorded or recording.endings or recording.pulls
    ):
        return None  # an application that records its spans by hand
    scopes = {span.scope for span in recorded}
    for library in _LIBRARIES:
        module = sys.modules.get(library.module)
        if module is None or _is_instrumented(library, scopes):
            continue
        if library.app_type is not None:
            app = _silent_app(module, library.app_type)
            if app is not None:
                return f"the {library.app_type} application {app!r} is not instrumented: " + _call(
                    library, app
                )
        elif spans == 0 and _is_used(library.module) and _is_missed(library.module, recording):
            return f"{library.module} is imported but not instrumented: {_call(library, '')}"
    return None


def _call(library: _Library, app: str) -> str:
    call = library.instrumentor + library.call.format(app=app)
    try:
        installed = find_spec(_PREFIX + library.instrumentation) is not None
    except (ImportError, ValueError):
        installed = False
    distribution = library.instrumentation.replace("_", "-")
    return call if installed else f"{call}, of opentelemetry-instrumentation-{distribution}"


def _is_instrumented(library: _Library, scopes: set[str | None]) -> bool:
    if not scopes.isdisjoint({_PREFIX + library.instrumentation, *library.scopes}):
        return True
    module = sys.modules.get(_PREFIX + library.instrumentation)
    instrumentor = getattr(module, library.instrumentor, None)
    return bool(instrumentor and instrumentor().is_instrumented_by_opentelemetry)


def _is_missed(module: str, recording: Recording) -> bool:
    """Whether the library has done something of which a span could tell.

    Tests call the application with httpx, in this process or in another one; then the
    application's own spans are what is missing.
    """
    if other_process(recording) is not None:
        return False
    if module not in _SEEN:
        return True
    if module == "httpx" and "starlette.testclient" in sys.modules:
        return False
    sent = (one.client for one in recording.requests_between() if one.role == "outgoing")
    return module in sent


def _own_modules() -> Iterator[ModuleType]:
    """The modules that are not installed: the application's and its tests'."""
    for module in list(sys.modules.values()):
        if type(module) is not ModuleType:  # a lazy one would be imported by a look at it
            continue
        path = getattr(module, "__file__", None)
        if path and not path.startswith(_HERE) and not any(part in path for part in _INSTALLED):
            yield module


def _is_used(library: str) -> bool:
    """Whether a module of the application has the library, or something of it, in its hands."""
    return any(
        _home_of(value).partition(".")[0] == library
        for module in _own_modules()
        for value in list(vars(module).values())
    )


def _home_of(value: Any) -> str:
    """The module that a class or function is from, or that an object's class is from.

    An object is not asked itself: a proxy may do anything then.
    """
    kind = type(value)
    if kind is ModuleType:
        return str(vars(value).get("__name__"))
    source = value if kind is FunctionType or issubclass(kind, type) else kind
    return str(getattr(source, "__module__", ""))


def _silent_app(module: Any, app_type: str) -> str | None:
    """The name under which a module of the application holds one that emits nothing."""
    kind = getattr(module, app_type, None)
    for holder in _own_modules():
        for name, value in list(vars(holder).items()):
            if type(value) is kind and not _emits(value):
                return name
    return None


def _emits(app: Any) -> bool:
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        return True
    for middleware in getattr(app, "user_middleware", ()):  # Starlette's, added by hand
        if _home_of(getattr(middleware, "cls", None)).startswith(_PREFIX):
            return True
    if _home_of(getattr(app, "wsgi_app", None)).startswith(_PREFIX):  # Flask's
        return True
    telemetry = getattr(app, "_native_telemetry", None)  # FastAPI >= 0.165
    return telemetry is not None and bool(telemetry.enabled())
