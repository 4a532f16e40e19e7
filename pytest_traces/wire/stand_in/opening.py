"""Making a stand-in: what was asked for is looked at, and its end belongs to the recording."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from pytest_traces.propagation import headers_of
from pytest_traces.recording import Journal, Recording
from pytest_traces.settings import BadValue
from pytest_traces.wire.stand_in.address import read_address
from pytest_traces.wire.stand_in.manner import read_manner
from pytest_traces.wire.stand_in.service import StandIn


def open_stand_in(
    journal: Journal,
    recording: Recording,
    base_url: str | httpx.URL,
    *,
    name: str | None = None,
    app: Any = None,
    optional: bool = False,
    delay: str | timedelta | None = None,
    format: str | None = None,  # noqa: A002  # the word of the project for it
) -> StandIn:
    """Play a remote service until the end of the recording.

    Args:
        journal: that its spans go to.
        recording: with it the stand-in ends; the faults that it has found go to its endings.
        base_url: what it stands for: ``"http://payments"``, ``"https://gateway/payments"``.
        name: the service that its spans belong to; None for the host.
        app: an ASGI or WSGI application that answers what no route answers.
        optional: whether it, and any of its routes, may stay uncalled.
        delay: how long each answer takes, ``"50ms"`` or a timedelta.
        format: the one header format that the service knows; None for any that is present,
            whatever the application under test is set to send.

    Raises:
        BadValue: an argument that cannot be used; a base URL that has a stand-in already.
    """
    __tracebackhide__ = True
    address = read_address(base_url)
    manner = read_manner(optional=optional, delay=delay)
    if name is not None and (not isinstance(name, str) or not name):
        raise BadValue("name", name, "it is the name of a service")
    if format is not None:
        headers_of(format)  # refuses one that there is not
    stand_in = StandIn(
        journal,
        recording,
        address,
        name=name or address.host,
        app=app,
        manner=manner,
        format=format,
    )
    stand_in.begin()
    return stand_in
