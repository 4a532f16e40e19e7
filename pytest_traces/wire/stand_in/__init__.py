"""Stand-ins: remote services that the test plays.

This package is imported when the first stand-in is made: it needs httpx and respx.
"""

from __future__ import annotations

from pytest_traces.wire.stand_in.faults import UnroutedRequest as UnroutedRequest
from pytest_traces.wire.stand_in.opening import open_stand_in as open_stand_in
from pytest_traces.wire.stand_in.received import Received as Received
from pytest_traces.wire.stand_in.service import StandIn as StandIn
