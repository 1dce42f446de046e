"""Troubles made on purpose, for tests of what an application does about them."""

from __future__ import annotations

import asyncio

from livekit.engine.interfaces import Engine
from livekit.enums import SimulateScenarioKind
from livekit.protocol import rtc

SENT_WITHIN = 0.05
"""Seconds for a message to be on its way before the connection is lost that carries it."""

_Kind = SimulateScenarioKind

_LOCAL = {_Kind.SIMULATE_SIGNAL_RECONNECT: False, _Kind.SIMULATE_FULL_RECONNECT: True}
"""What needs no server, and whether it is a full reconnect."""
_ASKED = {
    _Kind.SIMULATE_SPEAKER: rtc.SimulateScenario(speaker_update=3),
    _Kind.SIMULATE_NODE_FAILURE: rtc.SimulateScenario(node_failure=True),
    _Kind.SIMULATE_SERVER_LEAVE: rtc.SimulateScenario(server_leave=True),
    _Kind.SIMULATE_MIGRATION: rtc.SimulateScenario(migration=True),
    _Kind.SIMULATE_DISCONNECT_SIGNAL_ON_RESUME: rtc.SimulateScenario(disconnect_signal_on_resume=True),
}
"""What the server is asked for."""


async def simulate(session: Engine, scenario: SimulateScenarioKind.ValueType) -> None:
    """Raises RuntimeError for what there is not: media over TCP or TLS."""
    if scenario in _LOCAL:
        session.force_reconnect(full=_LOCAL[scenario])
        return
    asked = _ASKED.get(scenario)
    if asked is None:
        name = _Kind.Name(scenario)
        raise RuntimeError(f"simulate_scenario failed: this SDK has no {name}, as its connections are over UDP or TURN")
    session.send_signal(rtc.SignalRequest(simulate=asked))
    if scenario == _Kind.SIMULATE_DISCONNECT_SIGNAL_ON_RESUME:
        await asyncio.sleep(SENT_WITHIN)
        session.force_reconnect(full=False)
