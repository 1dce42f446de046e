from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit.protocol import models
from livekit.streams.aio.sender_grace import GRACE, SenderGrace
from livekit.streams.reassembly import IncompleteStreamError, SenderLeftError, StreamReassembler
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


class Harness:
    def __init__(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.streams = StreamReassembler(self._open)
        self.departures = SenderGrace(self.streams)

    def _open(self, sender: str, header: models.DataStream.Header) -> Sink:
        return self.sinks.setdefault(header.stream_id, Sink())

    def begin(self, stream_id: str) -> Sink:
        self.streams.receive_header("alice", models.DataStream.Header(stream_id=stream_id))
        return self.sinks[stream_id]

    def chunk(self, stream_id: str, index: int) -> None:
        self.streams.receive_chunk(
            "alice", models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=b"x")
        )


async def test_what_was_under_way_still_comes() -> None:
    with VirtualClock():
        harness = Harness()
        slow, silent = harness.begin("slow"), harness.begin("silent")
        harness.departures.left("alice")
        for index in range(4):
            await asyncio.sleep(GRACE * 0.9)
            harness.chunk("slow", index)
        assert isinstance(silent.error, SenderLeftError)
        assert slow.error is None
        harness.streams.receive_trailer("alice", models.DataStream.Trailer(stream_id="slow"))
        await asyncio.sleep(3 * GRACE)
        assert (slow.content, slow.finished_well, slow.error) == (b"xxxx", True, None)
        assert len(harness.streams) == 0


async def test_what_begins_after_the_sender_came_back_goes_on() -> None:
    with VirtualClock():
        harness = Harness()
        old = harness.begin("old")
        harness.departures.left("alice")
        new = harness.begin("new")
        await asyncio.sleep(3 * GRACE)
        assert isinstance(old.error, SenderLeftError)
        assert new.error is None
        harness.departures.close()


async def test_closing_ends_the_wait() -> None:
    with VirtualClock():
        harness = Harness()
        sink = harness.begin("one")
        harness.departures.left("alice")
        harness.departures.close()
        await asyncio.sleep(3 * GRACE)
        assert sink.error is None
