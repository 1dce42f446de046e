"""Forwarding of data packets (SFU): check a packet, stamp its sender, and send it to its destinations. No I/O."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection

from google.protobuf.message import DecodeError

from livekit._util.logs import RateLimitedLog
from livekit.protocol import models
from livekit.rpc.wire import REQUEST_TOPIC

from . import limits
from .packet_buffers import OutboundPacket
from .participant import DISCONNECTED, Participant
from .room import Room
from .traffic import LOSSY, RELIABLE

logger = logging.getLogger(__name__)
_invalid_packets = RateLimitedLog(logger)

_RELIABLE = models.DataPacket.RELIABLE
_LOSSY = models.DataPacket.LOSSY


def forward(room: Room, sender: Participant, data: bytes, *, reliable: bool, now: float) -> None:
    """Forward a data packet from `sender`; packets that are not permitted or not parseable are dropped."""
    traffic, packet = room.traffic, _accept(sender, data, reliable=reliable)
    if packet is None:
        traffic.dropped += 1
        return
    traffic.received[RELIABLE if reliable else LOSSY].add(1, len(data))
    traffic.calls += _starts_call(packet)
    is_for_backend = room.backend_receivers and _deliver_to_backend(room, sender, packet)
    receivers = [] if is_for_backend else _receivers(room, sender, packet)
    if room.packet_observer is not None:
        room.packet_observer.forwarded(room, sender, receivers, packet, len(data), now)
    if not receivers:
        return
    stamped = _stamp_sender(packet, data, sender, reliable=reliable)
    _deliver(room, receivers, OutboundPacket(stamped, sender.sid, packet.sequence), reliable=reliable, now=now)


def send(room: Room, packet: models.DataPacket, *, reliable: bool, now: float) -> None:
    """Send a data packet of the server itself to its destinations, or to all participants if it has none."""
    packet.kind = _RELIABLE if reliable else _LOSSY
    outbound = OutboundPacket(packet.SerializeToString(), packet.participant_sid, packet.sequence)
    if room.packet_observer is not None:
        room.packet_observer.sent_by_server(room, packet, len(outbound.data), now)
    _deliver(room, _destinations(room, packet), outbound, reliable=reliable, now=now)


def _deliver(room: Room, receivers: list[Participant], outbound: OutboundPacket, *, reliable: bool, now: float) -> None:
    room.traffic.sent[RELIABLE if reliable else LOSSY].add(len(receivers), len(outbound.data))
    if not reliable:
        for receiver in receivers:
            receiver.send_lossy(outbound.data)
        return
    for receiver in receivers:
        if not receiver.send_reliable(outbound, now):
            logger.warning(
                "removing %r: it does not read its reliable packets fast enough", receiver, extra=receiver.log_fields
            )
            room.remove(receiver, models.DisconnectReason.STATE_MISMATCH, now)


def _accept(sender: Participant, data: bytes, *, reliable: bool) -> models.DataPacket | None:
    if sender.state == DISCONNECTED or not sender.may_publish_data:
        return None
    if len(data) > limits.MAX_PACKET:
        _warn(sender, "dropping a packet from %r: it is longer than %d bytes", sender, limits.MAX_PACKET)
        return None
    try:
        packet = models.DataPacket.FromString(data)
    except DecodeError:
        _warn(sender, "dropping a packet from %r: it is not a valid DataPacket", sender)
        return None
    if reliable and packet.sequence:
        if packet.sequence <= sender.last_sequence:
            logger.debug("dropping packet %d from %r: duplicate", packet.sequence, sender)
            return None
        sender.last_sequence = packet.sequence
    return packet


def _starts_call(packet: models.DataPacket) -> bool:
    if packet.HasField("stream_header"):
        return packet.stream_header.topic == REQUEST_TOPIC
    return packet.HasField("rpc_request")


def _warn(sender: Participant, message: str, *args: object) -> None:
    _invalid_packets.warn((sender.sid, message), message, *args, **sender.log_fields)


def _stamp_sender(packet: models.DataPacket, data: bytes, sender: Participant, *, reliable: bool) -> bytes:
    """Serialize the packet with its real sender, whatever the sender wrote.

    Hidden senders stay anonymous; agents may send on behalf of others. Protobuf parsers take the last occurrence of
    a field, so that appending the sender fields to the received bytes is enough, unless names are nested deeper.
    """
    is_on_behalf = False
    if packet.HasField("user"):
        _stamp_user_packet(packet, sender)
    else:
        is_on_behalf = _mark_sent_on_behalf(packet, sender)
        if not is_on_behalf:
            return data + sender.sender_fields(reliable=reliable)
    packet.kind = _RELIABLE if reliable else _LOSSY
    packet.participant_sid = sender.sid
    if not is_on_behalf:
        packet.participant_identity = sender.visible_identity
    return packet.SerializeToString()


def _stamp_user_packet(packet: models.DataPacket, sender: Participant) -> None:
    user = packet.user
    user.participant_sid = "" if sender.hidden else sender.sid
    user.participant_identity = sender.visible_identity
    destinations = packet.destination_identities or user.destination_identities
    packet.destination_identities[:] = user.destination_identities[:] = list(destinations)


def _mark_sent_on_behalf(packet: models.DataPacket, sender: Participant) -> bool:
    """Mark a chat message or text of an agent on behalf of another participant as generated.

    Returns False for every other packet.
    """
    if not sender.is_agent or packet.participant_identity in ("", sender.identity):
        return False
    if packet.HasField("chat_message"):
        packet.chat_message.generated = True
        return True
    if packet.HasField("stream_header") and packet.stream_header.HasField("text_header"):
        packet.stream_header.text_header.generated = True
        return True
    return False


def _deliver_to_backend(room: Room, sender: Participant, packet: models.DataPacket) -> bool:
    """Deliver a packet that belongs to an RPC call of a backend; return False if it does not."""
    # Some clients set the destination only in the header of a stream.
    names = packet.destination_identities or (packet.stream_chunk.stream_id, packet.stream_trailer.stream_id)
    for name in names:
        receive = room.backend_receivers.get(name)
        if receive is not None:
            receive(sender, packet)
            return True
    return False


def _receivers(room: Room, sender: Participant, packet: models.DataPacket) -> list[Participant]:
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
    unique = identities if len(identities) == 1 else dict.fromkeys(identities)
    return [receiver for identity in unique if (receiver := room.participants.get(identity)) is not None]


def _sent_by_agent(sender: Participant, receiver: Participant) -> bool:
    return sender.is_agent


def _subscribes_to_metrics(sender: Participant, receiver: Participant) -> bool:
    return receiver.permission.can_subscribe_metrics


_RESTRICTED: dict[str, Callable[[Participant, Participant], bool]] = {
    "transcription": _sent_by_agent,
    "metrics": _subscribes_to_metrics,
}
