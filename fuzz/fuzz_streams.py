"""Streams from two senders, with packets in any order: sinks never exceed their limit, and every stream ends.

An input is a sequence of packets: a byte for its sender, two for its length, and a DataStream message.
Run as `python -m fuzz.fuzz_streams [COUNT] [SEED]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from google.protobuf.message import DecodeError

from fuzz.mutate import Fuzzer, always
from livekit.protocol import models
from livekit.streams.framing import text_stream
from livekit.streams.reassembly import IncompleteStreamError, StreamReassembler

ALLOWED = (DecodeError,)
LIMIT = 10_000
SENDERS = ("bob", "carol")


class Sink:
    """A sink that counts bytes."""

    limit: int | None = LIMIT

    def __init__(self, sender: str, header: models.DataStream.Header) -> None:
        self.size = 0
        self.ended = False

    def received(self, content: bytes) -> None:
        self.size += len(content)
        if self.ended or self.size > LIMIT:
            raise AssertionError(f"{self.size} bytes received, ended: {self.ended}")

    def finished(self, attributes: Mapping[str, str]) -> None:
        self._end()

    def failed(self, error: IncompleteStreamError) -> None:
        self._end()

    def _end(self) -> None:
        if self.ended:
            raise AssertionError("ended twice")
        self.ended = True


def target(data: bytes) -> None:
    sinks: list[Sink] = []

    def open_sink(sender: str, header: models.DataStream.Header) -> Sink:
        sinks.append(Sink(sender, header))
        return sinks[-1]

    streams = StreamReassembler(open_sink)
    for sender, packet in _packets(data):
        if packet.HasField("stream_header"):
            streams.receive_header(sender, packet.stream_header)
        elif packet.HasField("stream_chunk"):
            streams.receive_chunk(sender, packet.stream_chunk)
        elif packet.HasField("stream_trailer"):
            streams.receive_trailer(sender, packet.stream_trailer)
    streams.close()
    if len(streams) or not all(sink.ended for sink in sinks):
        raise AssertionError("a stream did not end")


def _packets(data: bytes) -> Iterator[tuple[str, models.DataPacket]]:
    while len(data) > 3:
        end = 3 + int.from_bytes(data[1:3], "big")
        yield SENDERS[data[0] % 2], models.DataPacket.FromString(data[3:end])
        data = data[end:]


def _framed(packets: Iterator[models.DataPacket], sender: int) -> bytes:
    serialised = (packet.SerializeToString() for packet in packets)
    return b"".join(bytes((sender,)) + len(data).to_bytes(2, "big") + data for data in serialised)


def _seeds() -> Iterator[bytes]:
    for deflate in (False, True):
        for text in ("short", "some text, " * 300, "ab" * 2 * LIMIT):
            sent = text_stream(
                text,
                topic="topic",
                attributes={"k": "v"},
                destinations=["alice"],
                stream_id="1",
                inline=len(text) < LIMIT,
                deflate=deflate,
                timestamp_ms=0,
            )
            packets = iter([sent]) if isinstance(sent, models.DataPacket) else sent
            yield _framed(packets, int(deflate))


SEEDS = list(_seeds())
FUZZER = Fuzzer("streams", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
