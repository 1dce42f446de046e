"""Media sections: any offer and answer is applied or rejected with SdpError, and an answer describes all sections.

Run as `python -m fuzz.fuzz_media [COUNT] [SEED]`.
"""

from __future__ import annotations

from fuzz.fuzz_sdp import LOCAL
from fuzz.mutate import Fuzzer, always
from livekit.webrtc.media_interfaces import Codec, Direction, MediaKind, MediaStreamId
from livekit.webrtc.media_negotiation import MediaNegotiation
from livekit.webrtc.negotiation import describe
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI
from livekit.webrtc.rtp.packet import RtpError, RtpPacket
from livekit.webrtc.sdp import SdpError, SessionDescription
from livekit.webrtc.stream_router import StreamRouter
from tests.webrtc.media_descriptions import BROWSER_OFFER, SDK_OFFER, SERVER_ANSWER, SERVER_OFFER
from tests.webrtc.recording_sender import RecordingSender

ALLOWED = (SdpError,)
SEEDS = [text.encode() for text in (SDK_OFFER, BROWSER_OFFER, SERVER_OFFER, SERVER_ANSWER)]
OPUS = Codec(payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10")
VP8 = Codec(payload_type=96, name="VP8", clock_rate=90_000, feedback=("nack", "nack pli"))


def _answer(description: SessionDescription) -> None:
    media = MediaNegotiation(RecordingSender())
    mids = description.bundled_mids()
    media.receive_offer(description.media, mids)
    for number, transceiver in enumerate(media.transceivers):
        transceiver.direction = list(Direction)[number % 4]
        transceiver.stream_id = MediaStreamId("stream", "track")
        if number % 3:
            transceiver.codecs, transceiver.extensions = [OPUS, VP8], [AUDIO_LEVEL_URI]
    answer = describe(description.media, LOCAL, session_id=1, version=1, bundle=mids, media=media.answer())
    if len(SessionDescription.parse(str(answer)).media) != len(description.media):
        raise AssertionError("an answer must have as many m-lines as its offer")
    media.add(MediaKind.AUDIO, Direction.SENDONLY, [OPUS])
    media.add_sections(description.media)
    media.offered_sections()
    router = StreamRouter()
    router.update(media.transceivers)
    for data in (b"\x90\x6f" + bytes(10) + b"\xbe\xde\0\1\x40\x37\0\0", str(answer).encode()):
        try:
            router.route(RtpPacket.parse(data))
        except RtpError:
            continue


def target(data: bytes) -> None:
    description = SessionDescription.parse(data.decode("utf-8", "replace"))
    try:
        _answer(description)
    except ALLOWED:
        """Also try it as an answer."""
    offerer = MediaNegotiation(RecordingSender())
    for kind, codec in ((MediaKind.AUDIO, OPUS), (MediaKind.AUDIO, OPUS), (MediaKind.VIDEO, VP8)):
        offerer.add(kind, Direction.SENDRECV, [codec], [AUDIO_LEVEL_URI])
    offered = SessionDescription.parse(SERVER_ANSWER).media
    offerer.add_sections([])
    offerer.receive_answer(offered, description.media)


FUZZER = Fuzzer("media", SEEDS, ALLOWED, always(target))

if __name__ == "__main__":
    FUZZER.main()
