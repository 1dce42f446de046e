"""Descriptions of tracks, as livekit-server 1.13.5 makes them."""

from __future__ import annotations

import pytest

from livekit.protocol import models, rtc
from livekit.server.media.track_info import is_red_enabled, new_track_info

AUDIO, VIDEO = models.TrackType.AUDIO, models.TrackType.VIDEO
Source = models.TrackSource


def info(**fields: object) -> models.TrackInfo:
    return new_track_info(rtc.AddTrackRequest(cid="c", **fields), lambda prefix: f"{prefix}1")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "source", "sid", "stream"),
    [
        (AUDIO, Source.UNKNOWN, "TR_A1", "unknown"),
        (AUDIO, Source.MICROPHONE, "TR_AM1", "camera"),
        (AUDIO, Source.SCREEN_SHARE_AUDIO, "TR_As1", "screen"),
        (VIDEO, Source.UNKNOWN, "TR_V1", "unknown"),
        (VIDEO, Source.CAMERA, "TR_VC1", "camera"),
        (VIDEO, Source.SCREEN_SHARE, "TR_VS1", "screen"),
    ],
)
def test_sid_and_stream_follow_kind_and_source(
    kind: models.TrackType, source: models.TrackSource, sid: str, stream: str
) -> None:
    made = info(type=kind, source=source)
    assert (made.sid, made.stream) == (sid, stream)
    assert info(type=kind, source=source, stream="own").stream == "own"


def test_audio_without_codecs() -> None:
    made = info(stereo=True, disable_dtx=True, audio_features=[models.TF_STEREO, models.TF_ECHO_CANCELLATION])
    assert list(made.audio_features) == [models.TF_STEREO, models.TF_ECHO_CANCELLATION, models.TF_NO_DTX]
    assert made.backup_codec_policy == models.BackupCodecPolicy.SIMULCAST
    assert [(codec.cid, codec.mime_type) for codec in made.codecs] == [("c", "")]


def test_video_with_codecs_and_layers() -> None:
    layers = [models.VideoLayer(quality=models.MEDIUM, width=640), models.VideoLayer(quality=models.LOW, width=320)]
    codecs = [rtc.SimulcastCodec(codec=name, cid="v") for name in ("vp8", "vp8", "video/AV1", "")]
    made = info(type=VIDEO, width=640, height=480, layers=layers, simulcast_codecs=codecs)
    assert [layer.width for layer in made.layers] == [320, 640]
    assert [(codec.mime_type, codec.cid) for codec in made.codecs] == [("video/vp8", "v"), ("video/AV1", "v")]
    assert [codec.video_layer_mode for codec in made.codecs] == [1, 2]
    assert made.simulcast
    scalable = info(type=VIDEO, layers=layers, simulcast_codecs=[rtc.SimulcastCodec(codec="vp9")])
    assert not scalable.simulcast


def test_redundancy_is_on_unless_it_is_declined() -> None:
    assert is_red_enabled(info())
    assert not is_red_enabled(info(disable_red=True))
    assert not is_red_enabled(info(simulcast_codecs=[rtc.SimulcastCodec(codec="opus")]))
