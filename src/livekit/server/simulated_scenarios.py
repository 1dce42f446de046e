"""Failures that a client requests in order to test its own handling of them (`SimulateScenario`)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from livekit.protocol import rtc

from .participant import Participant
from .responses import DisconnectReason
from .room import Room

logger = logging.getLogger(__name__)

RESUME_WINDOW = 5.0
"""Seconds after the request for which resumes fail."""
UNANSWERED_RESUMES = 3
"""Resumes that end unanswered; clients try each several times."""


def simulate(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    """Run the requested scenario; scenarios about media are ignored."""
    scenario = request.simulate.WhichOneof("scenario") or ""
    handler = _SCENARIOS.get(scenario)
    if handler is None:
        logger.debug("ignoring the simulated scenario %s", scenario)
        return
    logger.info("simulating %s for %r", scenario, participant)
    handler(room, participant, request.simulate, now)


def _speaker_update(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulation.speaking_until = now + max(0, scenario.speaker_update)
    room.announce_speaker(participant, active=True)


def _node_failure(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.SERVER_SHUTDOWN, now, send_leave=False)


def _migration(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.MIGRATION, now, send_leave=False)


def _server_leave(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.SERVER_SHUTDOWN, now)


def _disconnect_on_resume(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulation.drop_until = now + RESUME_WINDOW


def _disconnect_unanswered(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulation.unanswered_until = now + RESUME_WINDOW
    participant.simulation.unanswered_resumes = UNANSWERED_RESUMES


def _full_reconnect(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    leave = rtc.LeaveRequest(action=rtc.LeaveRequest.RECONNECT, can_reconnect=True, reason=DisconnectReason.MIGRATION)
    participant.link.send_signal(rtc.SignalResponse(leave=leave))


_SCENARIOS: dict[str, Callable[[Room, Participant, rtc.SimulateScenario, float], None]] = {
    "speaker_update": _speaker_update,
    "node_failure": _node_failure,
    "migration": _migration,
    "server_leave": _server_leave,
    "disconnect_signal_on_resume": _disconnect_on_resume,
    "disconnect_signal_on_resume_no_messages": _disconnect_unanswered,
    "leave_request_full_reconnect": _full_reconnect,
}
