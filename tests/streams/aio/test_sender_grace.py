from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit.protocol import models
from livekit.streams.aio.sender_grace import GRACE, SenderGrace
from livekit.streams.reassembly import IncomingStreams, IncompleteStreamError, SenderLeftError
from livekit.testing import VirtualClock


class Sink:
    limit: int | None = None

    def __init__(self) -> None:
        self.content = b""
        self.finished_well = False
        self.error: IncompleteStreamError | None = None

    def received(self, content: bytes) -> None:
        self.content += content

    def finished(self, attributes: Mapping[str, str]) -> None:
        self.finished_well = True

    def failed(self, error: IncompleteStreamError) -> None:
        self.error = error


class Rig:
    def __init__(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.streams = IncomingStreams(self._open)
        self.departures = SenderGrace(self.streams)

    def _open(self, sender: str, header: models.DataStream.Header) -> Sink:
        return self.sinks.setdefault(header.stream_id, Sink())

    def begin(self, stream_id: str) -> Sink:
        self.streams.header("alice", models.DataStream.Header(stream_id=stream_id))
        return self.sinks[stream_id]

    def chunk(self, stream_id: str, index: int) -> None:
        self.streams.chunk("alice", models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=b"x"))


async def test_what_was_under_way_still_comes() -> None:
    with VirtualClock():
        rig = Rig()
        slow, silent = rig.begin("slow"), rig.begin("silent")
        rig.departures.left("alice")
        for index in range(4):
            await asyncio.sleep(GRACE * 0.9)
            rig.chunk("slow", index)
        assert isinstance(silent.error, SenderLeftError)
        assert slow.error is None
        rig.streams.trailer("alice", models.DataStream.Trailer(stream_id="slow"))
        await asyncio.sleep(3 * GRACE)
        assert (slow.content, slow.finished_well, slow.error) == (b"xxxx", True, None)
        assert len(rig.streams) == 0


async def test_what_begins_after_the_sender_came_back_goes_on() -> None:
    with VirtualClock():
        rig = Rig()
        old = rig.begin("old")
        rig.departures.left("alice")
        new = rig.begin("new")
        await asyncio.sleep(3 * GRACE)
        assert isinstance(old.error, SenderLeftError)
        assert new.error is None
        rig.departures.close()


async def test_closing_ends_the_wait() -> None:
    with VirtualClock():
        rig = Rig()
        sink = rig.begin("one")
        rig.departures.left("alice")
        rig.departures.close()
        await asyncio.sleep(3 * GRACE)
        assert sink.error is None
