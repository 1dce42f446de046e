from __future__ import annotations

import asyncio

from livekit.protocol import models
from livekit.streams.aio.sender_grace import GRACE, SenderGrace
from livekit.streams.reassembly import SenderLeftError, StreamReassembler
from livekit.testing import VirtualClock
from tests.streams.recording_sink import RecordingSink


class Harness:
    def __init__(self) -> None:
        self.sinks: dict[str, RecordingSink] = {}
        self.streams = StreamReassembler(self._open)
        self.grace = SenderGrace(self.streams)

    def _open(self, sender: str, header: models.DataStream.Header) -> RecordingSink:
        return self.sinks.setdefault(header.stream_id, RecordingSink())

    def begin(self, stream_id: str) -> RecordingSink:
        self.streams.receive_header("alice", models.DataStream.Header(stream_id=stream_id))
        return self.sinks[stream_id]

    def chunk(self, stream_id: str, index: int) -> None:
        self.streams.receive_chunk(
            "alice", models.DataStream.Chunk(stream_id=stream_id, chunk_index=index, content=b"x")
        )


async def test_progressing_streams_of_a_sender_that_left_complete() -> None:
    with VirtualClock():
        harness = Harness()
        slow, silent = harness.begin("slow"), harness.begin("silent")
        harness.grace.left("alice")
        for index in range(4):
            await asyncio.sleep(GRACE * 0.9)
            harness.chunk("slow", index)
        assert isinstance(silent.error, SenderLeftError)
        assert slow.error is None
        harness.streams.receive_trailer("alice", models.DataStream.Trailer(stream_id="slow"))
        await asyncio.sleep(3 * GRACE)
        assert (slow.content, slow.attributes, slow.error) == (b"xxxx", {}, None)
        assert len(harness.streams) == 0


async def test_streams_started_after_the_sender_returned_continue() -> None:
    with VirtualClock():
        harness = Harness()
        old = harness.begin("old")
        harness.grace.left("alice")
        new = harness.begin("new")
        await asyncio.sleep(3 * GRACE)
        assert isinstance(old.error, SenderLeftError)
        assert new.error is None
        harness.grace.close()


async def test_closing_cancels_the_grace_period() -> None:
    with VirtualClock():
        harness = Harness()
        sink = harness.begin("one")
        harness.grace.left("alice")
        harness.grace.close()
        await asyncio.sleep(3 * GRACE)
        assert sink.error is None
