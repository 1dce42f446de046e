"""Protobuf types of audio frames."""

from __future__ import annotations

from typing import NoReturn

from livekit._proto.absent import raise_for_absent
from livekit._proto.enums_pb2 import (
    AUDIO_SOURCE_NATIVE,
    AUDIO_SOURCE_PLATFORM,
    AUDIO_STREAM_HTML,
    AUDIO_STREAM_NATIVE,
    SOXR_DATATYPE_INT16I,
    SOXR_DATATYPE_INT16S,
    SOXR_DOUBLE_PRECISION,
    SOXR_HIGH_PREC_CLOCK,
    SOXR_QUALITY_HIGH,
    SOXR_QUALITY_LOW,
    SOXR_QUALITY_MEDIUM,
    SOXR_QUALITY_QUICK,
    SOXR_QUALITY_VERYHIGH,
    SOXR_ROLLOFF_MEDIUM,
    SOXR_ROLLOFF_NONE,
    SOXR_ROLLOFF_SMALL,
    SOXR_VR,
    AudioSourceType,
    AudioStreamType,
    SoxFlagBits,
    SoxQualityRecipe,
    SoxResamplerDataType,
)

__all__ = [
    "AUDIO_SOURCE_NATIVE",
    "AUDIO_SOURCE_PLATFORM",
    "AUDIO_STREAM_HTML",
    "AUDIO_STREAM_NATIVE",
    "SOXR_DATATYPE_INT16I",
    "SOXR_DATATYPE_INT16S",
    "SOXR_DOUBLE_PRECISION",
    "SOXR_HIGH_PREC_CLOCK",
    "SOXR_QUALITY_HIGH",
    "SOXR_QUALITY_LOW",
    "SOXR_QUALITY_MEDIUM",
    "SOXR_QUALITY_QUICK",
    "SOXR_QUALITY_VERYHIGH",
    "SOXR_ROLLOFF_MEDIUM",
    "SOXR_ROLLOFF_NONE",
    "SOXR_ROLLOFF_SMALL",
    "SOXR_VR",
    "AudioSourceType",
    "AudioStreamType",
    "SoxFlagBits",
    "SoxQualityRecipe",
    "SoxResamplerDataType",
]


def __getattr__(name: str) -> NoReturn:
    raise_for_absent(__name__, name)
