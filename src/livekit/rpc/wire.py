"""RPC wire format: version 1 packets, version 2 text streams and our extensions (docs/wire.md). No I/O."""

from __future__ import annotations

import json
import os
import re
from typing import NamedTuple, cast

from livekit.protocol import models

from .errors import RpcError, error_to_proto

VERSION_1 = 1
VERSION_2 = 2
PROTOCOL_STREAM_RPC = 1
"""Lowest `client_protocol` of peers that accept calls as text streams (version 2)."""
PROTOCOL_INLINE_STREAMS = 2
"""Lowest `client_protocol` of peers that accept a stream's content inside its header packet."""

MAX_V1_PAYLOAD_BYTES = 15_360
"""UTF-8 bytes of a request or response in version 1."""
MAX_TIMEOUT_MS = 0xFFFFFFFF
"""Largest timeout that fits into a request."""
MAX_REQUEST_ID_LENGTH = 256
"""Characters; a UUID has 36. A longer id might not fit into every kind of answer."""

REQUEST_TOPIC = "lk.rpc_request"
RESPONSE_TOPIC = "lk.rpc_response"
ATTR_REQUEST_ID = "lk.rpc_request_id"
ATTR_METHOD = "lk.rpc_request_method"
ATTR_TIMEOUT_MS = "lk.rpc_request_response_timeout_ms"
ATTR_VERSION = "lk.rpc_request_version"

METHODS_METHOD = "livekit-pure.methods"
"""Method that the server itself calls to list a participant's methods; the response is a JSON list of names."""
CANCEL_REASON = "cancelled"
"""`reason` of the stream trailer that cancels a call."""
SERVER_ANNOUNCES_JOINS = "livekit-pure announce=immediate"
"""Flag in `ServerInfo.debug_info` of servers that announce each join without delay."""

_OUR_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-86c6-b001-[0-9a-f]{12}")


def new_request_id() -> str:
    """Return a UUIDv8 (RFC 9562, section 5.8) with our marker: 96 random bits around ``86c6-b001``."""
    bits = os.urandom(12).hex()
    return f"{bits[:8]}-{bits[8:12]}-86c6-b001-{bits[12:]}"


def is_our_request_id(request_id: str) -> bool:
    """Return True if the caller runs this SDK, which sends its exact timeout."""
    return _OUR_ID.fullmatch(request_id) is not None


class StreamRequest(NamedTuple):
    """The attributes of a version 2 request."""

    request_id: str
    method: str
    timeout_ms: int
    version: int


def request_attributes(request_id: str, method: str, timeout_ms: int) -> dict[str, str]:
    """Return the stream attributes of a version 2 request."""
    return {
        ATTR_REQUEST_ID: request_id,
        ATTR_METHOD: method,
        ATTR_TIMEOUT_MS: str(timeout_ms),
        ATTR_VERSION: str(VERSION_2),
    }


def parse_request_attributes(header: models.DataStream.Header) -> StreamRequest:
    """Parse the header of a version 2 request. Missing or non-numeric values get the official SDK's defaults."""
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
    """Return a version 1 request."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_request=models.RpcRequest(
            id=request_id, method=method, payload=payload, response_timeout_ms=timeout_ms, version=VERSION_1
        ),
    )


def ack_packet(destination: str, request_id: str) -> models.DataPacket:
    """Return an acknowledgement."""
    packet = models.DataPacket()  # assigning fields takes half the time of passing them to the constructor
    packet.destination_identities.append(destination)
    packet.rpc_ack.request_id = request_id
    return packet


def response_packet(destination: str, request_id: str, payload: str) -> models.DataPacket:
    """Return a version 1 success."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_response=models.RpcResponse(request_id=request_id, payload=payload),
    )


def error_packet(destination: str, request_id: str, error: RpcError) -> models.DataPacket:
    """Return a failure, a version 1 packet for requests of either version. Raises as `error_to_proto`."""
    return models.DataPacket(
        destination_identities=[destination],
        rpc_response=models.RpcResponse(request_id=request_id, error=error_to_proto(error)),
    )


def cancel_packet(destination: str, stream_id: str, request_id: str) -> models.DataPacket:
    """Return the cancel of a request: the native abort of its stream. Peers that do not know the stream ignore it."""
    return models.DataPacket(
        destination_identities=[destination],
        stream_trailer=models.DataStream.Trailer(
            stream_id=stream_id, reason=CANCEL_REASON, attributes={ATTR_REQUEST_ID: request_id}
        ),
    )


def parse_methods(response: str) -> list[str] | None:
    """Return the names in a response of `METHODS_METHOD`; None if it is not a list."""
    try:
        names: object = json.loads(response)
    except (ValueError, RecursionError):
        return None
    if not isinstance(names, list):
        return None
    return [name for name in cast("list[object]", names) if isinstance(name, str)]


def pretends_to_be_server(packet: models.DataPacket) -> bool:
    """Return True for a participant's request that names the participant as its id, as requests of servers do.

    Servers stamp the packets of participants with a sid, and send their own requests without one.
    """
    if not packet.participant_sid:
        return False
    sender = packet.participant_identity
    if packet.HasField("rpc_request"):
        return packet.rpc_request.id == sender
    header = packet.stream_header
    return header.topic == REQUEST_TOPIC and header.attributes.get(ATTR_REQUEST_ID) == sender


def cancelled_request_id(trailer: models.DataStream.Trailer) -> str | None:
    """Return the id of the request that a stream trailer cancels, None for any other trailer."""
    if trailer.reason != CANCEL_REASON:
        return None
    return trailer.attributes.get(ATTR_REQUEST_ID) or None
