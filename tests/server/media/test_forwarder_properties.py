from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from livekit.server.media.forwarder import Forwarder, OutgoingPacket
from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.serial_number import unwrap_16, unwrap_32
from tests.server.media.media_packets import DELTA_FRAME, KEY_FRAME, OPUS, RED, VP8, Sent, parse

OTHER = Codec(payload_type=1, name="other", clock_rate=8000)
"""A codec of the publishers that the subscriber lacks."""
STEP = st.sampled_from(
    ["packet"] * 12
    + ["lose", "delay", "delay", "release", "padding", "duplicate", "switch", "pause", "resume"]
    + ["foreign", "foreign_payload", "restart", "wait", "insert", "renegotiate", "nack"]
)


@dataclass
class _Source:
    """A publisher's source that numbers its packets."""

    stream: PublishedStream
    number: int
    timestamp: int
    delayed: list[RtpPacket] = field(default_factory=list[RtpPacket])

    def next(self, payload_type: int, payload: bytes, padding_size: int = 0) -> RtpPacket:
        self.number += 1
        self.timestamp += self.stream.clock_rate // 50
        return RtpPacket(
            payload_type,
            self.number & 0xFFFF,
            self.timestamp & 0xFFFF_FFFF,
            self.stream.ssrc,
            payload,
            padding_size=padding_size,
        )


class _Subscriber:
    """Checks what a subscriber receives."""

    def __init__(self) -> None:
        self.sent: dict[int, Sent] = {}
        self.payloads: set[bytes] = set()
        self.highest: int | None = None
        self.timestamp = 0

    def receive(self, outgoing: OutgoingPacket, *, jump: int) -> None:
        """Check a packet; `jump` is the most that its sequence number may be ahead."""
        packet = parse(outgoing)
        if self.highest is None:
            self.highest, self.timestamp = packet.sequence_number - 1, packet.timestamp - 1
        extended = unwrap_16(packet.sequence_number, self.highest)
        assert extended not in self.sent, "a sequence number is used once"
        assert packet.payload not in self.payloads, "a frame is sent once"
        self.sent[extended] = packet
        self.payloads.add(packet.payload)
        if extended > self.highest:
            assert extended - self.highest <= jump, "no jump but the publisher's"
            timestamp = unwrap_32(packet.timestamp, self.timestamp)
            assert timestamp > self.timestamp, "the timeline runs forward"
            self.highest, self.timestamp = extended, timestamp


class _World:
    def __init__(self, kind: MediaKind, starts: list[int], first: int) -> None:
        self.codecs = [VP8] if kind is MediaKind.VIDEO else [RED, OPUS]
        clock_rate = self.codecs[0].clock_rate
        self.sources = [
            _Source(PublishedStream(ssrc, kind, [*self.codecs, OTHER]), start, start * 7919)
            for ssrc, start in enumerate(starts, 1)
        ]
        self.forwarder = Forwarder(77, clock_rate, codecs=self.codecs, sequence_number=first)
        self.current = self.sources[0]
        self.forwarder.select(self.current.stream)
        self.subscriber = _Subscriber()
        self.now = 0.0
        self.lost = 0  # packets of the current source that did not arrive since the last one that did
        self.frames = 0

    def _packet(self, source: _Source, padding: bool = False) -> RtpPacket:
        self.frames += 1
        if padding:
            return source.next(self.codecs[0].payload_type, b"", 100)
        start = KEY_FRAME if self.frames % 5 == 0 else DELTA_FRAME
        return source.next(self.codecs[-1].payload_type, start + b"frame %d" % self.frames)

    def deliver(self, source: _Source, packet: RtpPacket, *, late: bool = False) -> None:
        position = source.stream.receive(packet, self.now)
        if position is not None:
            outgoing = self.forwarder.forward(source.stream, packet, position, self.now)
            if outgoing is not None:
                self.subscriber.receive(outgoing, jump=1 + self.lost)
                if not late:
                    self.lost = 0

    def step(self, step: str) -> None:
        self.now += 0.02
        getattr(self, step)()

    def packet(self) -> None:
        self.deliver(self.current, self._packet(self.current))

    def lose(self) -> None:
        self._packet(self.current)
        self.lost += 1

    def delay(self) -> None:
        self.current.delayed.append(self._packet(self.current))
        self.lost += 1

    def release(self) -> None:
        for source in self.sources:
            while source.delayed:
                self.deliver(source, source.delayed.pop(), late=True)

    def padding(self) -> None:
        self.deliver(self.current, self._packet(self.current, padding=True))

    def duplicate(self) -> None:
        packet = self._packet(self.current)
        self.deliver(self.current, packet)
        self.deliver(self.current, packet)

    def foreign_payload(self) -> None:
        self.frames += 1
        self.deliver(self.current, self.current.next(1, b"other %d" % self.frames))

    def switch(self) -> None:
        self.current = self.sources[(self.sources.index(self.current) + 1) % len(self.sources)]
        self.forwarder.select(self.current.stream)

    def pause(self) -> None:
        self.forwarder.paused = True

    def resume(self) -> None:
        self.forwarder.paused = False

    def foreign(self) -> None:
        other = self.sources[self.sources.index(self.current) - 1]
        self.deliver(other, self._packet(other))

    def restart(self) -> None:
        self.current.number += 20_000
        self.current.timestamp += 123_456_789
        self.current.delayed.clear()

    def wait(self) -> None:
        self.now += 3.0

    def insert(self) -> None:
        self.frames += 1
        self.subscriber.receive(self.forwarder.insert(111, b"silence %d" % self.frames, self.now), jump=1)

    def renegotiate(self) -> None:
        number = 97 + self.frames % 3
        self.forwarder.codecs = [replace(self.codecs[-1], payload_type=number), *self.codecs[:-1]]

    def nack(self) -> None:
        for extended, packet in self.subscriber.sent.items():
            again = self.forwarder.retransmit(extended & 0xFFFF)
            assert again is None or parse(again) == packet, "a sequence number has one content"


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(MediaKind),
    starts=st.lists(st.integers(0, 0xFFFF) | st.integers(65_500, 65_535), min_size=2, max_size=3),
    first=st.integers(0, 0xFFFF),
    steps=st.lists(STEP, max_size=150),
)
def test_subscriber_sees_one_stream_whatever_the_publisher_does(
    kind: MediaKind, starts: list[int], first: int, steps: list[str]
) -> None:
    world = _World(kind, starts, first)
    for step in steps:
        world.step(step)
    world.step("nack")
