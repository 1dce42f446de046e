"""One stay in a room, from joining to the end: what the session brings goes by kind to who handles it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from livekit._room.local_context import LocalContext
from livekit._room.packet_recorder import PacketRecorder
from livekit._room.participants import ParticipantTable
from livekit._room.signal_requests import SignalRequests
from livekit._util.aio import within
from livekit.data.received import DataEvents
from livekit.datatracks.track_manager import DataTrackManager
from livekit.e2ee import E2EEManager
from livekit.e2ee.encryption_status import EncryptionStatus
from livekit.e2ee.packet_cipher import ENCRYPTED_KINDS, PacketCipher
from livekit.engine import create_engine
from livekit.engine.interfaces import Engine, EngineState, PacketSender
from livekit.engine.packet_filter import PacketFilter
from livekit.enums import ConnectionState
from livekit.options import RecordOptions, RoomOptions
from livekit.participant import ConnectionQuality, LocalParticipant, Participant
from livekit.protocol import models, rtc
from livekit.rpc import wire
from livekit.rpc.callee import RpcCallee
from livekit.rpc.client import RpcClient
from livekit.rpc.local_rpc import LocalRpc
from livekit.rpc.loopback import LoopbackSender
from livekit.streams.aio.handlers import StreamHandlers, StreamReaders
from livekit.streams.aio.sender_grace import SenderGrace
from livekit.streams.reassembly import IncomingStreams

logger = logging.getLogger("livekit")

FLUSH_TIMEOUT = 1.5
"""Seconds that leaving a room waits for what was sent to arrive at the server."""

_CONNECTION_STATES = {
    EngineState.CONNECTED: ConnectionState.CONN_CONNECTED,
    EngineState.RECONNECTING: ConnectionState.CONN_RECONNECTING,
    EngineState.DISCONNECTED: ConnectionState.CONN_DISCONNECTED,
}


class RoomSession:
    """Listens to a session and keeps everything that lives as long as it does."""

    def __init__(
        self,
        url: str,
        token: str,
        options: RoomOptions,
        rpc: LocalRpc,
        emit: Callable[..., None],
        streams: StreamHandlers | None = None,
    ) -> None:
        self.info = models.Room()
        self.local = LocalParticipant(models.ParticipantInfo(), rpc)
        self.participants = ParticipantTable(self.local, emit, self)
        self.connection_state = ConnectionState.CONN_DISCONNECTED
        self._emit = emit
        self._rpc = rpc
        max_payload = None if options.data_stream is None else options.data_stream.max_payload_byte_length
        self._streams = IncomingStreams(StreamReaders(streams or StreamHandlers(), max_payload).open)
        self._sender_grace = SenderGrace(self._streams)
        self._engine: Engine = create_engine(url, token, options, self)
        self._requests = SignalRequests(self._engine.send_signal)
        self.e2ee = E2EEManager(options.encryption or options.e2ee)
        self._cipher = PacketCipher(
            self.e2ee, strict=options.encryption is not None, accept_server_calls=options.rpc.accept_server_calls
        )
        self._encryption = EncryptionStatus(self.participants, emit)
        self._cipher.on_state = self._encryption.state
        recording = options.record or RecordOptions.from_environment()
        self._recorder = PacketRecorder(recording) if recording else None
        outlet = self._outlet()
        self._tracks = DataTrackManager(self._engine, self.e2ee, strict=options.encryption is not None, emit=emit)
        self._context = LocalContext(outlet, self._requests, self.participants, self._tracks)
        self._sender = LoopbackSender(outlet, lambda packet: self._dispatch(packet, packet.participant_identity))
        self._calls = RpcClient(self._sender, self.participants, options.rpc, lambda: self._engine.round_trip_time)
        self._callee = RpcCallee(self._sender, self.participants, rpc.registry, options.rpc)
        self._ending: asyncio.Task[None] | None = None
        self._streams.register(wire.REQUEST_TOPIC, self._callee.open_request)
        self._streams.register(wire.RESPONSE_TOPIC, self._calls.open_response)
        self._signals = self._signal_handlers()
        self._packets = self._packet_handlers()

    async def join(self) -> None:
        """Connect the session. Raises ConnectError; nothing is left behind then, by cancellation neither."""
        try:
            await self._engine.connect()
        except BaseException:
            self._rpc.client = None
            await self._engine.close()
            await self._finish()
            raise

    async def leave(self, reason: models.DisconnectReason) -> None:
        """End the stay: running handlers are cancelled and their callers told, pending calls fail, the server knows."""
        await self._callee.close()
        if self._engine.state is EngineState.CONNECTED:
            with contextlib.suppress(asyncio.TimeoutError):
                await within(FLUSH_TIMEOUT, self._engine.flush())
        await self._engine.close(reason)
        if self._ending is not None:
            await asyncio.shield(self._ending)

    # EngineListener

    def on_joined(self, join: rtc.JoinResponse, *, rejoined: bool) -> None:
        self.info.CopyFrom(join.room)
        self._rpc.client = self._calls
        self.local._context = self._context
        self._sender.identity = self._cipher.identity = self._tracks.identity = join.participant.identity
        if self._recorder:
            self._recorder.identity = join.participant.identity
        self._calls.joined(join.server_info)
        self.participants.joined(join.participant, join.other_participants)
        if rejoined:
            self._tracks.rejoined()
        self._tracks.announced(self.participants.remotes)

    def on_signal(self, message: rtc.SignalResponse) -> None:
        handle = self._signals.get(message.WhichOneof("message") or "")
        if handle is not None:
            handle(message)

    def on_packet(self, packet: models.DataPacket) -> None:
        sender = self.participants.origin(packet)
        self.participants.heard(sender, packet.participant_sid)
        if self.e2ee.options is None:
            self._dispatch(packet, sender)
            return
        encrypted = packet.HasField("encrypted_packet")
        opened = self._cipher.open(packet)
        if opened is not None:
            if encrypted or opened.WhichOneof("value") in ENCRYPTED_KINDS:
                self._encryption.received(sender, encrypted=encrypted)
            self._dispatch(opened, sender)

    def on_state(self, state: EngineState, reason: models.DisconnectReason) -> None:
        before, after = self.connection_state, _CONNECTION_STATES.get(state)
        self._calls.set_online(state is EngineState.CONNECTED)
        if after is None or after == before:
            return
        self.connection_state = after
        if state is EngineState.DISCONNECTED:
            self._end(reason)
        self._emit("connection_state_changed", after)
        if state is EngineState.DISCONNECTED:
            self._emit("disconnected", reason)
        elif state is EngineState.RECONNECTING:
            self._emit("reconnecting")
        else:
            self._emit("reconnected" if before == ConnectionState.CONN_RECONNECTING else "connected")

    # ParticipantListener

    def peer_changed(self, identity: str) -> None:
        self._calls.peer_changed(identity)

    def peer_left(self, identity: str) -> None:
        self._encryption.left(identity)
        self._sender_grace.left(identity)
        self._calls.peer_left(identity)

    def peer_restarted(self, identity: str) -> None:
        self._calls.peer_restarted(identity)

    # By kind

    def _signal_handlers(self) -> dict[str, Callable[[rtc.SignalResponse], None]]:
        return {
            "update": lambda message: self._updated(message.update),
            "room_update": lambda message: self._room_updated(message.room_update.room),
            "connection_quality": lambda message: self._quality_changed(message.connection_quality),
            "refresh_token": lambda message: self._emit("token_refreshed"),
            "request_response": lambda message: self._answered(message.request_response),
            "room_moved": lambda message: self._moved(message.room_moved),
            **self._tracks.signals,
        }

    def _packet_handlers(self) -> dict[str, Callable[[str, models.DataPacket], None]]:
        return {
            "rpc_request": lambda sender, packet: self._callee.receive_request(sender, packet.rpc_request),
            "rpc_ack": lambda sender, packet: self._calls.receive_ack(sender, packet.rpc_ack),
            "rpc_response": lambda sender, packet: self._calls.receive_response(sender, packet.rpc_response),
            "stream_header": self._stream_began,
            "stream_chunk": lambda sender, packet: self._streams.chunk(sender, packet.stream_chunk),
            "stream_trailer": lambda sender, packet: self._stream_ended(sender, packet.stream_trailer),
            **DataEvents(self.participants, self._emit).handlers,
        }

    def _outlet(self) -> PacketSender:
        """What packets pass on their way out: recorded where they can be read, then encrypted, then sent."""
        outlet: PacketSender = self._engine
        if self.e2ee.options is not None:
            outlet = PacketFilter(outlet, self._cipher.seal)
        if self._recorder is not None:
            outlet = PacketFilter(outlet, self._recorder.sent)
        return outlet

    def _dispatch(self, packet: models.DataPacket, sender: str) -> None:
        if self._recorder:
            self._recorder.received(packet)
        handle = self._packets.get(packet.WhichOneof("value") or "")
        if handle is not None:
            handle(sender, packet)

    def _stream_began(self, sender: str, packet: models.DataPacket) -> None:
        self._streams.header(sender, packet.stream_header, packet.participant_identity, packet.participant_sid)

    def _stream_ended(self, sender: str, trailer: models.DataStream.Trailer) -> None:
        """A trailer may end a stream, cancel a call, or both."""
        self._streams.trailer(sender, trailer)
        request_id = wire.cancelled_request_id(trailer)
        if request_id is not None:
            self._callee.receive_cancel(sender, request_id)

    def _updated(self, update: rtc.ParticipantUpdate) -> None:
        self.participants.update(update.participants)
        self._tracks.announced(self.participants.remotes)

    def _answered(self, answer: rtc.RequestResponse) -> None:
        self._requests.answered(answer)
        self._tracks.refused(answer)

    def _room_updated(self, info: models.Room) -> None:
        old_metadata = self.info.metadata
        self.info.CopyFrom(info)
        if info.metadata != old_metadata:
            self._emit("room_metadata_changed", old_metadata, info.metadata)
        self._emit("room_updated")

    def _moved(self, moved: rtc.RoomMovedResponse) -> None:
        """The server put us into another room."""
        self._sender.identity = self._cipher.identity = moved.participant.identity
        self.participants.moved(moved.participant, moved.other_participants)
        self.info.CopyFrom(moved.room)
        self._emit("moved")

    def _quality_changed(self, update: rtc.ConnectionQualityUpdate) -> None:
        by_sid: dict[str, Participant] = {p.sid: p for p in (self.local, *self.participants.remotes.values())}
        for entry in update.updates:
            participant = by_sid.get(entry.participant_sid)
            if participant is not None:
                participant._connection_quality = ConnectionQuality(int(entry.quality))
                self._emit("connection_quality_changed", participant, participant.connection_quality)

    def _end(self, reason: models.DisconnectReason) -> None:
        """The session is over: nothing of this stay goes on."""
        self._rpc.client = self.local._context = None
        self._requests.close()
        self._tracks.close()
        self.local._info.disconnect_reason = reason
        self.local._info.state = models.ParticipantInfo.State.DISCONNECTED
        self._sender_grace.close()
        self._streams.close()
        self._calls.close()
        self._ending = asyncio.get_running_loop().create_task(self._finish(), name="livekit end of calls")

    async def _finish(self) -> None:
        await self._callee.close()
        if self._recorder:
            self._recorder.close()
