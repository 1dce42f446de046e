"""Forwarding of media: whatever a publisher sends, subscribers get valid RTP, and no sequence number twice.

An input is a list of RTP packets, each with a length of two bytes. Run as `python -m fuzz.fuzz_media [COUNT] [SEED]`.
"""

from __future__ import annotations

from collections.abc import Iterator

from fuzz.mutate import Fuzzer, always
from livekit.server.media.forwarder import Forwarder, OutgoingPacket
from livekit.server.media.published_stream import PublishedStream
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.header_extensions import encode_extensions
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, encode_red
from livekit.webrtc.rtp.rtcp import encode_compound

OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2)
RED = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
VIDEO = [
    Codec(payload_type=96 + number, name=name, clock_rate=90_000)
    for number, name in enumerate(("VP8", "VP9", "H264", "H265", "AV1"))
]
RENUMBERED = Codec(payload_type=100, name="opus", clock_rate=48_000, channels=2)
MEDIA_SSRC = 7


def _seeds() -> list[bytes]:
    profile, block = encode_extensions({1: b"\x8a"})
    audio = [
        RtpPacket(
            *(63, number, 960 * number, MEDIA_SSRC, encode_red(b"new", [RedundantBlock(111, 960, b"old")], 111)),
            extension_profile=profile,
            extension=block,
        )
        for number in (65_534, 65_535, 1, 0)
    ]
    audio.append(RtpPacket(111, 2, 1920, MEDIA_SSRC, padding_size=100))
    video = [RtpPacket(96 + number % 5, number, 3000, MEDIA_SSRC, b"\x90\xe0\x92\x34\x05\x60\0") for number in range(8)]
    return [b"".join(_framed(packet.serialize()) for packet in packets) for packets in (audio, video)]


def _framed(packet: bytes) -> bytes:
    return len(packet).to_bytes(2, "big") + packet


def _packets(data: bytes) -> Iterator[RtpPacket]:
    position = 0
    while position + 2 <= len(data):
        end = position + 2 + int.from_bytes(data[position : position + 2], "big")
        try:
            yield RtpPacket.parse(data[position + 2 : end])
        except RtpError:
            pass
        position = end


def target(data: bytes) -> None:
    _forward(data, MediaKind.AUDIO, [RED, OPUS], ([RED, OPUS], [OPUS], [RED, RENUMBERED]))
    _forward(data, MediaKind.VIDEO, VIDEO, (VIDEO, VIDEO[:1]))


def _forward(data: bytes, kind: MediaKind, codecs: list[Codec], subscribers: tuple[list[Codec], ...]) -> None:
    stream = PublishedStream(MEDIA_SSRC, kind, codecs, audio_level_id=1)
    outputs = [Forwarder(ssrc, stream.clock_rate, codecs=wanted) for ssrc, wanted in enumerate(subscribers)]
    sent: list[dict[int, OutgoingPacket]] = [{} for _ in outputs]
    for forwarder in outputs:
        forwarder.select(stream)
    for number, packet in enumerate(_packets(data)):
        now = 0.01 * number
        position = stream.receive(packet, now)
        encode_compound([*stream.feedback(1, now)])
        if position is None:
            continue
        for forwarder, seen in zip(outputs, sent, strict=True):
            outgoing = forwarder.forward(stream, packet, position, now)
            if outgoing is not None:
                _check(outgoing, seen, forwarder)
    stream.report(1.0).encode()


def _check(outgoing: OutgoingPacket, seen: dict[int, OutgoingPacket], forwarder: Forwarder) -> None:
    packet = RtpPacket.parse(outgoing.header + outgoing.payload)
    if (packet.payload, packet.sequence_number, packet.ssrc) != (*outgoing[1:], forwarder.ssrc):
        raise AssertionError("a subscriber must parse what was forwarded")
    if outgoing.sequence_number in seen:
        raise AssertionError("a sequence number must be used once")
    seen[outgoing.sequence_number] = outgoing
    again = forwarder.retransmit(outgoing.sequence_number)
    if again is not None and again != outgoing:
        raise AssertionError("a packet must be sent again exactly")


FUZZER = Fuzzer("media", _seeds(), (), always(target))

if __name__ == "__main__":
    FUZZER.main()
