"""`livekit.rtc._proto` has the official SDK's enums, and the messages that programs and test suites build."""

from __future__ import annotations

import importlib
import sys

import pytest

from livekit import rtc
from livekit.rtc._proto import (
    e2ee_pb2,
    ffi_pb2,
    handle_pb2,
    participant_pb2,
    room_pb2,
    track_pb2,
    video_frame_pb2,
)
from tests.support.processes import output_of


def test_enum_values_are_module_attributes() -> None:
    assert room_pb2.CONN_CONNECTED == room_pb2.ConnectionState.Value("CONN_CONNECTED") == 1
    assert room_pb2.ConnectionQuality.Name(room_pb2.QUALITY_LOST) == "QUALITY_LOST"
    assert track_pb2.KIND_AUDIO == rtc.TrackKind.KIND_AUDIO
    assert participant_pb2.PARTICIPANT_KIND_AGENT == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    assert video_frame_pb2.VIDEO_SOURCE_ENCODED == 1


def test_owned_participant_round_trips() -> None:
    participant = participant_pb2.OwnedParticipant(
        handle=handle_pb2.FfiOwnedHandle(id=7),
        info=participant_pb2.ParticipantInfo(
            sid="PA_1",
            name="",
            identity="alice",
            state=participant_pb2.PARTICIPANT_STATE_ACTIVE,
            metadata="",
            attributes={"a": "b"},
            kind=participant_pb2.PARTICIPANT_KIND_STANDARD,
            disconnect_reason=participant_pb2.UNKNOWN_REASON,
            joined_at=0,
            client_protocol=0,
        ),
    )
    copy = participant_pb2.OwnedParticipant.FromString(participant.SerializeToString())
    assert copy.handle.id == 7
    assert dict(copy.info.attributes) == {"a": "b"}


def test_key_provider_options() -> None:
    options = e2ee_pb2.KeyProviderOptions(key_derivation_function=e2ee_pb2.HKDF, failure_tolerance=-1)
    assert (options.key_derivation_function, options.failure_tolerance) == (rtc.KeyDerivationFunction.HKDF, -1)


@pytest.mark.parametrize("name", ["FfiRequest", "FfiEvent"])
def test_absent_message_names_the_reason(name: str) -> None:
    with pytest.raises(AttributeError, match=f"'livekit.rtc._proto.ffi_pb2' has no attribute '{name}': .*native"):
        getattr(ffi_pb2, name)
    assert not hasattr(ffi_pb2, "__path__")


async def test_proto_modules_are_attributes() -> None:
    program = "from livekit import rtc; print(rtc._proto.track_pb2.KIND_VIDEO, hasattr(rtc._proto, 'no_pb2'))"
    assert await output_of(sys.executable, "-c", program) == (0, "2 False\n", "")


def test_absent_name_fails_to_import() -> None:
    with pytest.raises(ImportError):
        exec("from livekit.rtc._proto.rpc_pb2 import PerformRpcRequest")
    assert importlib.import_module("livekit.rtc._proto.rpc_pb2").__name__ == "livekit.rtc._proto.rpc_pb2"
