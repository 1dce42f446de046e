"""Updates of connection quality."""

from __future__ import annotations

from livekit.protocol import models
from livekit.server.media.quality import BEST, Rating
from livekit.server.participant import Participant
from livekit.server.quality import QualityUpdates
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


def test_change_is_reported_to_everyone_with_the_publishers_that_they_receive() -> None:
    rooms = make_rooms()
    alice, bob = join(rooms, "alice"), join(rooms, "bob")
    participants = [alice.participant, bob.participant]
    ratings = {alice.sid: BEST, bob.sid: BEST}
    received = {alice.sid: [], bob.sid: [alice.sid, alice.sid, bob.sid, "PA_gone"]}

    def rate(participant: Participant, now: float) -> Rating:
        return ratings[participant.sid]

    updates = QualityUpdates(0.0, rate=rate, publishers=lambda participant: received[participant.sid])
    updates.tick(participants, 5.0)
    updates.tick(participants, 10.0)
    assert qualities(alice) == [(alice.sid, models.ConnectionQuality.EXCELLENT)]
    assert qualities(bob) == [
        (bob.sid, models.ConnectionQuality.EXCELLENT),
        (alice.sid, models.ConnectionQuality.EXCELLENT),
    ]
    ratings[alice.sid] = Rating(models.ConnectionQuality.LOST, 1.3)
    updates.tick(participants, 15.0)
    assert qualities(alice)[1:] == [(alice.sid, models.ConnectionQuality.LOST)]
    assert qualities(bob)[3:] == [(alice.sid, models.ConnectionQuality.LOST)]
    ratings[alice.sid] = Rating(models.ConnectionQuality.LOST, 1.2)  # another score of the same quality
    updates.tick(participants, 20.0)
    assert len(qualities(alice)) == 2


def test_old_clients_receive_poor_instead_of_lost() -> None:
    rooms = make_rooms()
    alice = join(rooms, "alice")
    alice.participant.client.protocol = 10

    def rate(_: Participant, __: float) -> Rating:
        return Rating(models.ConnectionQuality.LOST, 1.3)

    QualityUpdates(0.0, rate=rate).tick([alice.participant], 5.0)
    assert qualities(alice) == [(alice.sid, models.ConnectionQuality.POOR)]
