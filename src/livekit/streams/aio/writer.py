"""Streams as applications write them: at the pace of the connection."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from livekit.engine.backpressure import StreamSend, start_stream
from livekit.engine.interfaces import PacketSender
from livekit.errors import SessionClosedError
from livekit.protocol import models
from livekit.streams.framing import StreamFrames
from livekit.streams.info import BaseStreamInfo, ByteStreamInfo, StreamError, TextStreamInfo

Info = TypeVar("Info", bound=BaseStreamInfo)
Writer = TypeVar("Writer", bound="BaseStreamWriter[Any]")


class BaseStreamWriter(Generic[Info]):
    """An outgoing stream. As a context manager it is closed at the end, with the reason if that is an exception."""

    def __init__(self, info: Info, frames: StreamFrames, sender: PacketSender) -> None:
        self._info = info
        self._frames = frames
        self._sender = sender
        self._lock = asyncio.Lock()
        self._sending: StreamSend | None = None
        """What was given last; a cancelled write leaves it under way."""
        self._closed = False

    @property
    def info(self) -> Info:
        return self._info

    async def __aenter__(self: Writer) -> Writer:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: types.TracebackType | None
    ) -> None:
        if self._closed:
            return
        if kind is None:
            await self.aclose()
        else:
            self._abort(kind.__name__)

    async def aclose(self, *, reason: str = "", attributes: dict[str, str] | None = None) -> None:
        """End the stream.

        Args:
            reason: why it is not complete; readers get it as an error. Empty for a complete stream.
            attributes: more of them, which readers see at the end.

        Raises:
            RuntimeError: it is closed already.
            StreamError: the room is not connected any more.
        """
        async with self._lock:
            if self._closed:
                raise RuntimeError("Stream already closed")
            self._closed = True
            await self._send(iter((self._frames.trailer(reason, attributes),)))

    async def _open(self) -> None:
        async with self._lock:
            await self._send(iter((self._frames.header,)))

    async def _write(self, content: bytes) -> None:
        async with self._lock:
            if self._closed:
                raise RuntimeError("Cannot write after stream is closed")
            if content:
                await self._send(self._frames.chunks(content))

    async def _send(self, packets: Iterator[models.DataPacket]) -> None:
        if self._sending is not None:
            await sent(self._sending)
        self._sending = start(self._sender, packets)
        await sent(self._sending)

    def _abort(self, reason: str) -> None:
        """End it at once: what was not sent yet is not sent."""
        self._closed = True
        if self._sending is not None:
            self._sending.stream.cancel()
        with contextlib.suppress(SessionClosedError):
            self._sender.send_packet(self._frames.trailer(reason))


class TextStreamWriter(BaseStreamWriter[TextStreamInfo]):
    async def write(self, text: str) -> None:
        """Send more text; returns when the connection has taken it. One that is cancelled is sent all the same.

        Raises:
            RuntimeError: the stream is closed.
            StreamError: the room is not connected any more.
        """
        await self._write(text.encode())


class ByteStreamWriter(BaseStreamWriter[ByteStreamInfo]):
    async def write(self, data: bytes) -> None:
        """As `TextStreamWriter.write`."""
        await self._write(data)


def start(sender: PacketSender, packets: Iterator[models.DataPacket]) -> StreamSend:
    """Begin to send. Raises StreamError."""
    try:
        return start_stream(sender, packets)
    except (SessionClosedError, ValueError) as error:
        raise StreamError(str(error)) from error


async def sent(sending: StreamSend) -> None:
    """Wait until it was sent; cancelling this does not stop it. Raises StreamError."""
    try:
        await asyncio.shield(sending.done)
    except (SessionClosedError, ValueError) as error:
        raise StreamError(str(error)) from error
