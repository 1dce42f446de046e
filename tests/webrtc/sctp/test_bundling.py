from __future__ import annotations

from livekit.webrtc.sctp.bundling import Bundle
from livekit.webrtc.sctp.constants import FLAG_IMMEDIATE


def test_chunks_share_a_packet_until_it_is_full() -> None:
    bundle = Bundle(112)
    for _ in range(3):
        bundle.add(bytes(40))
    bundle.add(bytes(20))
    assert [list(map(len, chunks)) for chunks in bundle.take()] == [[40, 40], [40, 20]]
    assert bundle.number == 2
    assert bundle.take() == []


def test_free_payload_is_user_data_of_one_more_chunk() -> None:
    bundle = Bundle(112)
    assert bundle.free_payload == bundle.max_payload == 84
    bundle.add(bytes(20))
    assert bundle.free_payload == 64
    bundle.finish_packet()
    bundle.finish_packet()
    assert bundle.free_payload == 84
    assert bundle.number == 1


def test_set_immediate_sets_the_i_bit_of_the_last_chunk() -> None:
    bundle = Bundle(112)
    bundle.add(b"\x00\x03\x00\x05a")
    bundle.add(b"\x00\x03\x00\x05b")
    bundle.set_immediate()
    assert bundle.take() == [[b"\x00\x03\x00\x05a", bytes((0, 3 | FLAG_IMMEDIATE, 0, 5)) + b"b"]]
