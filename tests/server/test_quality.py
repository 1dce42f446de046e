"""Connection quality of participants without media."""

from __future__ import annotations

from livekit.protocol import models
from livekit.server.room_manager import RoomManager
from tests.server.recording_link import Member, join, make_rooms


def tick(rooms: RoomManager, *members: Member, until: float) -> None:
    """Pass the time up to `until`, without timeouts of the members."""
    for member in members:
        member.participant.last_signal_at = until
    rooms.tick(until)


def qualities(member: Member) -> list[tuple[str, int]]:
    updates = (signal.connection_quality.updates for signal in member.link.signals)
    return [(update.participant_sid, update.quality) for group in updates for update in group]


def test_participants_receive_their_quality_within_5_seconds() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    tick(rooms, alice, until=4.9)
    assert qualities(alice) == []
    tick(rooms, alice, until=5.0)
    assert qualities(alice) == [(alice.sid, models.ConnectionQuality.EXCELLENT)]
    tick(rooms, alice, until=10.0)
    assert len(qualities(alice)) == 1


def test_newcomer_repeats_the_report_to_everyone_once_it_is_active() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    tick(rooms, alice, until=5.0)
    bob = join(rooms, "bob", active=False, now=6.0)
    tick(rooms, alice, bob, until=10.0)
    assert (len(qualities(alice)), qualities(bob)) == (1, [])
    bob.room.activate(bob.participant, 11.0)
    tick(rooms, alice, bob, until=15.0)
    assert (len(qualities(alice)), qualities(bob)) == (2, [(bob.sid, models.ConnectionQuality.EXCELLENT)])
