"""Packets of RPC calls, as peers send them."""

from __future__ import annotations

import zlib

from livekit.protocol import models
from livekit.rpc import wire
from livekit.rpc.errors import RpcError
from livekit.server.console.call_tracker import CallTracker
from livekit.server.console.tracked_call import TrackedCall

ROOM = "demo"


def request(
    to: str = "bob", *, call: str = "1", method: str = "add", payload: str = "", ms: int = 5000
) -> models.DataPacket:
    return wire.request_packet(to, call, method, payload, ms)


def ack(to: str = "alice", *, call: str = "1") -> models.DataPacket:
    return wire.ack_packet(to, call)


def response(to: str = "alice", *, call: str = "1", payload: str = "") -> models.DataPacket:
    return wire.response_packet(to, call, payload)


def failure(
    to: str = "alice", *, call: str = "1", code: int = 1500, message: str = "", data: str = ""
) -> models.DataPacket:
    return wire.error_packet(to, call, RpcError(code, message, data or None))


def stream(to: str, topic: str, stream_id: str, **attributes: str) -> models.DataPacket:
    """Return the header of a chunked stream."""
    header = models.DataStream.Header(stream_id=stream_id, topic=topic, attributes=attributes)
    header.text_header.SetInParent()
    return models.DataPacket(destination_identities=[to], stream_header=header)


def stream_request(to: str = "bob", *, call: str = "1", method: str = "add", ms: int = 5000) -> models.DataPacket:
    return stream(to, wire.REQUEST_TOPIC, f"in-{call}", **wire.request_attributes(call, method, ms))


def stream_response(to: str = "alice", *, call: str = "1") -> models.DataPacket:
    return stream(to, wire.RESPONSE_TOPIC, f"out-{call}", **{wire.ATTR_REQUEST_ID: call})


def inline(packet: models.DataPacket, content: bytes, *, deflated: bool = False) -> models.DataPacket:
    """Put the whole content of a stream into its header."""
    header = packet.stream_header
    header.total_length = len(content)
    header.inline_content = content
    if deflated:
        compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        header.inline_content = compressor.compress(content) + compressor.flush()
        header.compression = models.DataStream.CompressionType.DEFLATE_RAW
    return packet


def chunk(to: str, stream_id: str, content: bytes) -> models.DataPacket:
    piece = models.DataStream.Chunk(stream_id=stream_id, content=content)
    return models.DataPacket(destination_identities=[to], stream_chunk=piece)


def trailer(to: str, stream_id: str, reason: str = "") -> models.DataPacket:
    end = models.DataStream.Trailer(stream_id=stream_id, reason=reason)
    return models.DataPacket(destination_identities=[to], stream_trailer=end)


def encrypted_packet(to: str = "bob", size: int = 10) -> models.DataPacket:
    encrypted = models.EncryptedPacket(encrypted_value=b"x" * size)
    return models.DataPacket(destination_identities=[to], encrypted_packet=encrypted)


def feed(tracker: CallTracker, *packets: tuple[str, models.DataPacket], start: float = 0.0) -> None:
    """Feed packets and their senders, one per second."""
    for seconds, (sender, packet) in enumerate(packets):
        tracker.packet(ROOM, sender, packet, start + seconds)


def all_calls(tracker: CallTracker) -> list[TrackedCall]:
    return sorted(tracker.changed_since(0, 10_000), key=lambda call: call.number)


def only_call(tracker: CallTracker) -> TrackedCall:
    (call,) = all_calls(tracker)
    return call
