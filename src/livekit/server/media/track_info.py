"""The description of a track, from the request to publish it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from livekit.protocol import models, rtc

__all__ = ["is_red_enabled", "new_track_info"]

_TrackSource = models.TrackSource
_Feature = models.AudioTrackFeature
_STREAMS: Final = {
    _TrackSource.CAMERA: "camera",
    _TrackSource.MICROPHONE: "camera",
    _TrackSource.SCREEN_SHARE: "screen",
    _TrackSource.SCREEN_SHARE_AUDIO: "screen",
}
"""Names of the streams that clients synchronize the tracks of."""
_SID_PREFIXES: Final = {models.TrackType.AUDIO: "TR_A", models.TrackType.VIDEO: "TR_V"}
_SOURCE_LETTERS: Final = {
    _TrackSource.CAMERA: "C",
    _TrackSource.MICROPHONE: "M",
    _TrackSource.SCREEN_SHARE: "S",
    _TrackSource.SCREEN_SHARE_AUDIO: "s",
}
_SCALABLE: Final = frozenset({"video/vp9", "video/av1"})
"""Codecs with several layers in one stream (SVC)."""


def new_track_info(request: rtc.AddTrackRequest, new_sid: Callable[[str], str]) -> models.TrackInfo:
    """Return the info of a new track as livekit-server 1.13.5 has it before the codec is negotiated."""
    info = models.TrackInfo(
        sid=new_sid(_sid_prefix(request)),
        type=request.type,
        name=request.name,
        width=request.width,
        height=request.height,
        muted=request.muted,
        disable_dtx=request.disable_dtx,
        source=request.source,
        layers=_by_quality(request.layers),
        disable_red=request.disable_red,
        stereo=request.stereo,
        encryption=request.encryption,
        stream=request.stream or _STREAMS.get(request.source, "unknown"),
        backup_codec_policy=_backup_codec_policy(request),
        audio_features=_audio_features(request),
        packet_trailer_features=dict.fromkeys(request.packet_trailer_features),
    )
    info.codecs.extend(_codecs(request))
    primary = info.codecs[0] if request.simulcast_codecs and info.codecs else None
    if primary is not None:
        is_scalable = primary.video_layer_mode == models.VideoLayer.MULTIPLE_SPATIAL_LAYERS_PER_STREAM
        info.simulcast = len(primary.layers) > 1 and not is_scalable
    return info


def is_red_enabled(info: models.TrackInfo) -> bool:
    """Return whether the publisher of an audio track may send it with redundancy (RFC 2198)."""
    if info.codecs and info.codecs[0].mime_type:
        return info.codecs[0].mime_type.lower() == "audio/red"
    return not info.disable_red


def _sid_prefix(request: rtc.AddTrackRequest) -> str:
    return _SID_PREFIXES[request.type] + _SOURCE_LETTERS.get(request.source, "")


def _backup_codec_policy(request: rtc.AddTrackRequest) -> models.BackupCodecPolicy:
    policy = request.backup_codec_policy
    if request.type == models.TrackType.AUDIO and policy != models.BackupCodecPolicy.REGRESSION:
        return models.BackupCodecPolicy.SIMULCAST
    return policy


def _audio_features(request: rtc.AddTrackRequest) -> list[models.AudioTrackFeature]:
    features = dict.fromkeys(request.audio_features)
    if request.stereo:
        features[_Feature.TF_STEREO] = None
    if request.disable_dtx:
        features[_Feature.TF_NO_DTX] = None
    return list(features)


def _codecs(request: rtc.AddTrackRequest) -> Iterable[models.SimulcastCodecInfo]:
    if not request.simulcast_codecs:
        yield models.SimulcastCodecInfo(
            cid=request.cid,
            layers=_by_quality(request.layers),
            video_layer_mode=models.VideoLayer.ONE_SPATIAL_LAYER_PER_STREAM,
        )
        return
    seen: set[str] = set()
    for codec in request.simulcast_codecs:
        mime_type = _mime_type(codec.codec, request.type)
        if mime_type and mime_type not in seen:
            seen.add(mime_type)
            yield models.SimulcastCodecInfo(
                mime_type=mime_type,
                cid=codec.cid,
                layers=_by_quality(codec.layers or request.layers),
                video_layer_mode=codec.video_layer_mode or _layer_mode(mime_type, request.type),
            )


def _mime_type(codec: str, kind: models.TrackType) -> str:
    prefix = "audio/" if kind == models.TrackType.AUDIO else "video/"
    return codec if not codec or codec.lower().startswith(prefix) else prefix + codec


def _layer_mode(mime_type: str, kind: models.TrackType) -> models.VideoLayer.Mode:
    if kind != models.TrackType.VIDEO:
        return models.VideoLayer.MODE_UNUSED
    if mime_type.lower() in _SCALABLE:
        return models.VideoLayer.MULTIPLE_SPATIAL_LAYERS_PER_STREAM
    return models.VideoLayer.ONE_SPATIAL_LAYER_PER_STREAM


def _by_quality(layers: Iterable[models.VideoLayer]) -> list[models.VideoLayer]:
    return sorted(layers, key=lambda layer: layer.quality)
