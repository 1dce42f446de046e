"""Connection failures on demand, for testing how an application handles them."""

from __future__ import annotations

import asyncio

from livekit.engine.interfaces import Engine
from livekit.enums import SimulateScenarioKind
from livekit.protocol import rtc

SEND_DELAY = 0.05
"""Seconds between sending a request and interrupting the connection that carries it."""

_Kind = SimulateScenarioKind

_LOCAL = {_Kind.SIMULATE_SIGNAL_RECONNECT: False, _Kind.SIMULATE_FULL_RECONNECT: True}
"""Scenarios that need no server; the value is True for a full reconnect."""
_SERVER_REQUESTS = {
    _Kind.SIMULATE_SPEAKER: rtc.SimulateScenario(speaker_update=3),
    _Kind.SIMULATE_NODE_FAILURE: rtc.SimulateScenario(node_failure=True),
    _Kind.SIMULATE_SERVER_LEAVE: rtc.SimulateScenario(server_leave=True),
    _Kind.SIMULATE_MIGRATION: rtc.SimulateScenario(migration=True),
    _Kind.SIMULATE_DISCONNECT_SIGNAL_ON_RESUME: rtc.SimulateScenario(disconnect_signal_on_resume=True),
}
"""Scenarios that the server simulates on request."""


async def simulate(engine: Engine, scenario: SimulateScenarioKind.ValueType) -> None:
    """Start a scenario. Raises RuntimeError for unsupported ones: media over TCP or TLS."""
    if scenario in _LOCAL:
        engine.force_reconnect(full=_LOCAL[scenario])
        return
    request = _SERVER_REQUESTS.get(scenario)
    if request is None:
        name = _Kind.Name(scenario)
        raise RuntimeError(f"simulate_scenario failed: this SDK has no {name}, as its connections are over UDP or TURN")
    engine.send_signal(rtc.SignalRequest(simulate=request))
    if scenario == _Kind.SIMULATE_DISCONNECT_SIGNAL_ON_RESUME:
        await asyncio.sleep(SEND_DELAY)
        engine.force_reconnect(full=False)
