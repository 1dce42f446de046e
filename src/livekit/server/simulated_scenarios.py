"""Troubles that a participant asks for, to see what its client does about them (`SimulateScenario`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from .responses import DisconnectReason

if TYPE_CHECKING:
    from .participant import Participant
    from .room import Room

logger = logging.getLogger(__name__)

RESUME_WITHIN = 5.0
"""Seconds in which a resume is disturbed after that was asked for."""
DISTURBED_RESUMES = 3
"""Resumes that end without a word; clients try each several times."""
LOUDNESS = 0.9


@dataclass(slots=True)
class Simulated:
    """What is still to happen to one participant. Times are seconds of the server's clock."""

    silent_resumes: int = 0
    silent_until: float = 0.0
    drop_until: float = 0.0
    speaks_until: float | None = None

    def ends_silently(self, now: float) -> bool:
        """Whether a resume that comes now is to end before it is answered."""
        if not self.silent_resumes or now > self.silent_until:
            return False
        self.silent_resumes -= 1
        return True

    def ends_answered(self, now: float) -> bool:
        """Whether a resume that comes now is to end after it was answered."""
        until, self.drop_until = self.drop_until, 0.0
        return now <= until


def simulate(room: Room, participant: Participant, request: rtc.SignalRequest, now: float) -> None:
    """Do what is asked for; what concerns media is passed over."""
    scenario = request.simulate.WhichOneof("scenario") or ""
    handler = _SCENARIOS.get(scenario)
    if handler is None:
        logger.debug("passing over the simulation of %s", scenario)
        return
    logger.info("simulating %s for %r", scenario, participant)
    handler(room, participant, request.simulate, now)


def end_speech(room: Room, participant: Participant, now: float) -> None:
    """Tell that a participant speaks no more, when it is time."""
    until = participant.simulated.speaks_until
    if until is not None and now >= until:
        participant.simulated.speaks_until = None
        _tell_speaker(room, participant, active=False)


def _speaker_update(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulated.speaks_until = now + max(0, scenario.speaker_update)
    _tell_speaker(room, participant, active=True)


def _tell_speaker(room: Room, participant: Participant, *, active: bool) -> None:
    info = models.SpeakerInfo(sid=participant.sid, level=LOUDNESS if active else 0.0, active=active)
    changed = rtc.SignalResponse(speakers_changed=rtc.SpeakersChanged(speakers=[info]))
    for listener in room.participants.values():
        listener.link.send_signal(changed)


def _node_failure(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.SERVER_SHUTDOWN, now, tell=False)


def _migration(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.MIGRATION, now, tell=False)


def _server_leave(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    room.remove(participant, DisconnectReason.SERVER_SHUTDOWN, now)


def _disconnect_on_resume(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulated.drop_until = now + RESUME_WITHIN


def _silent_on_resume(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    participant.simulated.silent_until = now + RESUME_WITHIN
    participant.simulated.silent_resumes = DISTURBED_RESUMES


def _full_reconnect(room: Room, participant: Participant, scenario: rtc.SimulateScenario, now: float) -> None:
    leave = rtc.LeaveRequest(action=rtc.LeaveRequest.RECONNECT, can_reconnect=True, reason=DisconnectReason.MIGRATION)
    participant.link.send_signal(rtc.SignalResponse(leave=leave))


_SCENARIOS: dict[str, Callable[[Room, Participant, rtc.SimulateScenario, float], None]] = {
    "speaker_update": _speaker_update,
    "node_failure": _node_failure,
    "migration": _migration,
    "server_leave": _server_leave,
    "disconnect_signal_on_resume": _disconnect_on_resume,
    "disconnect_signal_on_resume_no_messages": _silent_on_resume,
    "leave_request_full_reconnect": _full_reconnect,
}
