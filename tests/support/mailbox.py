"""Awaiting received events and streams."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Generic, TypeVar

from livekit import ByteStreamReader, Room, StreamError, TextStreamReader
from livekit._room.room_emitter import EventTypes, RoomEvents

T = TypeVar("T")

TIMEOUT = 20.0
"""Seconds to wait for an event or a stream."""


class Mailbox(Generic[T]):
    """A FIFO of received items."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[T] = asyncio.Queue()

    def put(self, item: T) -> None:
        self._queue.put_nowait(item)

    async def get(self) -> T:
        return await asyncio.wait_for(self._queue.get(), TIMEOUT)

    @property
    def is_empty(self) -> bool:
        return self._queue.empty()


async def next_args(events: RoomEvents) -> tuple[object, ...]:
    """Return the arguments of the next event."""
    return (await asyncio.wait_for(events.__anext__(), TIMEOUT)).args


def events_of(room: Room, *names: EventTypes) -> RoomEvents:
    return room.events(*names)


@dataclass
class TextStream:
    """A received text stream, read to its end."""

    sender: str
    reader: TextStreamReader
    pieces: list[str]
    error: StreamError | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass
class ByteStream:
    """A received byte stream, read to its end."""

    sender: str
    reader: ByteStreamReader
    pieces: list[bytes]
    error: StreamError | None = None

    @property
    def content(self) -> bytes:
        return b"".join(self.pieces)


class Streams:
    """Reads all streams of a topic that a room receives."""

    def __init__(self, room: Room, topic: str) -> None:
        self.texts: Mailbox[TextStream] = Mailbox()
        self.bytes: Mailbox[ByteStream] = Mailbox()
        self.opened = Mailbox[TextStreamReader | ByteStreamReader]()
        self._tasks: set[asyncio.Task[None]] = set()
        room.register_text_stream_handler(topic, self._text)
        room.register_byte_stream_handler(topic, self._bytes)

    def _text(self, reader: TextStreamReader, sender: str) -> None:
        self.opened.put(reader)
        self._run(asyncio.create_task(self._read_text(TextStream(sender, reader, []))))

    def _bytes(self, reader: ByteStreamReader, sender: str) -> None:
        self.opened.put(reader)
        self._run(asyncio.create_task(self._read_bytes(ByteStream(sender, reader, []))))

    def _run(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_text(self, stream: TextStream) -> None:
        try:
            async for piece in stream.reader:
                stream.pieces.append(piece)
        except StreamError as error:
            stream.error = error
        self.texts.put(stream)

    async def _read_bytes(self, stream: ByteStream) -> None:
        try:
            async for piece in stream.reader:
                stream.pieces.append(piece)
        except StreamError as error:
            stream.error = error
        self.bytes.put(stream)
