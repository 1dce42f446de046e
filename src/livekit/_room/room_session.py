"""A joined room's state; dispatches signals and packets to their handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit._room.active_speakers import ActiveSpeakers
from livekit._room.local_context import LocalConnection, LocalContext
from livekit._room.packet_recorder import PacketRecorder
from livekit._room.participant_table import ParticipantTable
from livekit._room.room_processors import RoomProcessors
from livekit._room.signal_requests import SignalRequests
from livekit._util.aio import finish, start_task, within
from livekit._util.loop_guard import LoopGuard
from livekit.data.receiver import DataReceiver
from livekit.datatracks.track_manager import DataTrackManager
from livekit.e2ee import E2EEManager
from livekit.e2ee.encryption_status import EncryptionStatus
from livekit.e2ee.packet_cipher import ENCRYPTED_KINDS, PacketCipher
from livekit.engine import create_engine
from livekit.engine.interfaces import Engine, EngineState, PacketSender
from livekit.engine.packet_filter import PacketFilter
from livekit.enums import ConnectionState
from livekit.local_participant import LocalParticipant
from livekit.media.local_tracks import LocalTracks
from livekit.media.remote_tracks import RemoteTracks
from livekit.options import RecordOptions, RoomOptions
from livekit.participant import ParticipantRecord, RemoteParticipant
from livekit.protocol import models, rtc
from livekit.rpc import wire
from livekit.rpc.callee import RpcCallee
from livekit.rpc.client import RpcClient
from livekit.rpc.local_rpc import LocalRpc
from livekit.rpc.loopback import LoopbackSender
from livekit.streams.aio.handlers import StreamHandlers, StreamReaders
from livekit.streams.aio.sender_grace import SenderGrace
from livekit.streams.reassembly import StreamReassembler

FLUSH_TIMEOUT = 1.5
"""Seconds to wait on leaving until the server has acknowledged all sent packets."""

_CONNECTION_STATES = {
    EngineState.CONNECTED: ConnectionState.CONN_CONNECTED,
    EngineState.RECONNECTING: ConnectionState.CONN_RECONNECTING,
    EngineState.DISCONNECTED: ConnectionState.CONN_DISCONNECTED,
}


class RoomSession:
    """One connection of a `Room`, from joining to disconnecting: an `EngineListener` and a `ParticipantListener`.

    Owns the engine and everything that ends with it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        options: RoomOptions,
        rpc: LocalRpc,
        emit: Callable[..., None],
        stream_handlers: StreamHandlers | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.info = models.Room()
        self.connection_state = ConnectionState.CONN_DISCONNECTED
        processors = RoomProcessors(url, lambda: self.engine.token, lambda: self.info.name, lambda: self.local.identity)
        emit = self._emit = processors.before_callbacks(self._unless_abandoned(emit))
        self._rpc = rpc
        self._local_connection = LocalConnection()
        self._local_connection.loop = self.loop
        record = ParticipantRecord(models.ParticipantInfo())
        self.local = LocalParticipant(record, self._local_connection, rpc)
        self.participants = ParticipantTable(self.local, record, emit, self)
        max_payload = None if options.data_stream is None else options.data_stream.max_payload_byte_length
        self.incoming_streams = StreamReassembler(StreamReaders(stream_handlers or StreamHandlers(), max_payload).open)
        self._sender_grace = SenderGrace(self.incoming_streams)
        self.engine: Engine = create_engine(url, token, options, self)
        self.signal_requests = SignalRequests(self.engine.send_signal)
        strict = options.encryption is not None
        self.e2ee = E2EEManager(options.encryption or options.e2ee)
        self._cipher = PacketCipher(self.e2ee, strict=strict, accept_server_calls=options.rpc.accept_server_calls)
        self._encryption_status = EncryptionStatus(self.participants, emit)
        self._cipher.on_state = self._encryption_status.update_state
        self.e2ee.on_frame_state = self._encryption_status.update_track_state
        recording = options.record or RecordOptions.from_environment()
        self._recorder = PacketRecorder(recording) if recording else None
        network = self._outgoing_pipeline()
        self.data_tracks = DataTrackManager(self.engine, self.e2ee, strict=strict, emit=emit)
        self.local_tracks = LocalTracks(self.engine, self.e2ee, self.local, record, emit)
        self.remote_tracks = RemoteTracks(self.engine, self.e2ee, emit, auto_subscribe=options.auto_subscribe)
        self._speakers = ActiveSpeakers(self.participants.by_sid, emit)
        self.engine.media_hooks.on_transport = self.remote_tracks.on_transport
        self.engine.media_hooks.on_sync = self._fill_sync
        self._context = LocalContext(
            network, self.signal_requests, self.participants, self.data_tracks, self.local_tracks
        )
        self._rpc_sender = LoopbackSender(network, lambda packet: self._dispatch(packet, packet.participant_identity))
        self.rpc_client = RpcClient(
            self._rpc_sender, self.participants, options.rpc, lambda: self.engine.round_trip_time
        )
        self.rpc_callee = RpcCallee(self._rpc_sender, self.participants, rpc.registry, options.rpc)
        self.rpc_callee.is_abandoned = self._is_abandoned
        self.incoming_streams.register(wire.REQUEST_TOPIC, self.rpc_callee.open_request)
        self.incoming_streams.register(wire.RESPONSE_TOPIC, self.rpc_client.open_response)
        self._shutdown: asyncio.Task[None] | None = None
        """Set once the engine has disconnected."""
        self._leaving: asyncio.Task[None] | None = None
        self._leave_waiters = 0
        self._signal_handlers = self._make_signal_handlers()
        self._packet_handlers = self._make_packet_handlers()
        self._joining = True
        self._rejoined = False
        """A full reconnect has joined, and its tracks are not published again yet."""
        self._guard = LoopGuard(self._not_closed, self._abandon)

    async def join(self) -> None:
        """Connect the engine. An error or cancellation closes everything.

        Raises:
            ConnectError: joining failed.
        """
        try:
            await self.engine.connect()
        except BaseException:
            self._rpc.client = None
            await finish(self._close())
            raise
        finally:
            self._joining = False

    async def leave(self, reason: models.DisconnectReason) -> None:
        """Cancel running handlers and answer their callers, flush sent packets, and leave the server.

        Pending outgoing calls fail. Callers share one departure. If all of them are cancelled, the room is disconnected
        at once, without flushing, and the rest is released in the background.
        """
        if self._leaving is None:
            self._leaving = start_task(self._leave(reason), name="livekit leave")
        self._leave_waiters += 1
        try:
            await asyncio.shield(self._leaving)
        except asyncio.CancelledError:
            if self._leave_waiters == 1 and self.engine.state is not EngineState.DISCONNECTED:
                self.engine.begin_close(reason)
                self._leaving.cancel()
            raise
        finally:
            self._leave_waiters -= 1

    async def _leave(self, reason: models.DisconnectReason) -> None:
        try:
            await self.rpc_callee.close()
            if self.engine.state is EngineState.CONNECTED:
                await within(FLUSH_TIMEOUT, self.engine.flush())
        except (asyncio.TimeoutError, asyncio.CancelledError):
            pass  # cancelled by `leave`, once nothing waits for an orderly departure
        await self.engine.close(reason)
        if self._shutdown is not None:
            await asyncio.shield(self._shutdown)

    # EngineListener

    def on_joined(self, join: rtc.JoinResponse, *, rejoined: bool) -> None:
        self.info.CopyFrom(join.room)
        self._rpc.client = self.rpc_client
        self._local_connection.context = self._context
        self.e2ee.sif_trailer = join.sif_trailer
        identity = join.participant.identity
        self._rpc_sender.identity = self._cipher.identity = self.data_tracks.identity = identity
        if self._recorder:
            self._recorder.identity = identity
        self.rpc_client.set_server_info(join.server_info)
        self.participants.apply_join(join.participant, join.other_participants)
        if rejoined:
            self.data_tracks.restore()
            self._rejoined = True
            self._speakers.clear()
            self.remote_tracks.rejoined()
        self.data_tracks.sync_remote_tracks(self.participants.infos)

    def on_signal(self, message: rtc.SignalResponse) -> None:
        handle = self._signal_handlers.get(message.WhichOneof("message") or "")
        if handle is not None:
            handle(message)

    def on_packet(self, packet: models.DataPacket) -> None:
        sender = self.participants.sender_identity(packet)
        self.participants.packet_received(sender, packet.participant_sid)
        if self.e2ee.options is None:
            self._dispatch(packet, sender)
            return
        encrypted = packet.HasField("encrypted_packet")
        plain = self._cipher.decrypt(packet)
        if plain is not None:
            if encrypted or plain.WhichOneof("value") in ENCRYPTED_KINDS:
                self._encryption_status.packet_received(sender, encrypted=encrypted)
            self._dispatch(plain, sender)

    def on_state(self, state: EngineState, reason: models.DisconnectReason) -> None:
        before, after = self.connection_state, _CONNECTION_STATES.get(state)
        self.rpc_client.set_online(state is EngineState.CONNECTED)
        if after is None:
            return
        if state is EngineState.CONNECTED and before == ConnectionState.CONN_RECONNECTING:
            self._restore_tracks()
            return
        self.local_tracks.stop_republishing()
        if after == before:
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
            self._emit("connected")
            self.remote_tracks.connected()

    def _restore_tracks(self) -> None:
        """Report `reconnected`; after a full reconnect when the tracks are published again, as the official SDK."""
        republishing = None
        if self._rejoined:
            republishing = self.local_tracks.republish()
        else:
            self.local_tracks.resumed()
        if republishing is None:
            self._reconnected()
        else:
            republishing.add_done_callback(lambda task: None if task.cancelled() else self._reconnected())

    def _reconnected(self) -> None:
        self._rejoined = False
        self.connection_state = ConnectionState.CONN_CONNECTED
        self._emit("connection_state_changed", ConnectionState.CONN_CONNECTED)
        self._emit("reconnected")

    # ParticipantListener

    def on_peer_changed(self, identity: str) -> None:
        self.rpc_client.peer_changed(identity)

    def on_peer_left(self, identity: str) -> None:
        self._forget_peer(identity)
        self.rpc_client.peer_left(identity)

    def on_peer_missing(self, identity: str) -> None:
        self._forget_peer(identity)
        self.rpc_client.peer_missing(identity)

    def _forget_peer(self, identity: str) -> None:
        self._encryption_status.forget(identity)
        if self.e2ee.key_provider is not None:
            self.e2ee.key_provider.forget(identity)
        self._sender_grace.left(identity)

    def on_peer_restarted(self, identity: str) -> None:
        self.rpc_client.peer_restarted(identity)

    def on_tracks(self, participant: RemoteParticipant, record: ParticipantRecord, *, announce: bool) -> None:
        self.remote_tracks.sync(participant, record, announce=announce)

    def on_tracks_ended(self, record: ParticipantRecord) -> None:
        self.remote_tracks.remove_all(record)

    # Dispatch tables

    def _make_signal_handlers(self) -> dict[str, Callable[[rtc.SignalResponse], None]]:
        return {
            "update": lambda message: self._on_participant_update(message.update),
            "room_update": lambda message: self._on_room_update(message.room_update.room),
            "connection_quality": lambda m: self.participants.update_connection_quality(m.connection_quality.updates),
            "refresh_token": lambda message: self._emit("token_refreshed"),
            "request_response": lambda message: self._on_request_response(message.request_response),
            "room_moved": lambda message: self._on_room_moved(message.room_moved),
            "speakers_changed": lambda message: self._speakers.update(message.speakers_changed.speakers),
            **self.data_tracks.signal_handlers,
            **self.local_tracks.signal_handlers,
            **self.remote_tracks.signal_handlers,
        }

    def _make_packet_handlers(self) -> dict[str, Callable[[str, models.DataPacket], None]]:
        return {
            "rpc_request": self._on_rpc_request,
            "rpc_ack": lambda sender, packet: self.rpc_client.receive_ack(sender, packet.rpc_ack),
            "rpc_response": lambda sender, packet: self.rpc_client.receive_response(sender, packet.rpc_response),
            "stream_header": self._on_stream_header,
            "stream_chunk": lambda sender, packet: self.incoming_streams.receive_chunk(sender, packet.stream_chunk),
            "stream_trailer": lambda sender, packet: self._on_stream_trailer(sender, packet.stream_trailer),
            **DataReceiver(self.participants, self._emit).packet_handlers,
        }

    def _outgoing_pipeline(self) -> PacketSender:
        """Return a sender that records packets in plain text, encrypts them, and passes them to the engine."""
        sender: PacketSender = self.engine
        if self.e2ee.options is not None:
            sender = PacketFilter(sender, self._cipher.encrypt)
        if self._recorder is not None:
            sender = PacketFilter(sender, self._recorder.record_sent)
        return sender

    def _dispatch(self, packet: models.DataPacket, sender: str) -> None:
        if self._recorder:
            self._recorder.record_received(packet)
        handle = self._packet_handlers.get(packet.WhichOneof("value") or "")
        if handle is not None:
            handle(sender, packet)

    # Packets

    def _on_rpc_request(self, sender: str, packet: models.DataPacket) -> None:
        if not wire.pretends_to_be_server(packet):
            self.rpc_callee.receive_request(sender, packet.rpc_request)

    def _on_stream_header(self, sender: str, packet: models.DataPacket) -> None:
        header, identity, sid = packet.stream_header, packet.participant_identity, packet.participant_sid
        if not wire.pretends_to_be_server(packet):
            self.incoming_streams.receive_header(sender, header, identity, sid)

    def _on_stream_trailer(self, sender: str, trailer: models.DataStream.Trailer) -> None:
        """End a stream, cancel a call, or both."""
        self.incoming_streams.receive_trailer(sender, trailer)
        request_id = wire.cancelled_request_id(trailer)
        if request_id is not None:
            self.rpc_callee.receive_cancel(sender, request_id)

    # Signals

    def _on_participant_update(self, update: rtc.ParticipantUpdate) -> None:
        self.participants.update(update.participants)
        self.data_tracks.sync_remote_tracks(self.participants.infos)

    def _on_request_response(self, response: rtc.RequestResponse) -> None:
        self.signal_requests.on_response(response)
        self.data_tracks.on_request_response(response)
        self.local_tracks.on_request_response(response)

    def _on_room_update(self, info: models.Room) -> None:
        old_metadata = self.info.metadata
        self.info.CopyFrom(info)
        if info.metadata != old_metadata:
            self._emit("room_metadata_changed", old_metadata, info.metadata)
        self._emit("room_updated")

    def _on_room_moved(self, moved: rtc.RoomMovedResponse) -> None:
        """Switch to the room that the server moved this participant to."""
        self._rpc_sender.identity = self._cipher.identity = moved.participant.identity
        self.participants.apply_move(moved.participant, moved.other_participants)
        self.info.CopyFrom(moved.room)
        self._emit("moved")

    def _fill_sync(self, sync: rtc.SyncState) -> None:
        self.local_tracks.fill_sync(sync)
        self.remote_tracks.fill_sync(sync)

    # Shutdown

    def _end(self, reason: models.DisconnectReason) -> None:
        """End everything that depends on the connection."""
        self._rpc.client = self._local_connection.context = None
        self.signal_requests.close()
        self.data_tracks.close()
        self.local_tracks.close()
        self.remote_tracks.close()
        self.participants.disconnect(reason)
        self._sender_grace.close()
        self.incoming_streams.close()
        self.rpc_client.close()
        self._shutdown = start_task(self._close(), name="livekit RPC shutdown")

    async def _close(self) -> None:
        """Release everything, after which nothing is left to guard. May be called again if it was cancelled."""
        await self.rpc_client.close_all()
        await self.rpc_callee.close()
        await self.engine.close()
        if self._recorder:
            self._recorder.close()
        self._guard.close()

    async def _abandon(self) -> None:
        """Release everything, without events: the event loop ends although the room was not disconnected."""
        if not self._joining:  # else `join` is cancelled too, and does that
            await self._close()

    def _not_closed(self) -> str:
        return (
            ""
            if self._joining
            else f"room {self.info.name!r} was not disconnected: await room.disconnect(), or use `async with Room()`"
        )

    def _is_abandoned(self) -> bool:
        return self._guard.is_releasing

    def _unless_abandoned(self, emit: Callable[..., None]) -> Callable[..., None]:
        """Return an `emit` without effect while the event loop ends: callbacks might start tasks that never run."""

        def emit_event(*args: object) -> None:
            if not self._is_abandoned():
                emit(*args)

        return emit_event
