"""Rooms whose participants have no connections, for the fuzz targets about the server."""

from __future__ import annotations

from livekit.protocol import models, rtc
from livekit.server.claims import Claims
from livekit.server.participant import Participant
from livekit.server.participant_link import ParticipantLink
from livekit.server.permissions import parse_grants
from livekit.server.room import JoinParameters, Room
from livekit.server.room_manager import RoomManager

ROOM = "demo"
IDENTITIES = ("alice", "bob", "ghost", "agent")
_GRANTS: dict[str, dict[str, object]] = {
    "alice": {"canUpdateOwnMetadata": True},
    "ghost": {"hidden": True},
    "agent": {"agent": True},
}


class SilentLink(ParticipantLink):
    """Serializes every signal message and keeps the last packet."""

    def __init__(self) -> None:
        self.packet = b""

    def send_signal(self, message: rtc.SignalResponse) -> None:
        message.SerializeToString()

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        self.packet = data
        return True

    @property
    def backlog(self) -> int:
        return 0

    def send_track_packet(self, data: bytes) -> None:
        return None

    def update_media(self) -> None:
        return None

    def drop_signal(self) -> None:
        return None

    def restart_transport(self) -> None:
        return None

    def moved(self, room: str) -> None:
        return None

    def close(self) -> None:
        return None


def join_all() -> tuple[RoomManager, Room, dict[Participant, SilentLink]]:
    """Return a room whose participants are all ACTIVE. Sids are the same in every run."""
    numbers = iter(range(1_000_000_000))
    rooms = RoomManager(new_sid=lambda prefix: f"{prefix}{next(numbers)}")
    found: dict[Participant, SilentLink] = {}
    for identity in IDENTITIES:
        video = {"roomJoin": True, "room": ROOM, **_GRANTS.get(identity, {})}
        grants = parse_grants(Claims({"iss": "key", "sub": identity, "video": video}))
        parameters = JoinParameters(client=models.ClientInfo(protocol=17, client_protocol=2))
        link = SilentLink()
        room, participant = rooms.join(grants, parameters, link, 0.0)
        room.activate(participant, 0.0)
        found[participant] = link
    return rooms, rooms.rooms[0], found
