"""Sending application packets."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from functools import cached_property

from livekit._room.local_context import LocalParticipantMixin
from livekit._util.arguments import check_identities, check_str
from livekit._util.buffers import to_bytes
from livekit.engine.backpressure import send
from livekit.errors import SessionClosedError
from livekit.protocol import models

from .errors import PublishDataError, PublishDTMFError, PublishTranscriptionError
from .packets import ChatMessage, Transcription
from .user_packet_dedup import UserPacketNonces


class DataPublisher(LocalParticipantMixin):
    """Sends packets. Without `destination_identities` a packet is sent to all participants of the room.

    Each method returns once the transport has accepted the packet. While the room is reconnecting, that may take a
    while; a queued packet is sent even if the awaiting task is cancelled.
    """

    @cached_property
    def _nonces(self) -> UserPacketNonces:
        return UserPacketNonces()

    async def publish_data(
        self,
        payload: bytes | str,
        *,
        reliable: bool = True,
        destination_identities: Sequence[str] = (),
        topic: str = "",
    ) -> None:
        """Send a packet; receivers get a `data_received` event.

        Args:
            payload: up to about 63,900 bytes; use streams for more.
            reliable: deliver the packet, in order. Otherwise it is sent once, unordered, and may be lost.

        Raises:
            PublishDataError: not connected, not allowed, or too large. The connection stays usable.
            TypeError: `payload` is neither bytes-like nor a str, or another argument has the wrong type: a single
                identity must be in a list.
        """
        content = payload.encode() if isinstance(payload, str) else to_bytes(payload, "payload")
        destinations = check_identities(destination_identities)
        check_str(topic, "topic")
        nonce = self._nonces.next() if reliable else b""
        user = models.UserPacket(payload=content, topic=topic, nonce=nonce)
        packet = models.DataPacket(destination_identities=destinations, user=user)
        await self._publish(packet, PublishDataError, reliable=reliable)

    async def publish_dtmf(self, *, code: int, digit: str) -> None:
        """Send a DTMF tone to SIP participants. Raises PublishDTMFError."""
        await self._publish(models.DataPacket(sip_dtmf=models.SipDTMF(code=code, digit=digit)), PublishDTMFError)

    async def publish_transcription(self, transcription: Transcription) -> None:
        """Send transcribed speech. Servers forward it only if this participant is an agent.

        Raises PublishTranscriptionError."""
        segments = [
            models.TranscriptionSegment(
                id=segment.id,
                text=segment.text,
                start_time=segment.start_time,
                end_time=segment.end_time,
                final=segment.final,
                language=segment.language,
            )
            for segment in transcription.segments
        ]
        packet = models.DataPacket(
            transcription=models.Transcription(
                transcribed_participant_identity=transcription.participant_identity,
                track_id=transcription.track_sid,
                segments=segments,
            )
        )
        await self._publish(packet, PublishTranscriptionError)

    async def send_chat_message(
        self, message: str, *, replaces: ChatMessage | None = None, destination_identities: Sequence[str] = ()
    ) -> ChatMessage:
        """Send a chat message, or an edit of the message that it `replaces`. Raises PublishDataError.

        (Not in the official SDK.)"""
        check_str(message, "message")
        destinations = check_identities(destination_identities)
        now = time.time_ns() // 1_000_000
        chat = models.ChatMessage(id=str(uuid.uuid4()), timestamp=now, message=message)
        if replaces is not None:
            chat.id, chat.timestamp, chat.edit_timestamp = replaces.id, replaces.timestamp, now
        packet = models.DataPacket(destination_identities=destinations, chat_message=chat)
        await self._publish(packet, PublishDataError)
        edited = None if replaces is None else now
        return ChatMessage(id=chat.id, timestamp=chat.timestamp, message=message, edit_timestamp=edited)

    async def _publish(
        self,
        packet: models.DataPacket,
        error_type: type[PublishDataError | PublishDTMFError | PublishTranscriptionError],
        *,
        reliable: bool = True,
    ) -> None:
        try:
            await send(self._require_publish_context().packets, packet, reliable=reliable)
        except (SessionClosedError, PermissionError, ValueError) as error:
            raise error_type(str(error)) from error
