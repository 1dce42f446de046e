from __future__ import annotations

import base64
import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit.protocol import models, rtc
from livekit.signaling.join_request import (
    CLIENT_PROTOCOL,
    PROTOCOL_VERSION,
    Reconnect,
    SignalParameters,
    encode_join_request,
)

GZIP = rtc.WrappedJoinRequest.Compression.GZIP


def decode(value: str) -> rtc.JoinRequest:
    wrapped = rtc.WrappedJoinRequest.FromString(base64.urlsafe_b64decode(value))
    plain = gzip.decompress(wrapped.join_request) if wrapped.compression == GZIP else wrapped.join_request
    return rtc.JoinRequest.FromString(plain)


def test_join_has_client_info_and_offer() -> None:
    offer = rtc.SessionDescription(type="offer", sdp="v=0", id=1)
    request = SignalParameters(publisher_offer=offer).join_request()
    info = request.client_info
    assert (info.sdk, info.protocol, info.client_protocol) == (
        models.ClientInfo.SDK.PYTHON,
        PROTOCOL_VERSION,
        CLIENT_PROTOCOL,
    )
    assert list(info.capabilities) == [models.ClientInfo.Capability.CAP_COMPRESSION_DEFLATE_RAW]
    assert request.publisher_offer == offer
    assert request.connection_settings.auto_subscribe
    assert not request.reconnect


def test_resume_has_participant_sid_and_reason() -> None:
    reason = models.ReconnectReason.RR_SIGNAL_DISCONNECTED
    request = SignalParameters(reconnect=Reconnect(participant_sid="PA_1", reason=reason)).join_request()
    assert (request.reconnect, request.participant_sid, request.reconnect_reason) == (True, "PA_1", reason)
    assert not request.HasField("publisher_offer")


@given(sdp=st.text(max_size=5000))
def test_encoding_round_trips(sdp: str) -> None:
    request = SignalParameters(publisher_offer=rtc.SessionDescription(type="offer", sdp=sdp)).join_request()
    value = encode_join_request(request)
    assert len(value) % 4 == 0, "servers want the padding"
    assert decode(value) == request


@pytest.mark.parametrize(("sdp", "compressed"), [("", False), ("a=candidate\r\n" * 200, True)])
def test_request_is_compressed_only_if_that_is_shorter(sdp: str, compressed: bool) -> None:
    request = rtc.JoinRequest(publisher_offer=rtc.SessionDescription(sdp=sdp))
    wrapped = rtc.WrappedJoinRequest.FromString(base64.urlsafe_b64decode(encode_join_request(request)))
    assert (wrapped.compression == GZIP) is compressed
