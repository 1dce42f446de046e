"""Rooms without a network: the server core with links that record all output."""

from __future__ import annotations

from collections.abc import Mapping

from livekit.protocol import models, rtc
from livekit.server.claims import Claims
from livekit.server.forwarding import forward
from livekit.server.participant import Participant
from livekit.server.permissions import Grants, parse_grants
from livekit.server.room import JoinParameters, Room
from livekit.server.room_manager import RoomManager
from livekit.server.signal_dispatch import handle

EPOCH = 1_700_000_000.0
"""Unix time at which the clock of the tests shows 0."""

PROTOCOL_VERSION = 17


class RecordingLink:
    """Records everything that the server sends to one participant."""

    def __init__(self) -> None:
        self.signals: list[rtc.SignalResponse] = []
        self.packets: list[tuple[bytes, bool]] = []
        self.track_packets: list[bytes] = []
        self.dropped_signal = 0
        self.restarts = 0
        self.media_updates = 0
        self.moved_to: str | None = None
        """Name of the room that the participant was moved to."""
        self.closed = False
        self.is_slow = False
        self.backlog_bytes = 0

    def send_signal(self, message: rtc.SignalResponse) -> None:
        assert not self.closed
        self.signals.append(message)

    def send_packet(self, data: bytes, *, reliable: bool, sender: str = "") -> bool:
        assert not self.closed
        if not self.is_slow:
            self.packets.append((data, reliable))
        return not (self.is_slow and reliable)

    @property
    def backlog(self) -> int:
        return self.backlog_bytes

    def send_track_packet(self, data: bytes) -> None:
        assert not self.closed
        self.track_packets.append(data)

    def update_media(self) -> None:
        self.media_updates += 1

    def drop_signal(self) -> None:
        self.dropped_signal += 1

    def restart_transport(self) -> None:
        self.restarts += 1

    def moved(self, room: str) -> None:
        self.moved_to = room

    def close(self) -> None:
        self.closed = True


class Member:
    """A participant and its recording link."""

    def __init__(self, room: Room, participant: Participant, link: RecordingLink) -> None:
        self.room = room
        self.participant = participant
        self.link = link

    @property
    def sid(self) -> str:
        return self.participant.sid

    def is_in_room(self) -> bool:
        return self.room.participants.get(self.participant.identity) is self.participant

    def kinds(self) -> list[str]:
        """Return the kinds of the received signal messages, in order."""
        return [signal.WhichOneof("message") or "" for signal in self.link.signals]

    def signal(self, kind: str) -> rtc.SignalResponse:
        """Return the newest signal message of a kind."""
        return next(signal for signal in reversed(self.link.signals) if signal.WhichOneof("message") == kind)

    def updates(self) -> list[tuple[str, str]]:
        """Remove all signal messages; return sid and state of the participant updates among them, in order."""
        infos = [info for signal in self.link.signals for info in signal.update.participants]
        self.link.signals.clear()
        return [(info.sid, models.ParticipantInfo.State.Name(info.state)) for info in infos]

    def received(self) -> list[models.DataPacket]:
        """Remove and return the received packets."""
        packets = [models.DataPacket.FromString(data) for data, _ in self.link.packets]
        self.link.packets.clear()
        return packets

    def payloads(self) -> list[bytes]:
        return [packet.user.payload for packet in self.received()]

    def send(self, packet: models.DataPacket, *, reliable: bool = True, now: float = 0.0) -> None:
        forward(self.room, self.participant, packet.SerializeToString(), reliable=reliable, now=now)

    def request(self, request: rtc.SignalRequest, now: float = 0.0) -> None:
        handle(self.room, self.participant, request, now)


def grants(
    identity: str,
    *,
    room: str = "demo",
    name: str = "",
    kind: str = "",
    metadata: str = "",
    attributes: Mapping[str, str] | None = None,
    **video: object,
) -> Grants:
    """Return the grants of a verified token."""
    claims = {"iss": "key", "sub": identity, "name": name, "kind": kind, "metadata": metadata}
    return parse_grants(
        Claims({**claims, "attributes": dict(attributes or {}), "video": {"roomJoin": True, "room": room, **video}})
    )


def parameters(
    *,
    client_protocol: int = 2,
    single: bool = True,
    sid: str = "",
    offer: rtc.SessionDescription | None = None,
    auto_subscribe: bool = True,
    auto_subscribe_data_track: bool = False,
) -> JoinParameters:
    client = models.ClientInfo(
        protocol=PROTOCOL_VERSION,
        client_protocol=client_protocol,
        capabilities=[models.ClientInfo.CAP_COMPRESSION_DEFLATE_RAW],
    )
    return JoinParameters(
        client=client,
        single_peer_connection=single,
        participant_sid=sid,
        publisher_offer=offer,
        auto_subscribe=auto_subscribe,
        auto_subscribe_data_track=auto_subscribe_data_track,
    )


def make_rooms() -> RoomManager:
    return RoomManager(epoch=EPOCH)


def join(
    rooms: RoomManager,
    who: str | Grants,
    *,
    active: bool = True,
    now: float = 0.0,
    sid: str = "",
    auto_subscribe: bool = True,
    auto_subscribe_data_track: bool = False,
) -> Member:
    """Join a participant, by default with a connected transport; `sid` is its previous one in a full reconnect."""
    link = RecordingLink()
    claims = grants(who) if isinstance(who, str) else who
    request = parameters(sid=sid, auto_subscribe=auto_subscribe, auto_subscribe_data_track=auto_subscribe_data_track)
    room, participant = rooms.join(claims, request, link, now)
    if active:
        room.activate(participant, now)
    return Member(room, participant, link)


def user_packet(payload: bytes, *to: str, sequence: int = 0) -> models.DataPacket:
    return models.DataPacket(user=models.UserPacket(payload=payload), destination_identities=to, sequence=sequence)
