from __future__ import annotations

import aiortc.rtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError
from livekit.webrtc.rtp.rtcp import Goodbye, SourceDescription, decode_compound

ssrcs = st.integers(0, 0xFFFF_FFFF)


@given(st.lists(st.tuples(ssrcs, st.text(max_size=60)), max_size=31).map(tuple))
def test_source_description_round_trip(cnames: tuple[tuple[int, str], ...]) -> None:
    description = SourceDescription(cnames)
    assert decode_compound(description.encode()) == [description]


def test_aiortc_reads_the_cname() -> None:
    (other,) = aiortc.rtp.RtcpPacket.parse(SourceDescription(((7, "PA_1|TR_2"),)).encode())
    assert isinstance(other, aiortc.rtp.RtcpSdesPacket)
    assert [(chunk.ssrc, chunk.items) for chunk in other.chunks] == [(7, [(1, b"PA_1|TR_2")])]


def test_other_items_are_skipped() -> None:
    body = bytes.fromhex("00000007") + b"\x02\x01x" + b"\x01\x02me" + b"\0"
    packet = b"\x81\xca" + (len(body) // 4).to_bytes(2, "big") + body
    assert decode_compound(packet) == [SourceDescription(((7, "me"),))]


@given(st.lists(ssrcs, max_size=31).map(tuple))
def test_goodbye_round_trip(sources: tuple[int, ...]) -> None:
    assert decode_compound(Goodbye(sources).encode()) == [Goodbye(sources)]


def test_reason_of_a_goodbye_is_ignored() -> None:
    assert decode_compound(bytes.fromhex("81cb000200000007") + b"\x03end") == [Goodbye((7,))]


@pytest.mark.parametrize("data", ["81ca0000", "81ca000200000007010500ff", "81cb0000", "81ca00020000000702000201"])
def test_packet_that_is_cut_off_is_rejected(data: str) -> None:
    with pytest.raises(RtpError, match="cut off"):
        decode_compound(bytes.fromhex(data))


def test_limits_of_the_formats() -> None:
    with pytest.raises(RtpError, match="at most 255 bytes"):
        SourceDescription(((1, "x" * 256),)).encode()
    with pytest.raises(RtpError, match="at most 31 chunks"):
        SourceDescription(((1, "x"),) * 32).encode()
    with pytest.raises(RtpError, match="at most 31 sources"):
        Goodbye((1,) * 32).encode()
