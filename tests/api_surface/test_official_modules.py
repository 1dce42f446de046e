"""Each module of the official package imports from this one."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

from livekit.rtc import ConnectionQuality
from livekit.rtc._utils import BroadcastQueue

# Modules of livekit 1.2.1; `resources` holds its native library.
MODULES = [
    "_ffi_client",
    "_utils",
    "apm",
    "audio_filter",
    "audio_frame",
    "audio_mixer",
    "audio_resampler",
    "audio_source",
    "audio_stream",
    "data_stream",
    "data_track",
    "e2ee",
    "encoded_video",
    "event_emitter",
    "frame_processor",
    "jupyter",
    "log",
    "media_devices",
    "participant",
    "platform_audio",
    "room",
    "rpc",
    "synchronizer",
    "track",
    "track_publication",
    "transcription",
    "utils",
    "version",
    "video_frame",
    "video_source",
    "video_stream",
]
PROTO_MODULES = [
    "audio_frame",
    "capture",
    "data_stream",
    "data_track",
    "e2ee",
    "ffi",
    "handle",
    "participant",
    "room",
    "rpc",
    "stats",
    "track",
    "track_publication",
    "video_frame",
]


@pytest.mark.parametrize("name", MODULES)
def test_module_imports(name: str) -> None:
    assert importlib.import_module(f"livekit.rtc.{name}") is getattr(importlib.import_module("livekit.rtc"), name)


@pytest.mark.parametrize("name", PROTO_MODULES)
def test_protobuf_module_imports(name: str) -> None:
    module = importlib.import_module(f"livekit.rtc._proto.{name}_pb2")
    assert getattr(importlib.import_module("livekit.rtc._proto"), f"{name}_pb2") is module


# Public attributes of each module, but for what it imports from the standard library and protobuf.
ATTRIBUTES: dict[str, str] = json.loads(Path(__file__).with_name("official_modules.json").read_text())
NATIVE_LIBRARY = {"FfiClient", "FfiHandle", "INVALID_HANDLE", "get_address", "get_ffi_lib", "to_python_level"}
INTERNAL_HELPERS = {"Queue", "RingQueue", "classproperty", "generate_random_base62", "split_utf8", "task_done_logger"}
# Tuning constants of the official implementation.
CONSTANTS = {"BLOCKSIZE", "DEFAULT_CHANNELS", "DEFAULT_SAMPLE_RATE", "FRAME_SAMPLES", "STREAM_CHUNK_SIZE"}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_module_has_the_official_attributes(name: str) -> None:
    module = importlib.import_module(f"livekit.rtc.{name}")
    absent = {attribute for attribute in ATTRIBUTES[name].split() if not hasattr(module, attribute)}
    assert absent <= NATIVE_LIBRARY | INTERNAL_HELPERS | CONSTANTS


def test_unknown_connection_quality() -> None:
    convert = importlib.import_module("livekit.rtc.participant")._connection_quality_from_proto
    assert [convert(2), convert(99)] == [ConnectionQuality.QUALITY_EXCELLENT, ConnectionQuality.QUALITY_UNKNOWN]


async def test_broadcast_queue_copies_to_subscribers() -> None:
    broadcast = BroadcastQueue[int]()
    first, second = broadcast.subscribe(), broadcast.subscribe()
    broadcast.put_nowait(1)
    assert (first.get_nowait(), second.get_nowait(), broadcast.len_subscribers()) == (1, 1, 2)
    first.task_done()
    broadcast.unsubscribe(second)
    await broadcast.join()
    with pytest.raises(ValueError, match="not subscribed"):
        broadcast.unsubscribe(second)
