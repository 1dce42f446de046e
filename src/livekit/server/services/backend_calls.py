"""`PerformRpc`: the server calls a participant's method on behalf of a backend.

The call itself is that of :mod:`livekit.rpc`. As with LiveKit server, the participant sees the request ID as the
caller's identity; no participant of that identity is in the room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping

from livekit.engine.interfaces import RELIABLE, PacketStream, SendOptions
from livekit.options import RpcOptions
from livekit.protocol import models
from livekit.protocol import room as room_pb
from livekit.rpc import RpcError, wire
from livekit.rpc.client import RpcClient
from livekit.rpc.errors import built_in_error
from livekit.rpc.invocation import RpcCallInfo
from livekit.rpc.peer_info import ABSENT, PeerInfo
from livekit.server import limits
from livekit.server.events import ParticipantJoined, ParticipantLeft, RoomEvent
from livekit.server.forwarding import send
from livekit.server.participant import Participant, State
from livekit.server.responses import DisconnectReason
from livekit.server.room import Room
from livekit.server.room_manager import RoomManager
from livekit.streams.reassembly import StreamReassembler

from . import access
from .twirp import TwirpError

DEFAULT_RESPONSE_TIMEOUT = 10.0
"""Timeout in seconds of requests without one."""

_Code = RpcError.ErrorCode
_TWIRP_CODES: Mapping[int, str] = {
    _Code.CONNECTION_TIMEOUT: "canceled",
    _Code.RESPONSE_TIMEOUT: "canceled",
    _Code.RECIPIENT_DISCONNECTED: "unavailable",
    _Code.UNSUPPORTED_METHOD: "invalid_argument",
    _Code.RECIPIENT_NOT_FOUND: "not_found",
    _Code.REQUEST_PAYLOAD_TOO_LARGE: "invalid_argument",
    _Code.UNSUPPORTED_SERVER: "unimplemented",
    _Code.UNSUPPORTED_VERSION: "unimplemented",
}
"""Twirp codes by RPC error code; all others are `internal`."""


class BackendCalls:
    """Makes calls on behalf of backends."""

    def __init__(self, rooms: RoomManager) -> None:
        self._rooms = rooms

    async def perform(self, request: room_pb.PerformRpcRequest) -> room_pb.PerformRpcResponse:
        """Make the requested call. Raises TwirpError."""
        identity = request.destination_identity
        if not identity:
            raise TwirpError("invalid_argument", "destination identity is required")
        room = access.existing_room(self._rooms, request.room)
        if identity not in room.participants:
            raise _twirp_error(built_in_error(_Code.RECIPIENT_NOT_FOUND))
        if len(room.backend_receivers) >= limits.MAX_BACKEND_CALLS:
            raise TwirpError("resource_exhausted", f"{limits.MAX_BACKEND_CALLS} calls are in flight in this room")
        timeout = request.response_timeout_ms / 1000 or DEFAULT_RESPONSE_TIMEOUT
        call = RpcCallInfo(identity, request.method, request.payload, response_timeout=timeout)
        try:
            return room_pb.PerformRpcResponse(payload=await self.call(room, call))
        except RpcError as error:
            raise _twirp_error(error) from error

    async def call(self, room: Room, call: RpcCallInfo) -> str:
        """Call a participant's method. Raises RpcError."""
        caller = _Caller(room)
        stop = self._rooms.observe(caller.observe)
        try:
            return await caller.client.perform(call)
        finally:
            stop()
            caller.close()


class _Caller:
    """The caller of one call: receives packets in the room without being a participant."""

    def __init__(self, room: Room) -> None:
        self._loop = asyncio.get_running_loop()
        self._room = room
        self._identity = ""
        self._identities: set[str] = set()
        """Identities under which it receives packets: the IDs of its request and its streams."""
        self.client = RpcClient(self, self, RpcOptions())
        self.client.caller.timing.announces_joins = True
        self.client.set_online(True)
        self._streams = StreamReassembler()
        self._streams.register(wire.RESPONSE_TOPIC, self.client.open_response)
        self._handlers: Mapping[str, Callable[[str, models.DataPacket], object]] = {
            "rpc_ack": lambda sender, packet: self.client.receive_ack(sender, packet.rpc_ack),
            "rpc_response": lambda sender, packet: self.client.receive_response(sender, packet.rpc_response),
            "stream_header": self._on_stream_header,
            "stream_chunk": lambda sender, packet: self._streams.receive_chunk(sender, packet.stream_chunk),
            "stream_trailer": lambda sender, packet: self._streams.receive_trailer(sender, packet.stream_trailer),
        }

    def close(self) -> None:
        for identity in self._identities:
            self._room.backend_receivers.pop(identity, None)
        self.client.close()
        self._streams.close()

    def observe(self, event: RoomEvent) -> None:
        """Follow joins and leaves; the RPC client reacts after the room has handled the event."""
        if event.room.sid != self._room.sid or not isinstance(event, ParticipantJoined | ParticipantLeft):
            return
        identity = event.participant.identity
        if isinstance(event, ParticipantJoined):
            self._loop.call_soon(self.client.peer_changed, identity)
        elif event.participant.disconnect_reason == DisconnectReason.DUPLICATE_IDENTITY:
            self._loop.call_soon(self.client.peer_restarted, identity)
        else:
            self._loop.call_soon(self.client.peer_left, identity)

    def receive(self, sender: Participant, packet: models.DataPacket) -> None:
        """Handle a packet that a participant sent to this caller."""
        handle = self._handlers.get(packet.WhichOneof("value") or "")
        if handle is not None:
            handle(sender.identity, packet)

    def _on_stream_header(self, sender: str, packet: models.DataPacket) -> None:
        self._streams.receive_header(sender, packet.stream_header)
        for stream_id in self._streams.chunk_counts(sender):
            self._receive_as(stream_id)

    def _receive_as(self, identity: str) -> None:
        self._identities.add(identity)
        self._room.backend_receivers[identity] = self.receive

    # PeerLookup

    def peer(self, identity: str) -> PeerInfo:
        participant = self._room.participants.get(identity)
        if participant is None:
            return ABSENT
        return PeerInfo(
            listed=True,
            ready=participant.state == State.ACTIVE,
            client_protocol=participant.client.client_protocol,
            deflate=models.ClientInfo.CAP_COMPRESSION_DEFLATE_RAW in participant.client.capabilities,
            can_publish_data=participant.permission.can_publish_data,
        )

    def blocked_reason(self) -> str | None:
        return None

    # PacketSender

    def send_packet(self, packet: models.DataPacket, options: SendOptions = RELIABLE) -> None:
        if not self._identity:
            self._identity = packet.rpc_request.id or packet.stream_header.stream_id
            self._receive_as(self._identity)
        packet.participant_identity = self._identity
        send(self._room, packet, reliable=options.reliable, now=self._loop.time())
        if options.on_delivered is not None:
            self._loop.call_soon(options.on_delivered)

    def send_packets(self, packets: Iterator[models.DataPacket], options: SendOptions = RELIABLE) -> PacketStream:
        for packet in packets:
            self.send_packet(packet)
        if options.on_delivered is not None:
            self._loop.call_soon(options.on_delivered)
        return _CompletedStream()


class _CompletedStream:
    """A stream that was sent completely; implements :class:`PacketStream`."""

    def cancel(self) -> None:
        pass


def _twirp_error(error: RpcError) -> TwirpError:
    """Convert an error to LiveKit server's text, with its parts in `meta`."""
    code = int(error.code)
    parts = {"code": str(code), "message": error.message, "data": error.data or ""}
    meta = {name: part for name, part in parts.items() if part}
    text = f"RpcError {code}: {error.message}" + (f": {error.data}" if error.data else "")
    return TwirpError(_TWIRP_CODES.get(code, "internal"), text, meta)
