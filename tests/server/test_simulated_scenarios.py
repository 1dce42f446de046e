from __future__ import annotations

from typing import Any

import pytest

from livekit.protocol import rtc
from livekit.server.responses import DisconnectReason
from livekit.server.simulated_scenarios import RESUME_WINDOW, UNANSWERED_RESUMES
from tests.server.recording_link import Member, join, make_rooms


def ask(member: Member, **scenario: Any) -> None:
    member.request(rtc.SignalRequest(simulate=rtc.SimulateScenario(**scenario)))


def pair() -> tuple[Member, Member]:
    rooms = make_rooms()
    return join(rooms, "alice"), join(rooms, "bob")


@pytest.mark.parametrize("scenario", ["node_failure", "migration"])
def test_removes_participant_without_leave(scenario: str) -> None:
    alice, bob = pair()
    ask(bob, **{scenario: True})
    assert bob.link.closed
    assert "leave" not in bob.kinds()
    assert alice.updates()[-1] == (bob.sid, "DISCONNECTED")


def test_server_leave() -> None:
    _, bob = pair()
    ask(bob, server_leave=True)
    leave = bob.signal("leave").leave
    assert (leave.action, leave.reason) == (rtc.LeaveRequest.DISCONNECT, DisconnectReason.SERVER_SHUTDOWN)
    assert not bob.is_in_room()


def test_full_reconnect_keeps_participant() -> None:
    _, bob = pair()
    ask(bob, leave_request_full_reconnect=True)
    assert bob.signal("leave").leave.action == rtc.LeaveRequest.RECONNECT
    assert bob.is_in_room()


def test_speaker_update() -> None:
    alice, bob = pair()
    ask(bob, speaker_update=3)
    assert [(s.sid, s.active) for s in alice.signal("speakers_changed").speakers_changed.speakers] == [(bob.sid, True)]
    bob.room.tick(2.9)
    assert alice.kinds().count("speakers_changed") == 1
    for now in (3.0, 4.0):
        bob.room.tick(now)
    assert alice.kinds().count("speakers_changed") == 2
    assert not alice.signal("speakers_changed").speakers_changed.speakers[0].active


def test_resume_is_dropped_after_response() -> None:
    _, bob = pair()
    ask(bob, disconnect_signal_on_resume=True)
    bob.link.signals.clear()
    bob.room.resume(bob.participant, 1.0)
    assert bob.kinds()[0] == "reconnect"
    assert (bob.link.dropped_signal, bob.participant.signal_lost_at) == (1, 1.0)
    bob.room.resume(bob.participant, 2.0)
    assert (bob.link.dropped_signal, bob.participant.signal_lost_at) == (1, None)


def test_resumes_are_dropped_before_response() -> None:
    _, bob = pair()
    ask(bob, disconnect_signal_on_resume_no_messages=True)
    bob.link.signals.clear()
    for number in range(UNANSWERED_RESUMES):
        bob.room.resume(bob.participant, 1.0 + number)
    assert (bob.kinds(), bob.link.dropped_signal) == ([], UNANSWERED_RESUMES)
    bob.room.resume(bob.participant, RESUME_WINDOW)
    assert bob.kinds()[0] == "reconnect"


@pytest.mark.parametrize("scenario", ["disconnect_signal_on_resume", "disconnect_signal_on_resume_no_messages"])
def test_resumes_succeed_after_window(scenario: str) -> None:
    _, bob = pair()
    ask(bob, **{scenario: True})
    bob.room.resume(bob.participant, RESUME_WINDOW + 0.1)
    assert bob.link.dropped_signal == 0


def test_media_scenarios_are_ignored() -> None:
    _, bob = pair()
    ask(bob, subscriber_bandwidth=100)
    bob.request(rtc.SignalRequest(simulate=rtc.SimulateScenario()))
    assert bob.is_in_room()
