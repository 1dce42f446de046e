"""Properties of track publications."""

from __future__ import annotations

import asyncio

import pytest

from livekit import (
    EncryptionType,
    FrameMetadataFeature,
    LocalTrackPublication,
    LocalVideoTrack,
    RemoteTrackPublication,
    TrackKind,
    TrackSource,
    VideoQuality,
)
from livekit.enums import AudioTrackFeature
from livekit.errors import MediaNotBuiltError, SessionClosedError
from livekit.protocol import models

INFO = models.TrackInfo(
    sid="TR_1", name="cam", type=models.TrackType.VIDEO, source=models.TrackSource.SCREEN_SHARE, width=640,
    height=480, muted=True, simulcast=True, mime_type="video/vp8", encryption=models.Encryption.GCM,
    audio_features=[models.AudioTrackFeature.TF_STEREO],
    packet_trailer_features=[models.PacketTrailerFeature.PTF_USER_TIMESTAMP],
)  # fmt: skip


@pytest.mark.parametrize("kind", [LocalTrackPublication, RemoteTrackPublication])
def test_publication_has_the_announced_properties(
    kind: type[LocalTrackPublication] | type[RemoteTrackPublication],
) -> None:
    publication = kind(INFO)
    assert (publication.sid, publication.name, publication.kind) == ("TR_1", "cam", TrackKind.KIND_VIDEO)
    assert publication.source == TrackSource.SOURCE_SCREENSHARE
    assert (publication.width, publication.height) == (640, 480)
    assert (publication.muted, publication.simulcasted, publication.mime_type) == (True, True, "video/vp8")
    assert publication.encryption_type == EncryptionType.GCM
    assert publication.audio_features == [AudioTrackFeature.TF_STEREO]
    assert publication.frame_metadata_features == [FrameMetadataFeature.FMF_USER_TIMESTAMP]
    assert publication.track is None


def test_repr_names_the_track() -> None:
    assert repr(RemoteTrackPublication(INFO)) == "rtc.RemoteTrackPublication(sid=TR_1, name=cam, kind=2, source=3)"


def test_data_tracks_have_no_media_kind() -> None:
    assert LocalTrackPublication(models.TrackInfo(type=models.TrackType.DATA)).kind == TrackKind.KIND_UNKNOWN


def test_video_tracks_cannot_be_subscribed_to() -> None:
    publication = RemoteTrackPublication(INFO)
    publication.set_subscribed(False)
    assert not publication.subscribed
    with pytest.raises(MediaNotBuiltError, match="Subscribing"):
        publication.set_subscribed(True)
    with pytest.raises(MediaNotBuiltError, match="set_video_quality"):
        publication.set_video_quality(VideoQuality.VIDEO_QUALITY_LOW)


def test_audio_tracks_have_no_video_quality() -> None:
    publication = RemoteTrackPublication(models.TrackInfo(type=models.TrackType.AUDIO))
    with pytest.raises(ValueError, match="video"):
        publication.set_video_quality(VideoQuality.VIDEO_QUALITY_LOW)


async def test_waiting_for_the_first_subscription_ends_with_the_publication() -> None:
    publication = LocalTrackPublication(INFO)
    publication._track = object.__new__(LocalVideoTrack)
    waits = [asyncio.ensure_future(publication.wait_for_subscription()) for _ in range(2)]
    await asyncio.sleep(0)
    waits[0].cancel()
    publication._end()
    with pytest.raises(asyncio.CancelledError):
        await waits[0]
    with pytest.raises(SessionClosedError, match="unpublished"):
        await waits[1]
    with pytest.raises(SessionClosedError, match="unpublished"):
        await publication.wait_for_subscription()


async def test_first_subscription_is_remembered() -> None:
    publication = LocalTrackPublication(INFO)
    publication._track = object.__new__(LocalVideoTrack)
    wait = asyncio.ensure_future(publication.wait_for_subscription())
    await asyncio.sleep(0)
    publication._subscribed()
    await wait
    publication._end()
    await publication.wait_for_subscription()
