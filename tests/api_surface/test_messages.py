"""Enums and messages are protobuf types, as in the official SDK."""

from __future__ import annotations

import pickle

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import EncodeError

from livekit import rtc
from livekit.messages import RoomInfo
from livekit.stats import DataChannelState, DataChannelStats, OutboundRtpStreamStats, RtcStats, RtcStatsData


def test_enums_are_ints_with_names() -> None:
    assert rtc.TrackSource.SOURCE_MICROPHONE == 2
    assert type(rtc.TrackSource.SOURCE_MICROPHONE) is int
    assert rtc.TrackSource.Name(rtc.TrackSource.SOURCE_SCREENSHARE) == "SOURCE_SCREENSHARE"
    assert rtc.TrackSource.Value("SOURCE_CAMERA") == rtc.TrackSource.SOURCE_CAMERA
    assert dict(rtc.EncryptionType.items()) == {"NONE": 0, "GCM": 1, "CUSTOM": 2}
    assert rtc.StreamState.keys() == ["STATE_UNKNOWN", "STATE_ACTIVE", "STATE_PAUSED"]


def test_publish_options_have_the_official_bytes() -> None:
    encoding = rtc.VideoEncoding(max_bitrate=1_000_000, max_framerate=30)
    options = rtc.TrackPublishOptions(
        source=rtc.TrackSource.SOURCE_CAMERA,
        video_encoding=encoding,
        video_codec=rtc.VideoCodec.VP9,
        frame_metadata_features=[rtc.FrameMetadataFeature.FMF_FRAME_ID],
        degradation_preference=rtc.DegradationPreference.BALANCED,
    )
    assert options.HasField("source")
    assert not options.HasField("red")
    again = rtc.TrackPublishOptions()
    again.CopyFrom(options)
    assert again == rtc.TrackPublishOptions.FromString(options.SerializeToString())
    assert again.video_encoding.max_framerate == 30
    assert options.SerializeToString() == bytes.fromhex("0a0d08c0843d110000000000003e401803380150016800")


def test_required_fields_are_required() -> None:
    with pytest.raises(EncodeError, match="max_framerate"):
        rtc.VideoEncoding(max_bitrate=1).SerializeToString()
    assert not RoomInfo(name="x").IsInitialized()
    assert rtc.FrameMetadata().IsInitialized()


def test_ice_servers_and_permissions_round_trip() -> None:
    server = rtc.IceServer(urls=["turn:example.org"], username="u", password="p")
    assert list(server.urls) == ["turn:example.org"]
    permission = rtc.ParticipantTrackPermission(participant_identity="x", allow_all=True, allowed_track_sids=["TR_1"])
    assert rtc.ParticipantTrackPermission.FromString(permission.SerializeToString()) == permission


def test_statistics_have_oneofs_and_maps() -> None:
    stats = RtcStats(
        data_channel=RtcStats.DataChannel(
            rtc=RtcStatsData(id="1", timestamp=5), dc=DataChannelStats(label="x", state=DataChannelState.DC_OPEN)
        )
    )
    assert stats.WhichOneof("stats") == "data_channel"
    assert rtc.stats.RtcStats is RtcStats
    durations = OutboundRtpStreamStats(quality_limitation_durations={"cpu": 1.5}).quality_limitation_durations
    assert durations["cpu"] == 1.5


def test_types_are_in_a_private_pool() -> None:
    assert RtcStats.DESCRIPTOR.full_name == "livekit.proto.RtcStats"
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("livekit.proto.RtcStats")


def test_messages_pickle() -> None:
    server = rtc.IceServer(urls=["turn:example.org"])
    assert pickle.loads(pickle.dumps(server)) == server
    assert RtcStats.DataChannel.__module__ == RtcStats.__module__
