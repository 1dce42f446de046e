"""The way of a data packet through the server: checked, stamped with its sender, sent to whom it is meant for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from livekit._util.logs import RateLimitedLog
from livekit.protocol import models
from livekit.rpc.wire import REQUEST_TOPIC

from . import limits
from .packet_buffers import OutboundPacket
from .participant import DISCONNECTED, Participant
from .traffic import LOSSY, RELIABLE

if TYPE_CHECKING:
    from .room import Room

logger = logging.getLogger(__name__)
_garbage = RateLimitedLog(logger)

_RELIABLE = models.DataPacket.RELIABLE
_LOSSY = models.DataPacket.LOSSY


def forward(room: Room, sender: Participant, data: bytes, *, reliable: bool, now: float) -> None:
    """Forward a packet that came from `sender`; what is not allowed or not readable is dropped."""
    traffic, packet = room.traffic, _accept(sender, data, reliable=reliable)
    if packet is None:
        traffic.dropped += 1
        return
    traffic.received[RELIABLE if reliable else LOSSY].add(1, len(data))
    traffic.calls += _begins_call(packet)
    for_backend = room.callers and _answers_backend(room, sender, packet)
    audience = [] if for_backend else _audience(room, sender, packet)
    if room.packet_observer is not None:
        room.packet_observer.forwarded(room, sender, audience, packet, len(data), now)
    if not audience:
        return
    stamped = _stamped(packet, data, sender, reliable=reliable)
    _deliver(room, audience, OutboundPacket(stamped, sender.sid, packet.sequence), reliable=reliable, now=now)


def send(room: Room, packet: models.DataPacket, *, reliable: bool, now: float) -> None:
    """Send a packet of the server's own to its destinations, or to everybody."""
    packet.kind = _RELIABLE if reliable else _LOSSY
    outbound = OutboundPacket(packet.SerializeToString(), packet.participant_sid, packet.sequence)
    if room.packet_observer is not None:
        room.packet_observer.sent_by_server(room, packet, len(outbound.data), now)
    _deliver(room, _destinations(room, packet), outbound, reliable=reliable, now=now)


def _deliver(room: Room, audience: list[Participant], outbound: OutboundPacket, *, reliable: bool, now: float) -> None:
    room.traffic.sent[RELIABLE if reliable else LOSSY].add(len(audience), len(outbound.data))
    if not reliable:
        for receiver in audience:
            receiver.send_lossy(outbound.data)
        return
    for receiver in audience:
        if not receiver.send_reliable(outbound, now):
            logger.warning(
                "removing %r: it does not read its reliable packets fast enough", receiver, extra=receiver.log_fields
            )
            room.remove(receiver, models.DisconnectReason.STATE_MISMATCH, now)


def _accept(sender: Participant, data: bytes, *, reliable: bool) -> models.DataPacket | None:
    if sender.state == DISCONNECTED or not sender.may_publish_data:
        return None
    if len(data) > limits.MAX_PACKET:
        _warn(sender, "dropping a packet from %r: it has more than %d bytes", sender, limits.MAX_PACKET)
        return None
    try:
        packet = models.DataPacket.FromString(data)
    except DecodeError:
        _warn(sender, "dropping a packet from %r that is no DataPacket", sender)
        return None
    if reliable and packet.sequence:
        if packet.sequence <= sender.last_sequence:
            logger.debug("dropping packet %d from %r: already had it", packet.sequence, sender)
            return None
        sender.last_sequence = packet.sequence
    return packet


def _begins_call(packet: models.DataPacket) -> bool:
    if packet.HasField("stream_header"):
        return packet.stream_header.topic == REQUEST_TOPIC
    return packet.HasField("rpc_request")


def _warn(sender: Participant, message: str, *args: object) -> None:
    _garbage.warn((sender.sid, message), message, *args, **sender.log_fields)


def _stamped(packet: models.DataPacket, data: bytes, sender: Participant, *, reliable: bool) -> bytes:
    """The packet with who sent it, whatever the sender wrote. Hidden senders stay unnamed; agents may speak for others.

    Of a protobuf field that comes twice the last one counts, so the stamp is put behind what came. What has names
    further inside is serialised anew.
    """
    if packet.HasField("user"):
        _stamp_user(packet, sender)
    elif not _speaks_for_another(packet, sender):
        return data + sender.stamp(reliable=reliable)
    packet.kind = _RELIABLE if reliable else _LOSSY
    packet.participant_sid = sender.sid
    if not _speaks_for_another(packet, sender):
        packet.participant_identity = sender.shown_identity
    return packet.SerializeToString()


def _stamp_user(packet: models.DataPacket, sender: Participant) -> None:
    user = packet.user
    user.participant_sid = "" if sender.hidden else sender.sid
    user.participant_identity = sender.shown_identity
    destinations = packet.destination_identities or user.destination_identities
    packet.destination_identities[:] = user.destination_identities[:] = list(destinations)


def _speaks_for_another(packet: models.DataPacket, sender: Participant) -> bool:
    if not sender.is_agent or packet.participant_identity in ("", sender.identity):
        return False
    if packet.HasField("chat_message"):
        packet.chat_message.generated = True
        return True
    if packet.HasField("stream_header") and packet.stream_header.HasField("text_header"):
        packet.stream_header.text_header.generated = True
        return True
    return False


def _answers_backend(room: Room, sender: Participant, packet: models.DataPacket) -> bool:
    """Whether a packet is for a call that the server itself makes, which takes it then."""
    # Some clients name the destination in the header of a stream alone.
    names = packet.destination_identities or (packet.stream_chunk.stream_id, packet.stream_trailer.stream_id)
    for name in names:
        receive = room.callers.get(name)
        if receive is not None:
            receive(sender, packet)
            return True
    return False


def _audience(room: Room, sender: Participant, packet: models.DataPacket) -> list[Participant]:
    receivers = [receiver for receiver in _destinations(room, packet) if receiver is not sender]
    allowed = _RESTRICTED.get(packet.WhichOneof("value") or "")
    return receivers if allowed is None else [receiver for receiver in receivers if allowed(sender, receiver)]


def _destinations(room: Room, packet: models.DataPacket) -> list[Participant]:
    identities: Collection[str] = packet.destination_identities
    sids: Collection[str] = ()
    if packet.HasField("user"):
        sids = packet.user.destination_sids
        identities = identities or packet.user.destination_identities
    if sids or not identities:
        return [
            receiver
            for receiver in room.participants.values()
            if not (identities or sids) or receiver.identity in identities or receiver.sid in sids
        ]
    wanted = identities if len(identities) == 1 else dict.fromkeys(identities)
    return [receiver for identity in wanted if (receiver := room.participants.get(identity)) is not None]


def _from_agents(sender: Participant, receiver: Participant) -> bool:
    return sender.is_agent


def _to_metrics_subscribers(sender: Participant, receiver: Participant) -> bool:
    return receiver.permission.can_subscribe_metrics


_RESTRICTED: dict[str, Callable[[Participant, Participant], bool]] = {
    "transcription": _from_agents,
    "metrics": _to_metrics_subscribers,
}
