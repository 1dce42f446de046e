"""Session descriptions: any text is parsed or rejected with SdpError; serializing and parsing again changes nothing.

Run as `python -m fuzz.fuzz_sdp [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.mutate import Fuzzer, always
from livekit.webrtc.certificate import Fingerprint
from livekit.webrtc.ice import Credentials
from livekit.webrtc.negotiation import LocalParameters, describe, read_remote
from livekit.webrtc.sdp import SdpError, SessionDescription

ALLOWED = (SdpError,)

TRANSPORT = (
    "c=IN IP4 0.0.0.0\r\na=ice-ufrag:QbCv\r\na=ice-pwd:YBkUdD7J4XgKh9POOWRvlxGC\r\na=setup:actpass\r\n"
    "a=fingerprint:sha-256 AB:CD:EF\r\na=candidate:1 1 udp 2122260223 192.0.2.7 41057 typ host ufrag QbCv\r\n"
)
SEEDS = [
    (
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n"
        f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n{TRANSPORT}a=mid:0\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n"
        f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{TRANSPORT}a=mid:1\r\na=sctp-port:5000\r\n"
        "a=max-message-size:262144\r\na=end-of-candidates\r\n"
    ).encode()
]
LOCAL = LocalParameters(
    credentials=Credentials(ufrag="ours", password="p" * 24),
    fingerprint=Fingerprint("sha-256", "AB:CD"),
    setup="active",
    candidates=[],
    end_of_candidates=True,
    max_message_size=65_536,
)


def target(data: bytes) -> None:
    description = SessionDescription.parse(data.decode("utf-8", "replace"))
    again = SessionDescription.parse(str(description))
    if str(again) != str(description):
        raise AssertionError("serializing and parsing changed a description")
    read_remote(description, is_offer=True)
    answer = describe(description.media, LOCAL, session_id=1, version=1, bundle=description.bundled_mids())
    if len(SessionDescription.parse(str(answer)).media) != len(description.media):
        raise AssertionError("an answer must have as many m-lines as its offer")


FUZZER = Fuzzer("sdp", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
