"""Abridged media sections of real peers: the official SDKs (libwebrtc), a browser and a server."""

from __future__ import annotations

from tests.webrtc.descriptions import DATA_SECTION, TRANSPORT

_AUDIO_CODECS = (
    "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\n"
)
_AUDIO_EXTENSIONS = (
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
)
_VIDEO_EXTENSIONS = (
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n"
)


_VP8 = (
    "a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 ccm fir\r\n"
    "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\na=fmtp:96 x-google-start-bitrate=1000\r\n"
)


def _session(mids: str) -> str:
    return (
        "v=0\r\no=- 323243453144256273 4 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
        f"a=group:BUNDLE {mids}\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n"
    )


_DATA = DATA_SECTION.replace("a=mid:2", "a=mid:6")

SDK_OFFER = (
    _session("0 3 6 7 8")
    + f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n{TRANSPORT}a=mid:0\r\n{_AUDIO_EXTENSIONS}a=recvonly\r\n"
    + f"a=rtcp-mux\r\na=rtcp-rsize\r\n{_AUDIO_CODECS}"
    + f"m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109 114 98 99\r\n{TRANSPORT}a=mid:3\r\n{_VIDEO_EXTENSIONS}"
    + f"a=recvonly\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_VP8}a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    + "a=rtpmap:103 H264/90000\r\n"
    + "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:104 rtx/90000\r\n"
    + "a=fmtp:104 apt=103\r\na=rtpmap:109 H264/90000\r\n"
    + "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:114 rtx/90000\r\n"
    + "a=fmtp:114 apt=109\r\na=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=0\r\na=rtpmap:99 rtx/90000\r\n"
    + "a=fmtp:99 apt=98\r\n"
    + _DATA
    + f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n{TRANSPORT}a=mid:7\r\n{_AUDIO_EXTENSIONS}a=sendonly\r\n"
    + f"a=msid:- 2aba2bc8-2c78-48f3-ba8e-c7f07bfae21c\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_AUDIO_CODECS}"
    + "a=ssrc:1829603358 cname:RO7SKjEmLNiT6ogO\r\n"
    + "a=ssrc:1829603358 msid:- 2aba2bc8-2c78-48f3-ba8e-c7f07bfae21c\r\n"
    + f"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n{TRANSPORT}a=mid:8\r\n{_VIDEO_EXTENSIONS}a=sendonly\r\n"
    + f"a=msid:- a927cb95-6ec2-429a-8b3f-7b16d99cc017\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_VP8}"
    + "a=rid:f send\r\na=rid:h send\r\na=rid:q send\r\na=simulcast:send f;h;q\r\n"
)
"""The offer of the official Python and Node.js SDKs with one peer connection: an audio and a simulcast video track."""

BROWSER_AUDIO = (
    f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n{TRANSPORT}a=rtcp:9 IN IP4 0.0.0.0\r\n{_AUDIO_EXTENSIONS}a=mid:7\r\n"
    "a=msid:cba72637-74f5-4beb-8c68-18008da7da2b 7bb61ebf-4dcc-4c7d-8ff8-1255110363bb\r\na=sendonly\r\n"
    "a=ssrc:115568235 cname:uGUzkTqpKa5Y0d3x\r\n"
    "a=ssrc:115568235 msid:cba72637-74f5-4beb-8c68-18008da7da2b 7bb61ebf-4dcc-4c7d-8ff8-1255110363bb\r\n"
    f"a=rtcp-mux\r\na=rtcp-rsize\r\na=rtcp-xr:rcvr-rtt=all\r\n{_AUDIO_CODECS}"
)
"""A section of livekit-client in Chromium 156, in which a=msid has the id of the browser's stream."""
BROWSER_OFFER = _session("6 7") + _DATA + BROWSER_AUDIO

SERVER_OFFER = (
    _session("0 1 2")
    + DATA_SECTION.replace("a=mid:2", "a=mid:0")
    + f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8\r\n{TRANSPORT}a=mid:1\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_AUDIO_CODECS}"
    + "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n"
    + "a=ssrc:1580931257 cname:PA_coNs|TR_AMoGk9\r\na=ssrc:1580931257 msid:PA_coNs|TR_AMoGk9 TR_AMoGk9\r\n"
    + "a=ssrc:1580931257 mslabel:PA_coNs|TR_AMoGk9\r\na=ssrc:1580931257 label:TR_AMoGk9\r\n"
    + "a=msid:PA_coNs|TR_AMoGk9 TR_AMoGk9\r\na=sendrecv\r\n"
    + f"m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n{TRANSPORT}a=mid:2\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_VP8}"
    + "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
    + "a=extmap:1 https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension\r\n"
    + "a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    + "a=ssrc-group:FID 2043842281 2457761269\r\na=ssrc:2043842281 cname:PA_coNs|TR_VCmRLK\r\n"
    + "a=ssrc:2043842281 msid:PA_coNs|TR_VCmRLK TR_VCmRLK\r\na=ssrc:2457761269 cname:PA_coNs|TR_VCmRLK\r\n"
    + "a=ssrc:2457761269 msid:PA_coNs|TR_VCmRLK TR_VCmRLK\r\na=msid:PA_coNs|TR_VCmRLK TR_VCmRLK\r\na=sendrecv\r\n"
)
"""The offer of livekit-server 1.13.5 to a subscriber with two peer connections."""

SERVER_ANSWER = (
    _session("0 1 2")
    + f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8\r\n{TRANSPORT}a=mid:0\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_AUDIO_CODECS}"
    + f"{_AUDIO_EXTENSIONS}a=ssrc:1514813758 cname:PA_W82a|TR_AMyhYL\r\n"
    + "a=ssrc:1514813758 msid:PA_W82a|TR_AMyhYL TR_AMyhYL\r\na=ssrc:1514813758 mslabel:PA_W82a|TR_AMyhYL\r\n"
    + "a=msid:PA_W82a|TR_AMyhYL TR_AMyhYL\r\na=sendonly\r\n"
    + f"m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 8\r\n{TRANSPORT}a=mid:1\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{_AUDIO_CODECS}"
    + f"{_AUDIO_EXTENSIONS}a=sendonly\r\n"
    + DATA_SECTION
).replace("a=setup:actpass", "a=setup:active")
"""The answer of livekit-server 1.13.5 to an offer with two free sections, the first of which gets a track."""
