"""Stream methods of the local participant."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from livekit._room.local_context import LocalContext, LocalParticipantMixin
from livekit._util.arguments import check_attributes, check_identities, check_optional_str, check_str
from livekit._util.buffers import to_bytes
from livekit.errors import SessionClosedError
from livekit.protocol import models
from livekit.streams.deflate import deflate_if_worthwhile
from livekit.streams.framing import HeaderTooLargeError, StreamFramer, stream_header, whole_stream
from livekit.streams.info import ByteStreamInfo, StreamError, TextStreamInfo, byte_info, text_info

from .files import OutgoingFile
from .writer import ByteStreamWriter, TextStreamWriter, begin_send, send_header, wait_sent

DEFLATE_IN_THREAD = 256 * 1024
"""Content of at least this many bytes is compressed in a thread, to keep the event loop responsive."""
DEFAULT_NAME = "unknown"
"""Name of byte streams without one, as in the official SDK."""
BYTES_TYPE = "application/octet-stream"

_TextHeader = models.DataStream.TextHeader
_ByteHeader = models.DataStream.ByteHeader


class StreamSender(LocalParticipantMixin):
    """Sends text and byte streams. Without `destination_identities` they are sent to all participants.

    All methods raise StreamError if the room is not connected, this participant may not publish data, or the attributes
    do not fit into a packet, and TypeError if an argument has the wrong type: a single identity must be in a list.
    """

    async def send_text(
        self,
        text: str,
        *,
        destination_identities: list[str] | None = None,
        topic: str = "",
        attributes: dict[str, str] | None = None,
        reply_to_id: str | None = None,
        compress: bool = True,
    ) -> TextStreamInfo:
        """Send a whole text; return once the connection has accepted it. `reply_to_id`: id of the stream it answers."""
        check_str(text, "text")
        destinations = _check_options(destination_identities, topic, attributes, reply_to_id=reply_to_id)
        header = stream_header(
            topic=topic,
            destinations=destinations,
            attributes=attributes,
            timestamp_ms=_now_ms(),
            kind=_TextHeader(reply_to_stream_id=reply_to_id or ""),
        )
        content = text.encode()
        header.stream_header.total_length = len(content)
        info = text_info(header.stream_header)
        await self._send_whole(header, content, compress)
        return info

    async def stream_text(
        self,
        *,
        destination_identities: list[str] | None = None,
        topic: str = "",
        attributes: dict[str, str] | None = None,
        stream_id: str | None = None,
        reply_to_id: str | None = None,
        total_size: int | None = None,
        sender_identity: str | None = None,
    ) -> TextStreamWriter:
        """Open a text stream for incremental writing. `sender_identity`: the participant for which an agent sends."""
        destinations = _check_options(
            destination_identities,
            topic,
            attributes,
            stream_id=stream_id,
            reply_to_id=reply_to_id,
            sender_identity=sender_identity,
        )
        header = stream_header(
            topic=topic,
            destinations=destinations,
            attributes=attributes,
            stream_id=stream_id,
            on_behalf_of=sender_identity or "",
            timestamp_ms=_now_ms(),
            kind=_TextHeader(reply_to_stream_id=reply_to_id or ""),
        )
        info = text_info(header.stream_header)
        info.size = total_size or 0  # not sent for text: its bytes and characters differ
        writer = TextStreamWriter(info, _framer(header, whole_characters=True), self._stream_context().packets)
        await send_header(writer)
        return writer

    async def send_bytes(
        self,
        data: bytes,
        *,
        topic: str = "",
        name: str | None = None,
        mime_type: str | None = None,
        destination_identities: list[str] | None = None,
        attributes: dict[str, str] | None = None,
        stream_id: str | None = None,
        compress: bool = True,
    ) -> ByteStreamInfo:
        """Send whole content, of any bytes-like type; return once the connection has accepted it."""
        content = to_bytes(data, "data")
        destinations = _check_options(
            destination_identities, topic, attributes, stream_id=stream_id, name=name, mime_type=mime_type
        )
        header = stream_header(
            topic=topic,
            destinations=destinations,
            attributes=attributes,
            stream_id=stream_id,
            mime_type=mime_type or BYTES_TYPE,
            total_length=len(content),
            timestamp_ms=_now_ms(),
            kind=_ByteHeader(name=DEFAULT_NAME if name is None else name),
        )
        info = byte_info(header.stream_header)
        await self._send_whole(header, content, compress)
        return info

    async def stream_bytes(
        self,
        name: str,
        *,
        total_size: int | None = None,
        mime_type: str = BYTES_TYPE,
        attributes: dict[str, str] | None = None,
        stream_id: str | None = None,
        destination_identities: list[str] | None = None,
        topic: str = "",
    ) -> ByteStreamWriter:
        """Open a byte stream for incremental writing. Receivers check its length against `total_size`."""
        destinations = _check_options(
            destination_identities, topic, attributes, stream_id=stream_id, name=name, mime_type=mime_type
        )
        header = stream_header(
            topic=topic,
            destinations=destinations,
            attributes=attributes,
            stream_id=stream_id,
            mime_type=mime_type or BYTES_TYPE,
            total_length=total_size,
            timestamp_ms=_now_ms(),
            kind=_ByteHeader(name=name),
        )
        framer = _framer(header, whole_characters=False)
        writer = ByteStreamWriter(byte_info(header.stream_header), framer, self._stream_context().packets)
        await send_header(writer)
        return writer

    async def send_file(
        self,
        file_path: str | os.PathLike[str],
        *,
        topic: str = "",
        destination_identities: list[str] | None = None,
        attributes: dict[str, str] | None = None,
        stream_id: str | None = None,
        compress: bool = True,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ByteStreamInfo:
        """Send a file as a byte stream; return once the connection has accepted all of it.

        The file is read in blocks. If the transmission is cancelled or fails, the stream is aborted.

        Args:
            on_progress: called with the bytes sent so far and the file's size. (Not in the official SDK.)

        Raises:
            OSError: the file cannot be read.
        """
        destinations = _check_options(destination_identities, topic, attributes, stream_id=stream_id)
        context = self._stream_context()
        _, deflate = context.participants.stream_capabilities(destinations)
        file = await OutgoingFile.open(file_path, compress=compress and deflate)
        header = stream_header(
            topic=topic,
            destinations=destinations,
            attributes=attributes,
            stream_id=stream_id,
            mime_type=file.mime_type,
            total_length=file.size,
            timestamp_ms=_now_ms(),
            kind=_ByteHeader(name=file.name),
        )
        header.stream_header.compression = file.compression
        framer = _framer(header, whole_characters=False)
        info = byte_info(header.stream_header)
        async with ByteStreamWriter(info, framer, context.packets) as writer:
            await send_header(writer)
            await file.send(writer, on_progress)
        return info

    async def _send_whole(self, header: models.DataPacket, content: bytes, compress: bool) -> None:
        context = self._stream_context()
        inline, deflate = context.participants.stream_capabilities(header.destination_identities)
        compressed = None
        if compress and deflate:
            if len(content) < DEFLATE_IN_THREAD:
                compressed = deflate_if_worthwhile(content)
            else:
                compressed = await asyncio.to_thread(deflate_if_worthwhile, content)
        try:
            packets = whole_stream(header, content, compressed, inline=inline)
        except HeaderTooLargeError as error:
            raise StreamError(str(error)) from error
        await wait_sent(
            begin_send(context.packets, iter((packets,)) if isinstance(packets, models.DataPacket) else packets)
        )

    def _stream_context(self) -> LocalContext:
        try:
            return self._require_publish_context()
        except (SessionClosedError, PermissionError) as error:
            raise StreamError(str(error)) from error


def _check_options(destinations: object, topic: object, attributes: object, **texts: object) -> list[str]:
    """Check a stream's options; return its destinations. Raises TypeError."""
    check_str(topic, "topic")
    if attributes is not None:
        check_attributes(attributes)
    for name, value in texts.items():
        check_optional_str(value, name)
    return check_identities(destinations)


def _framer(header: models.DataPacket, *, whole_characters: bool) -> StreamFramer:
    try:
        return StreamFramer(header, whole_characters=whole_characters)
    except HeaderTooLargeError as error:
        raise StreamError(str(error)) from error


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
