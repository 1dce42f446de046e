"""Receiving application packets."""

from __future__ import annotations

from collections.abc import Callable

from livekit._room.participant_table import ParticipantTable
from livekit.enums import DataPacketKind
from livekit.protocol import models

from .packets import ChatMessage, DataPacket, SipDTMF, TranscriptionSegment
from .user_packet_dedup import UserPacketDedup

_LOSSY = models.DataPacket.Kind.LOSSY


class DataReceiver:
    """Emits received packets as room events. `packet_handlers` maps each kind of packet to its handler."""

    def __init__(self, participants: ParticipantTable, emit: Callable[..., None]) -> None:
        self._participants = participants
        self._emit = emit
        self._dedup = UserPacketDedup()
        self.packet_handlers: dict[str, Callable[[str, models.DataPacket], None]] = {
            "user": self._on_user_packet,
            "sip_dtmf": self._on_sip_dtmf,
            "transcription": self._on_transcription,
            "chat_message": self._on_chat_message,
        }

    def _on_user_packet(self, sender: str, packet: models.DataPacket) -> None:
        if not self._dedup.is_new(sender, packet.user.nonce):
            return
        received = DataPacket(
            data=packet.user.payload,
            kind=DataPacketKind.KIND_LOSSY if packet.kind == _LOSSY else DataPacketKind.KIND_RELIABLE,
            participant=self._participants.remotes.get(sender),
            topic=packet.user.topic,
        )
        self._emit("data_received", received)

    def _on_sip_dtmf(self, sender: str, packet: models.DataPacket) -> None:
        participant = self._participants.remotes.get(sender)
        self._emit("sip_dtmf_received", SipDTMF(packet.sip_dtmf.code, packet.sip_dtmf.digit, participant))

    def _on_transcription(self, sender: str, packet: models.DataPacket) -> None:
        segments = [
            TranscriptionSegment(
                id=segment.id,
                text=segment.text,
                start_time=segment.start_time,
                end_time=segment.end_time,
                language=segment.language,
                final=segment.final,
            )
            for segment in packet.transcription.segments
        ]
        participant = self._participants.participant(packet.transcription.transcribed_participant_identity)
        publication = None
        if participant is not None:
            publication = participant.track_publications.get(packet.transcription.track_id)
        self._emit("transcription_received", segments, participant, publication)

    def _on_chat_message(self, sender: str, packet: models.DataPacket) -> None:
        chat = packet.chat_message
        message = ChatMessage(
            id=chat.id,
            timestamp=chat.timestamp,
            message=chat.message,
            edit_timestamp=chat.edit_timestamp if chat.HasField("edit_timestamp") else None,
            deleted=chat.deleted,
            generated=chat.generated,
            participant=self._participants.participant(sender),
        )
        self._emit("chat_message_received", message)
