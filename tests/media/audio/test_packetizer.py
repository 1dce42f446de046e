"""RTP packets of encoded audio: redundancy, discontinuous transmission, levels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from livekit.media.audio.encoder import EncodedFrame
from livekit.media.audio.packetizer import AudioPacketizer, PayloadTypes
from livekit.webrtc.media_interfaces import Codec
from livekit.webrtc.rtp.header_extensions import AudioLevel, decode_extensions
from livekit.webrtc.rtp.packet import RtpPacket
from livekit.webrtc.rtp.red import decode_red
from tests.media.audio.wire import OPUS, RED

TYPES = PayloadTypes(111, 63)
DTX = b"\xf8"


def frame(number: int, payload: bytes = b"\xf8voice", level: float = 0.1) -> EncodedFrame:
    return EncodedFrame(960 * number, payload, level)


def packets(frames: list[EncodedFrame], types: PayloadTypes = TYPES) -> list[RtpPacket]:
    packetizer = AudioPacketizer(1)
    return [packet for each in frames if (packet := packetizer.packetize(each, types)) is not None]


@pytest.mark.parametrize(
    ("codecs", "expected"),
    [
        ((RED, OPUS), TYPES),
        ((OPUS,), PayloadTypes(111, None)),
        ((RED,), None),
        ((), None),
        ((Codec(payload_type=9, name="OPUS", clock_rate=48_000), replace(RED, parameters="9/9")), PayloadTypes(9, 63)),
        ((OPUS, replace(RED, parameters="96/96")), PayloadTypes(111, None)),
        ((OPUS, replace(RED, parameters="")), TYPES),
    ],
)
def test_payload_types_are_found_by_name_and_parameters(
    codecs: tuple[Codec, ...], expected: PayloadTypes | None
) -> None:
    assert PayloadTypes.of(codecs) == expected


def test_each_packet_repeats_the_frame_before() -> None:
    sent = packets([frame(n, b"\xf8voice%d" % n) for n in range(3)])
    assert {packet.payload_type for packet in sent} == {63}
    blocks = [
        [(block.payload_type, block.timestamp_offset, block.payload) for block in decode_red(p.payload)] for p in sent
    ]
    assert blocks == [
        [(111, 0, b"\xf8voice0")],
        [(111, 960, b"\xf8voice0"), (111, 0, b"\xf8voice1")],
        [(111, 960, b"\xf8voice1"), (111, 0, b"\xf8voice2")],
    ]


def test_sequence_and_timestamps_go_on_from_random_starts() -> None:
    sent = packets([frame(n) for n in range(5)])
    assert [(p.sequence_number - sent[0].sequence_number) & 0xFFFF for p in sent] == [0, 1, 2, 3, 4]
    assert [(p.timestamp - sent[0].timestamp) & 0xFFFF_FFFF for p in sent] == [0, 960, 1920, 2880, 3840]
    assert len({packets([frame(0)])[0].sequence_number for _ in range(10)}) > 1
    assert len({packets([frame(0)])[0].timestamp for _ in range(10)}) > 1


def test_timestamps_roll_over() -> None:
    packetizer = AudioPacketizer(1)
    packetizer.packetize(frame(0), TYPES)
    after = packetizer.packetize(frame((1 << 32) // 960 + 1), TYPES)
    assert after is not None
    assert after.timestamp < 1 << 32


def test_without_red_packets_are_plain_opus() -> None:
    sent = packets([frame(0), frame(1)], PayloadTypes(111, None))
    assert [(p.payload_type, p.payload) for p in sent] == [(111, b"\xf8voice")] * 2


def test_silence_is_sent_each_400_ms() -> None:
    sent = packets([frame(0), *(frame(n, DTX, 0.0) for n in range(1, 101)), frame(101), frame(102)])
    offsets = [(p.timestamp - sent[0].timestamp) & 0xFFFF_FFFF for p in sent]
    assert offsets == [0, *(960 * (1 + 20 * n) for n in range(5)), 960 * 101, 960 * 102]
    assert [p.marker for p in sent] == [True, *[False] * 5, True, False]
    # The first packet in silence still repeats the last sound, those after it have nothing to repeat.
    assert [len(decode_red(p.payload)) for p in sent] == [1, 2, 1, 1, 1, 1, 1, 2]


def test_old_frames_are_not_repeated() -> None:
    sent = packets([frame(0), frame(100)])
    assert len(decode_red(sent[1].payload)) == 1


def test_level_is_sent_if_it_is_negotiated() -> None:
    packetizer = AudioPacketizer(1)
    loud = packetizer.packetize(frame(0, level=0.1), TYPES, level_id=3)
    quiet = packetizer.packetize(frame(1, level=0.0), TYPES, level_id=3)
    assert loud is not None
    assert quiet is not None
    assert AudioLevel.decode(decode_extensions(loud)[3]) == AudioLevel(20, voice=True)
    assert AudioLevel.decode(decode_extensions(quiet)[3]) == AudioLevel(127)


def test_sealed_frames_have_no_redundancy_and_may_be_dropped() -> None:
    packetizer = AudioPacketizer(7)
    sealed: list[tuple[bytes, int, int]] = []

    def seal(payload: bytes, ssrc: int, timestamp: int) -> bytes | None:
        sealed.append((payload, ssrc, timestamp))
        return b"sealed" if len(sealed) != 2 else None

    sent = [packetizer.packetize(frame(n), TYPES, seal=seal) for n in range(3)]
    assert [packet and (packet.payload_type, packet.payload) for packet in sent] == [
        (111, b"sealed"),
        None,
        (111, b"sealed"),
    ]
    first, last = sent[0], sent[2]
    assert first is not None
    assert last is not None
    assert sealed[0] == (b"\xf8voice", 7, first.timestamp)
    assert (last.sequence_number - first.sequence_number) & 0xFFFF == 1
    assert (last.timestamp - first.timestamp) & 0xFFFF_FFFF == 1920


def test_packets_and_bytes_are_counted() -> None:
    packetizer = AudioPacketizer(1)
    for number in range(3):
        packetizer.packetize(frame(number), PayloadTypes(111, None), level_id=1)
    assert (packetizer.packets, packetizer.payload_bytes, packetizer.header_bytes) == (3, 18, 3 * 20)
