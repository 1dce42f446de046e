"""RPC on the wire: packets of version 1, text streams of version 2, and our own marks (docs/wire.md)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from livekit.protocol import models

from .errors import RpcError

VERSION_1 = 1
VERSION_2 = 2
PROTOCOL_STREAM_RPC = 1
"""`client_protocol` from which a peer takes calls as text streams (version 2)."""
PROTOCOL_INLINE_STREAMS = 2
"""`client_protocol` from which a peer takes a stream's content inside its header packet."""

MAX_V1_PAYLOAD_BYTES = 15_360
"""UTF-8 bytes of a request or response in version 1."""
MAX_TIMEOUT_MS = 0xFFFFFFFF
"""What a request can tell at most."""
MAX_REQUEST_ID_LENGTH = 256
"""Characters; UUIDs have 36. What is longer could not be answered in every form."""

REQUEST_TOPIC = "lk.rpc_request"
RESPONSE_TOPIC = "lk.rpc_response"
ATTR_REQUEST_ID = "lk.rpc_request_id"
ATTR_METHOD = "lk.rpc_request_method"
ATTR_TIMEOUT_MS = "lk.rpc_request_response_timeout_ms"
ATTR_VERSION = "lk.rpc_request_version"

METHODS_METHOD = "livekit-pure.methods"
"""By this method the server itself asks which methods somebody offers; the answer is a list of names, as JSON."""
CANCEL_REASON = "cancelled"
"""`reason` of the stream trailer that cancels a call."""
SERVER_ANNOUNCES_JOINS = "livekit-pure announce=immediate"
"""In `ServerInfo.debug_info` of servers that announce every join at once."""

_OUR_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-86c6-b001-[0-9a-f]{12}")


def new_request_id() -> str:
    """A UUIDv8 (RFC 9562 section 5.8) with our marker: 96 random bits around ``86c6-b001``."""
    bits = os.urandom(12).hex()
    return f"{bits[:8]}-{bits[8:12]}-86c6-b001-{bits[12:]}"


def is_our_request_id(request_id: str) -> bool:
    """Whether the caller is this SDK, whose told deadline is exact."""
    return _OUR_ID.fullmatch(request_id) is not None


class StreamRequest(NamedTuple):
    """The attributes of a version 2 request."""

    request_id: str
    method: str
    timeout_ms: int
    version: int


def request_attributes(request_id: str, method: str, timeout_ms: int) -> dict[str, str]:
    return {
        ATTR_REQUEST_ID: request_id,
        ATTR_METHOD: method,
        ATTR_TIMEOUT_MS: str(timeout_ms),
        ATTR_VERSION: str(VERSION_2),
    }


def parse_request_attributes(header: models.DataStream.Header) -> StreamRequest:
    """Read a request's header. What is missing or no number becomes what official peers assume."""
    attributes = header.attributes
    timeout = attributes.get(ATTR_TIMEOUT_MS, "")
    version = attributes.get(ATTR_VERSION, "")
    return StreamRequest(
        attributes.get(ATTR_REQUEST_ID, ""),
        attributes.get(ATTR_METHOD, ""),
        int(timeout) if timeout.isdecimal() and len(timeout) < 16 else 15_000,
        int(version) if version.isdecimal() and len(version) < 10 else 0,
    )


def request_packet(destination: str, request_id: str, method: str, payload: str, timeout_ms: int) -> models.DataPacket:
    """A version 1 request."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_request=models.RpcRequest(
            id=request_id, method=method, payload=payload, response_timeout_ms=timeout_ms, version=VERSION_1
        ),
    )


def ack_packet(destination: str, request_id: str) -> models.DataPacket:
    packet = models.DataPacket()  # filled in place: half the time of a constructor's arguments
    packet.destination_identities.append(destination)
    packet.rpc_ack.request_id = request_id
    return packet


def response_packet(destination: str, request_id: str, payload: str) -> models.DataPacket:
    """A version 1 success."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_response=models.RpcResponse(request_id=request_id, payload=payload),
    )


def error_packet(destination: str, request_id: str, error: RpcError) -> models.DataPacket:
    """A failure, which is a version 1 packet whatever the request's version. Raises what `RpcError._to_proto` does."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_response=models.RpcResponse(request_id=request_id, error=error._to_proto()),
    )


def cancel_packet(destination: str, stream_id: str, request_id: str) -> models.DataPacket:
    """Tell the callee that the caller gave up: the native abort of the request's stream. Peers that do not know the
    stream ignore it."""
    return models.DataPacket(
        destination_identities=[destination],
        stream_trailer=models.DataStream.Trailer(
            stream_id=stream_id, reason=CANCEL_REASON, attributes={ATTR_REQUEST_ID: request_id}
        ),
    )


def cancelled_request_id(trailer: models.DataStream.Trailer) -> str | None:
    """The request that a stream trailer cancels, or None if it is another kind of trailer."""
    if trailer.reason != CANCEL_REASON:
        return None
    return trailer.attributes.get(ATTR_REQUEST_ID) or None
