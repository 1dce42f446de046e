"""The way of a data packet through the server: checked, stamped with its sender, sent to whom it is meant for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from livekit.protocol import models

from . import limits
from .outbox import OutboundPacket
from .participant import Participant, State

if TYPE_CHECKING:
    from .room import Room

logger = logging.getLogger(__name__)


def forward(room: Room, sender: Participant, data: bytes, *, reliable: bool, now: float) -> None:
    """Forward a packet that came from `sender`; what is not allowed or not readable is dropped."""
    packet = _accept(sender, data, reliable=reliable)
    if packet is None:
        return
    _stamp(packet, sender, reliable=reliable)
    deliver(room, packet, _audience(room, sender, packet), now)


def deliver(room: Room, packet: models.DataPacket, audience: Iterator[Participant], now: float) -> None:
    """Send a stamped packet to each participant of `audience`; who is too slow for reliable packets is removed."""
    data = packet.SerializeToString()
    if packet.kind == models.DataPacket.LOSSY:
        for receiver in audience:
            receiver.send_lossy(data)
        return
    outbound = OutboundPacket(data, packet.participant_sid, packet.sequence)
    for receiver in [receiver for receiver in audience if not receiver.send_reliable(outbound, now)]:
        logger.warning("removing %r: it does not read its reliable packets fast enough", receiver)
        room.remove(receiver, models.DisconnectReason.STATE_MISMATCH, now)


def _accept(sender: Participant, data: bytes, *, reliable: bool) -> models.DataPacket | None:
    if sender.state == State.DISCONNECTED or not sender.permission.can_publish_data:
        return None
    if len(data) > limits.MAX_PACKET:
        logger.warning("dropping a packet of %d bytes from %r: over %d", len(data), sender, limits.MAX_PACKET)
        return None
    try:
        packet = models.DataPacket.FromString(data)
    except DecodeError:
        logger.warning("dropping a packet from %r that is no DataPacket", sender)
        return None
    if reliable and packet.sequence:
        if packet.sequence <= sender.last_sequence:
            logger.debug("dropping packet %d from %r: already had it", packet.sequence, sender)
            return None
        sender.last_sequence = packet.sequence
    return packet


def _stamp(packet: models.DataPacket, sender: Participant, *, reliable: bool) -> None:
    """Say who sent it, whatever the sender wrote. Hidden senders stay unnamed; agents may speak for others."""
    packet.kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    packet.participant_sid = sender.sid
    if not _speaks_for_another(packet, sender):
        packet.participant_identity = "" if sender.hidden else sender.identity
    if packet.HasField("user"):
        user = packet.user
        user.participant_sid = "" if sender.hidden else sender.sid
        user.participant_identity = "" if sender.hidden else sender.identity
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


def _audience(room: Room, sender: Participant, packet: models.DataPacket) -> Iterator[Participant]:
    allowed = _RESTRICTED.get(packet.WhichOneof("value") or "", _anyone)
    identities = set(packet.destination_identities)
    sids = set(packet.user.destination_sids)
    for receiver in list(room.participants.values()):
        if receiver is sender or not allowed(sender, receiver):
            continue
        if (not identities and not sids) or receiver.identity in identities or receiver.sid in sids:
            yield receiver


def _anyone(sender: Participant, receiver: Participant) -> bool:
    return True


def _from_agents(sender: Participant, receiver: Participant) -> bool:
    return sender.is_agent


def _to_metrics_subscribers(sender: Participant, receiver: Participant) -> bool:
    return receiver.permission.can_subscribe_metrics


_RESTRICTED: dict[str, Callable[[Participant, Participant], bool]] = {
    "transcription": _from_agents,
    "metrics": _to_metrics_subscribers,
}
