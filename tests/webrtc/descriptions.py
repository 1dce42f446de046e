"""Abridged session descriptions of real peers."""

from __future__ import annotations

FINGERPRINT = "fingerprint:sha-256 " + ":".join(f"{byte:02X}" for byte in range(32))
TRANSPORT = (
    "c=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:QbCv\r\n"
    "a=ice-pwd:YBkUdD7J4XgKh9POOWRvlxGC\r\n"
    "a=ice-options:trickle\r\n"
    f"a={FINGERPRINT}\r\n"
    "a=setup:actpass\r\n"
)
DATA_SECTION = (
    f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{TRANSPORT}a=mid:2\r\na=sctp-port:5000\r\n"
    "a=max-message-size:262144\r\n"
)
SINGLE_CONNECTION_OFFER = (
    "v=0\r\no=- 8697461495053838290 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "a=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
    f"m=audio 41057 UDP/TLS/RTP/SAVPF 111 63\r\n{TRANSPORT}"
    "a=candidate:2988416341 1 udp 2122260223 192.0.2.7 41057 typ host generation 0 network-id 1\r\n"
    "a=mid:0\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\n"
    f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n{TRANSPORT}a=mid:1\r\na=recvonly\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
) + DATA_SECTION
"""The offer in an official client's join request: media to receive, and data channels."""


def data_offer() -> str:
    """Return an offer of data channels only."""
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 2\r\n" + DATA_SECTION
