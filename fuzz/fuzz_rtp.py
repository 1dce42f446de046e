"""RTP, header extensions, RED, RTCP and SRTP: arbitrary packets raise only their own errors.

Run as `python -m fuzz.fuzz_rtp [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.mutate import Fuzzer, always
from livekit.webrtc.rtp.header_extensions import decode_extensions, encode_extensions
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.rtp.red import RedundantBlock, decode_red, encode_red
from livekit.webrtc.rtp.rtcp import (
    FullIntraRequest,
    Goodbye,
    Nack,
    PictureLossIndication,
    ReceiverEstimatedMaximumBitrate,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    decode_compound,
    encode_compound,
)
from livekit.webrtc.srtp import MasterKey, SrtpError, SrtpProfile, SrtpReceiver, SrtpSender

ALLOWED = (RtpError, SrtpError)
MASTER = MasterKey(bytes(16), bytes(14))
PROFILE = SrtpProfile.AES128_CM_HMAC_SHA1_80
receiver = SrtpReceiver(PROFILE, MASTER)


def _seeds() -> list[bytes]:
    payload = encode_red(b"new", [RedundantBlock(111, 960, b"old")], 63)
    profile, block = encode_extensions({1: b"\x8a", 4: b"7"})
    packet = RtpPacket(63, 1, 2, 3, payload, csrcs=(4, 5), extension_profile=profile, extension=block, padding_size=4)
    blocks = (ReportBlock(ssrc=1, cumulative_lost=-1),)
    control = encode_compound(
        [
            SenderReport(ssrc=1, ntp_timestamp=2, rtp_timestamp=3, packet_count=4, octet_count=5, blocks=blocks),
            ReceiverReport(ssrc=1, blocks=blocks),
            SourceDescription(((1, "cname"),)),
            Nack(sender_ssrc=1, media_ssrc=2, sequence_numbers=(1, 2, 30)),
            PictureLossIndication(sender_ssrc=1, media_ssrc=2),
            FullIntraRequest(sender_ssrc=1, requests=((2, 3),)),
            ReceiverEstimatedMaximumBitrate(sender_ssrc=1, bitrate=1_000_000, ssrcs=(2,)),
            Goodbye((1,)),
        ]
    )
    transport_wide = bytes.fromhex("8fcd00060000000100000002000a000300000205d20004fffc000000")
    sender = SrtpSender(PROFILE, MASTER)
    serialized = packet.serialize()
    return [serialized, control, transport_wide, payload, sender.protect_rtp(serialized), sender.protect_rtcp(control)]


SEEDS = _seeds()


def target(data: bytes) -> None:
    for decode in (decode_red, decode_compound, receiver.unprotect_rtp, receiver.unprotect_rtcp):
        try:
            decode(data)
        except ALLOWED:
            continue
    packet = RtpPacket.parse(data)
    decode_extensions(packet)
    if RtpPacket.parse(packet.serialize()) != packet:
        raise AssertionError("a parsed packet must survive a round trip")


FUZZER = Fuzzer("rtp", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
