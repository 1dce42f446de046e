"""The codecs that sections accept from publishers and offer to subscribers, in order of preference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from livekit.protocol import models
from livekit.webrtc.media_interfaces import Codec, MediaKind
from livekit.webrtc.rtp.header_extensions import AUDIO_LEVEL_URI

from .track_info import is_red_enabled

__all__ = ["EXTENSIONS", "published_codecs", "subscribed_codecs"]

EXTENSIONS: Final[dict[MediaKind, tuple[str, ...]]] = {MediaKind.AUDIO: (AUDIO_LEVEL_URI,), MediaKind.VIDEO: ()}
"""Header extensions to accept besides those that identify streams; also in sections that are not in use, since
libwebrtc does not offer an extension again that an answer has left out."""

OPUS: Final = Codec(
    payload_type=111, name="opus", clock_rate=48_000, channels=2, parameters="minptime=10;useinbandfec=1"
)
RED: Final = Codec(payload_type=63, name="red", clock_rate=48_000, channels=2, parameters="111/111")
STEREO_BITRATE: Final = 510_000
"""Bits per second that a publisher of stereo may use: the most that Opus has (RFC 7587 section 6.1)."""
_PUBLISHER_FEEDBACK: Final = ("goog-remb", "ccm fir", "nack", "nack pli")
_SUBSCRIBER_FEEDBACK: Final = ("ccm fir", "nack", "nack pli")


def _video(payload_type: int, name: str, parameters: str = "") -> Codec:
    return Codec(payload_type=payload_type, name=name, clock_rate=90_000, parameters=parameters)


_H264: Final = "level-asymmetry-allowed=1;packetization-mode={};profile-level-id={}"
_VIDEO: Final = (
    _video(96, "VP8"),
    _video(98, "VP9", "profile-id=0"),
    _video(125, "H264", _H264.format(1, "42e01f")),
    _video(108, "H264", _H264.format(0, "42e01f")),
    _video(123, "H264", _H264.format(1, "640032")),
    _video(127, "H264", _H264.format(1, "42001f")),
    _video(39, "H264", _H264.format(0, "42001f")),
    _video(116, "H265", "level-id=180;profile-id=1;tier-flag=0;tx-mode=SRST"),
    _video(35, "AV1"),
)
"""With the payload types of offers to subscribers."""


def published_codecs(info: models.TrackInfo | None, kind: MediaKind) -> Sequence[Codec]:
    """Return the codecs to accept from the publisher of a track; `info` is None if the track is not known yet."""
    if kind is MediaKind.AUDIO:
        opus = OPUS if info is None else replace(OPUS, parameters=OPUS.parameters + _opus_parameters(info))
        return (RED, opus) if info is None or is_red_enabled(info) else (opus, RED)
    codecs = [replace(codec, feedback=_PUBLISHER_FEEDBACK) for codec in _VIDEO]
    preferred = info.codecs[0].mime_type if info is not None and info.codecs else ""
    return sorted(codecs, key=lambda codec: f"video/{codec.name}".lower() != preferred.lower())


def subscribed_codecs(info: models.TrackInfo) -> Sequence[Codec]:
    """Return the codecs to send a track with."""
    if info.type == models.TrackType.AUDIO:
        is_red = info.mime_type.lower() == "audio/red"
        stereo = ";stereo=1;sprop-stereo=1" if models.AudioTrackFeature.TF_STEREO in info.audio_features else ""
        opus = replace(OPUS, parameters=OPUS.parameters + stereo)
        return (RED, opus) if is_red else (opus,)
    same = [codec for codec in _VIDEO if f"video/{codec.name}".lower() == info.mime_type.lower()]
    return [replace(codec, feedback=_SUBSCRIBER_FEEDBACK) for codec in same]


def _opus_parameters(info: models.TrackInfo) -> str:
    dtx = "" if models.AudioTrackFeature.TF_NO_DTX in info.audio_features else ";usedtx=1"
    is_stereo = models.AudioTrackFeature.TF_STEREO in info.audio_features
    return dtx + (f";stereo=1;maxaveragebitrate={STEREO_BITRATE}" if is_stereo else "")
