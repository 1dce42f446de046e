"""Stream writers of an application, with back-pressure from the connection."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from livekit._event_loop import check_loop
from livekit._util.arguments import check_attributes, check_str
from livekit._util.buffers import to_bytes
from livekit.engine.backpressure import StreamSend, start_stream
from livekit.engine.interfaces import PacketSender
from livekit.errors import SessionClosedError
from livekit.protocol import models
from livekit.streams.framing import StreamFramer
from livekit.streams.info import BaseStreamInfo, ByteStreamInfo, StreamError, TextStreamInfo

Info = TypeVar("Info", bound=BaseStreamInfo)
Writer = TypeVar("Writer", bound="BaseStreamWriter[Any]")


class BaseStreamWriter(Generic[Info]):
    """An outgoing stream. Leaving its context closes it; on an exception it is aborted, with the type as reason."""

    def __init__(self, info: Info, framer: StreamFramer, sender: PacketSender) -> None:
        self._info = info
        self._framer = framer
        self._sender = sender
        self._loop = asyncio.get_running_loop()
        self._lock = asyncio.Lock()
        self._sending: StreamSend | None = None
        """The last write; it continues even if the call that started it is cancelled."""
        self._closed = False

    @property
    def info(self) -> Info:
        """The stream's metadata."""
        return self._info

    async def __aenter__(self: Writer) -> Writer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None
    ) -> None:
        check_loop(self._loop)
        if self._closed:
            return
        if kind is None:
            await self.aclose()
        else:
            self._abort(kind.__name__)

    async def aclose(self, *, reason: str = "", attributes: dict[str, str] | None = None) -> None:
        """End the stream.

        Args:
            reason: aborts the stream; readers raise it as an error. Empty for a complete stream.
            attributes: further attributes, which readers see at the end.

        Raises:
            RuntimeError: the stream is closed already.
            StreamError: the room is no longer connected.
            TypeError: an argument has the wrong type; the stream stays open.
        """
        check_loop(self._loop)
        check_str(reason, "reason")
        if attributes is not None:
            check_attributes(attributes)
        async with self._lock:
            if self._closed:
                raise RuntimeError("Stream already closed")
            self._closed = True
            await self._send(iter((self._framer.trailer(reason, attributes),)))

    async def _send_header(self) -> None:
        async with self._lock:
            await self._send(iter((self._framer.header,)))

    async def _write(self, content: bytes) -> None:
        check_loop(self._loop)
        async with self._lock:
            if self._closed:
                raise RuntimeError("Cannot write after stream is closed")
            if content:
                await self._send(self._framer.chunks(content))

    async def _send(self, packets: Iterator[models.DataPacket]) -> None:
        if self._sending is not None:
            await wait_sent(self._sending)
        self._sending = begin_send(self._sender, packets)
        await wait_sent(self._sending)

    def _abort(self, reason: str) -> None:
        """Abort the stream: drop its unsent packets and send a trailer with a reason."""
        self._closed = True
        if self._sending is not None:
            self._sending.stream.cancel()
        with contextlib.suppress(SessionClosedError):
            self._sender.send_packet(self._framer.trailer(reason))


class TextStreamWriter(BaseStreamWriter[TextStreamInfo]):
    """An outgoing text stream."""

    async def write(self, text: str) -> None:
        """Send text; return once the connection has accepted it. Cancelling does not stop the transmission.

        Raises:
            RuntimeError: the stream is closed.
            StreamError: the room is no longer connected.
            TypeError: `text` is not a str; the stream stays usable.
        """
        check_str(text, "text")
        await self._write(text.encode())


class ByteStreamWriter(BaseStreamWriter[ByteStreamInfo]):
    """An outgoing byte stream."""

    async def write(self, data: bytes) -> None:
        """Send bytes, or the content of another bytes-like object, as `TextStreamWriter.write` does."""
        await self._write(to_bytes(data, "data"))


async def send_header(writer: BaseStreamWriter[Any]) -> None:
    """Send the header of a new stream. Raises StreamError."""
    await writer._send_header()  # noqa: SLF001 - not part of the official writers


def begin_send(sender: PacketSender, packets: Iterator[models.DataPacket]) -> StreamSend:
    """Start to send packets. Raises StreamError."""
    try:
        return start_stream(sender, packets)
    except (SessionClosedError, ValueError) as error:
        raise StreamError(str(error)) from error


async def wait_sent(sending: StreamSend) -> None:
    """Wait until the packets are sent. Cancelling does not stop the transmission. Raises StreamError."""
    try:
        await asyncio.shield(sending.done)
    except (SessionClosedError, ValueError) as error:
        raise StreamError(str(error)) from error
