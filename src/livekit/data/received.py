"""Packets of applications that come, as events."""

from __future__ import annotations

from collections.abc import Callable

from livekit._room.participants import ParticipantTable
from livekit.enums import DataPacketKind
from livekit.protocol import models

from .packets import ChatMessage, DataPacket, SipDTMF, TranscriptionSegment
from .user_packet_deduper import UserPacketDeduper

_LOSSY = models.DataPacket.Kind.LOSSY


class DataEvents:
    """Tells the application of packets; `handlers` has one for each kind."""

    def __init__(self, participants: ParticipantTable, emit: Callable[..., None]) -> None:
        self._participants = participants
        self._emit = emit
        self._once = UserPacketDeduper()
        self.handlers: dict[str, Callable[[str, models.DataPacket], None]] = {
            "user": self._data,
            "sip_dtmf": self._dtmf,
            "transcription": self._transcription,
            "chat_message": self._chat,
        }

    def _data(self, sender: str, packet: models.DataPacket) -> None:
        if not self._once.is_new(sender, packet.user.nonce):
            return
        received = DataPacket(
            data=packet.user.payload,
            kind=DataPacketKind.KIND_LOSSY if packet.kind == _LOSSY else DataPacketKind.KIND_RELIABLE,
            participant=self._participants.remotes.get(sender),
            topic=packet.user.topic,
        )
        self._emit("data_received", received)

    def _dtmf(self, sender: str, packet: models.DataPacket) -> None:
        participant = self._participants.remotes.get(sender)
        self._emit("sip_dtmf_received", SipDTMF(packet.sip_dtmf.code, packet.sip_dtmf.digit, participant))

    def _transcription(self, sender: str, packet: models.DataPacket) -> None:
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

    def _chat(self, sender: str, packet: models.DataPacket) -> None:
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
