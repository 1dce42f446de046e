"""Sessions, with libsrtp as the peer in both directions."""

from __future__ import annotations

import struct
from collections.abc import Callable

import pylibsrtp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.srtp import MasterKey, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender
from livekit.webrtc.srtp import session as session_module

SSRC = 0xDEADBEEF
LIBSRTP_PROFILES = {
    SrtpProfile.AEAD_AES_128_GCM: "SRTP_PROFILE_AEAD_AES_128_GCM",
    SrtpProfile.AEAD_AES_256_GCM: "SRTP_PROFILE_AEAD_AES_256_GCM",
    SrtpProfile.AES128_CM_HMAC_SHA1_80: "SRTP_PROFILE_AES128_CM_SHA1_80",
}
profiles = pytest.mark.parametrize("profile", SrtpProfile)


def _master(profile: SrtpProfile) -> MasterKey:
    return MasterKey(bytes(range(profile.key_size)), bytes(range(100, 100 + profile.salt_size)))


def _libsrtp(profile: SrtpProfile, *, inbound: bool) -> pylibsrtp.Session:
    master = _master(profile)
    policy = pylibsrtp.Policy(
        key=master.key + master.salt,
        ssrc_type=getattr(pylibsrtp.Policy, f"SSRC_ANY_{'INBOUND' if inbound else 'OUTBOUND'}"),
        srtp_profile=getattr(pylibsrtp.Policy, LIBSRTP_PROFILES[profile]),
    )
    policy.window_size = 1024
    return pylibsrtp.Session(policy)


def _pair(profile: SrtpProfile) -> tuple[SrtpSender, SrtpReceiver]:
    return SrtpSender(profile, _master(profile)), SrtpReceiver(profile, _master(profile))


def rtp(
    sequence_number: int, payload: bytes = b"payload", *, ssrc: int = SSRC, csrcs: int = 0, extension: bytes = b""
) -> bytes:
    first = 0x80 | csrcs | (0x10 if extension else 0)
    header = struct.pack("!BBHLL", first, 111, sequence_number & 0xFFFF, 960 * sequence_number & 0xFFFF_FFFF, ssrc)
    block = struct.pack("!HH", 0xBEDE, len(extension) // 4) + extension if extension else b""
    return header + bytes(4 * csrcs) + block + payload


def rtcp(ssrc: int = SSRC) -> bytes:
    return struct.pack("!BBHLLLLLL", 0x80, 200, 6, ssrc, 1, 2, 3, 4, 5)


packets = st.builds(
    rtp, st.integers(0, 0x7FFF), st.binary(max_size=1200), csrcs=st.integers(0, 15),
    extension=st.integers(0, 8).map(lambda words: bytes(4 * words)),
)  # fmt: skip


@profiles
@given(packet=packets)
def test_libsrtp_unprotects_rtp(profile: SrtpProfile, packet: bytes) -> None:
    sender, _ = _pair(profile)
    assert _libsrtp(profile, inbound=True).unprotect(sender.protect_rtp(packet)) == packet


@profiles
@given(packet=packets)
def test_rtp_of_libsrtp_is_unprotected(profile: SrtpProfile, packet: bytes) -> None:
    _, receiver = _pair(profile)
    assert receiver.unprotect_rtp(_libsrtp(profile, inbound=False).protect(packet)) == packet


@profiles
def test_rtcp_agrees_with_libsrtp_in_both_directions(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    remote_receiver, remote_sender = _libsrtp(profile, inbound=True), _libsrtp(profile, inbound=False)
    for _ in range(3):
        assert remote_receiver.unprotect_rtcp(sender.protect_rtcp(rtcp())) == rtcp()
        assert receiver.unprotect_rtcp(remote_sender.protect_rtcp(rtcp())) == rtcp()


@profiles
def test_two_rollovers_agree_with_libsrtp_in_both_directions(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    remote_receiver, remote_sender = _libsrtp(profile, inbound=True), _libsrtp(profile, inbound=False)
    for sequence_number in range(20_000, 3 * 65_536, 1000):
        # Reordered by one, across both rollovers.
        for number in (sequence_number + 1, sequence_number):
            assert remote_receiver.unprotect(sender.protect_rtp(rtp(number))) == rtp(number)
            assert receiver.unprotect_rtp(remote_sender.protect(rtp(number))) == rtp(number)


@profiles
def test_sources_have_indices_of_their_own(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    for ssrc in (1, 2, 3):
        assert receiver.unprotect_rtp(sender.protect_rtp(rtp(7, ssrc=ssrc))) == rtp(7, ssrc=ssrc)
        assert receiver.unprotect_rtcp(sender.protect_rtcp(rtcp(ssrc))) == rtcp(ssrc)


@profiles
def test_replays_are_rejected(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    protected, control = sender.protect_rtp(rtp(7)), sender.protect_rtcp(rtcp())
    receiver.unprotect_rtp(protected)
    receiver.unprotect_rtcp(control)
    with pytest.raises(SrtpError, match="replay"):
        receiver.unprotect_rtp(protected)
    with pytest.raises(SrtpError, match="replay"):
        receiver.unprotect_rtcp(control)


@profiles
def test_any_changed_byte_is_detected_and_changes_nothing(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    protected, control = sender.protect_rtp(rtp(7, csrcs=1, extension=bytes(4))), sender.protect_rtcp(rtcp())
    for position in range(len(protected)):
        with pytest.raises(SrtpError):
            receiver.unprotect_rtp(
                protected[:position] + bytes([protected[position] ^ 0x01]) + protected[position + 1 :]
            )
    for position in range(len(control)):
        with pytest.raises(SrtpError):
            receiver.unprotect_rtcp(control[:position] + bytes([control[position] ^ 0x01]) + control[position + 1 :])
    assert receiver.unprotect_rtp(protected) == rtp(7, csrcs=1, extension=bytes(4))
    assert receiver.unprotect_rtcp(control) == rtcp()


def test_packet_of_another_key_is_not_authentic() -> None:
    profile = SrtpProfile.AEAD_AES_128_GCM
    receiver = SrtpReceiver(profile, MasterKey(bytes(16), bytes(12)))
    sender, _ = _pair(profile)
    with pytest.raises(SrtpError, match="authentication"):
        receiver.unprotect_rtp(sender.protect_rtp(rtp(1)))


def test_packet_index_is_never_used_twice() -> None:
    sender, _ = _pair(SrtpProfile.AEAD_AES_128_GCM)
    sender.protect_rtp(rtp(2000))
    with pytest.raises(SrtpError, match="was used or is too old"):
        sender.protect_rtp(rtp(2000, b"something else"))
    with pytest.raises(SrtpError, match="was used or is too old"):
        sender.protect_rtp(rtp(2000 - 1024))
    assert sender.protect_rtp(rtp(1999))


def test_payload_is_protected_as_a_whole_packet_is() -> None:
    (one, _), (other, _) = _pair(SrtpProfile.AEAD_AES_128_GCM), _pair(SrtpProfile.AEAD_AES_128_GCM)
    packet = rtp(5, extension=bytes(8))
    assert one.protect_payload(packet[:24], packet[24:], SSRC, 5) == other.protect_rtp(packet)


def test_sources_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_SOURCES", 2)
    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    foreign, _ = _pair(SrtpProfile.AEAD_AES_128_GCM)
    for ssrc in (1, 2):
        sender.protect_rtp(rtp(1, ssrc=ssrc))
        sender.protect_rtcp(rtcp(ssrc))
        receiver.unprotect_rtp(foreign.protect_rtp(rtp(1, ssrc=ssrc)))
        receiver.unprotect_rtcp(foreign.protect_rtcp(rtcp(ssrc)))
    monkeypatch.setattr(session_module, "MAX_SOURCES", 3)
    third, third_control = foreign.protect_rtp(rtp(1, ssrc=3)), foreign.protect_rtcp(rtcp(3))
    monkeypatch.setattr(session_module, "MAX_SOURCES", 2)
    excesses: list[Callable[[], bytes]] = [
        lambda: sender.protect_rtp(rtp(1, ssrc=3)),
        lambda: sender.protect_rtcp(rtcp(3)),
        lambda: receiver.unprotect_rtp(third),
        lambda: receiver.unprotect_rtcp(third_control),
    ]
    for excess in excesses:
        with pytest.raises(SrtpError, match="more than 2 sources"):
            excess()


def test_indices_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_RTP_INDEX", 9)
    monkeypatch.setattr(session_module, "MAX_RTCP_INDEX", 0)
    sender, _ = _pair(SrtpProfile.AEAD_AES_128_GCM)
    sender.protect_rtcp(rtcp())
    with pytest.raises(SrtpError, match="all packet indices"):
        sender.protect_rtp(rtp(10))
    with pytest.raises(SrtpError, match="all SRTCP indices"):
        sender.protect_rtcp(rtcp())


@pytest.mark.parametrize(
    "packet",
    [b"", bytes(12), b"\x80" + bytes(10), b"\x81" + bytes(11), b"\x90" + bytes(11), b"\x90" + bytes(13) + b"\xff\xff"],
    ids=["empty", "version 0", "short", "CSRC missing", "extension missing", "extension cut off"],
)
def test_malformed_rtp_is_rejected(packet: bytes) -> None:
    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    with pytest.raises(SrtpError, match="RTP packet"):
        sender.protect_rtp(packet)
    with pytest.raises(SrtpError, match="RTP packet"):
        receiver.unprotect_rtp(packet)


@profiles
@given(data=st.binary(max_size=80))
def test_any_bytes_are_rejected_with_an_srtp_error(profile: SrtpProfile, data: bytes) -> None:
    _, receiver = _pair(profile)
    for unprotect in (receiver.unprotect_rtp, receiver.unprotect_rtcp):
        with pytest.raises(SrtpError):
            unprotect(data)


@profiles
def test_repeated_packet_is_the_same_packet(profile: SrtpProfile) -> None:
    sender, receiver = _pair(profile)
    sent = {number: sender.protect_rtp(rtp(number)) for number in (65_534, 65_535, 65_537)}
    for number, packet in sent.items():
        header, payload = rtp(number)[:12], rtp(number)[12:]
        assert sender.protect_again(header, payload, SSRC, number & 0xFFFF) == packet
        assert receiver.unprotect_rtp(packet) == rtp(number)
    assert sender.protect_again(rtp(65_536)[:12], b"", SSRC, 0) is None
    assert sender.protect_again(rtp(1)[:12], b"", SSRC + 1, 1) is None


@profiles
@given(packet=packets)
def test_received_packet_is_parsed(profile: SrtpProfile, packet: bytes) -> None:
    sender, receiver = _pair(profile)
    assert receiver.receive_rtp(sender.protect_rtp(packet)) == RtpPacket.parse(packet)


def test_malformed_padding_is_refused_after_authentication() -> None:
    sender, receiver = _pair(SrtpProfile.AEAD_AES_128_GCM)
    packet = bytearray(rtp(1, b"payload\x09"))
    packet[0] |= 0x20
    protected = sender.protect_rtp(bytes(packet))
    with pytest.raises(RtpError):
        receiver.receive_rtp(protected)
    with pytest.raises(SrtpError):
        receiver.receive_rtp(protected)  # a replay
