"""Which player an application gets."""

from __future__ import annotations

from typing import Any

from pytest_traces.wire.stand_in.address import Address
from pytest_traces.wire.stand_in.apps import Player, protocol_of
from pytest_traces.wire.stand_in.loops import LoopThread
from pytest_traces.wire.stand_in.playing_asgi import AsgiPlayer
from pytest_traces.wire.stand_in.playing_wsgi import WsgiPlayer


def player_of(app: Any, address: Address, thread: LoopThread) -> Player | None:
    """What runs an application as the service; None for none.

    Raises:
        BadValue: it speaks neither ASGI nor WSGI.
    """
    __tracebackhide__ = True
    if app is None:
        return None
    if protocol_of(app) == "asgi":
        return AsgiPlayer(app, address, thread)
    return WsgiPlayer(app, address)
