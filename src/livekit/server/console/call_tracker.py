"""RPC calls through the server, reassembled from requests, acknowledgements and responses. No I/O, no clock."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container

from livekit.protocol import models
from livekit.rpc import wire

from .method_stats import MethodStats
from .payload import PayloadPreview
from .tracked_call import CALLER_CODES, NOT_FAILED, SERVER, CallState, StreamKey, TrackedCall

MAX_CALLS = 300
"""Calls that are kept; the oldest is dropped first."""
MAX_TEXT = 512
"""Characters kept of a method name or an error message."""
MAX_ERROR_DATA = 4_096
"""Characters kept of an error's data."""
ENCRYPTED_GAP = 2.0
"""Seconds without a packet that end an entry of encrypted packets from one sender to one receiver."""

_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class CallTracker:
    """Tracks calls from all packets, in order; keeps the newest calls."""

    def __init__(self, on_end: Callable[[TrackedCall], None] = lambda call: None) -> None:
        """`on_end` is called with each call that ends with a response or an error."""
        self.revision = 0
        self.started = 0
        """Number of calls."""
        self.failed = 0
        """Number of calls that ended with an error, except cancelled ones."""
        self.methods = MethodStats()
        self.forgotten = 0
        """Number of calls dropped before they ended."""
        self.unmatched = 0
        """Number of responses without a request, and of requests with an ID in use."""
        self._on_end = on_end
        self._present: Container[str] | None = None
        """Identities of the participants of the room of the current packet; None if they are unknown."""
        self._keep = False
        self._numbers = 0
        self._log: OrderedDict[int, TrackedCall] = OrderedDict()
        self._open: dict[StreamKey, TrackedCall] = {}
        self._ended: set[StreamKey] = set()
        """Logged calls that have ended: late responses to them are expected."""
        self._streams: dict[StreamKey, tuple[TrackedCall, PayloadPreview]] = {}
        self._encrypted: dict[StreamKey, TrackedCall] = {}
        self._handlers: dict[str, Callable[[str, str, models.DataPacket, float], None]] = {
            "rpc_request": self._on_request,
            "rpc_ack": self._on_ack,
            "rpc_response": self._on_response,
            "stream_header": self._on_header,
            "stream_chunk": self._on_chunk,
            "stream_trailer": self._on_trailer,
            "encrypted_packet": self._on_encrypted,
        }

    @property
    def keeps_payloads(self) -> bool:
        return self._keep

    def set_keep_payloads(self, keep: bool) -> None:
        """Start to keep the beginning of payloads, or stop and delete the kept ones."""
        self._keep = keep
        if not keep:
            for call in self._log.values():
                call.data = None
                call.request.forget()
                if call.response is not None:
                    call.response.forget()
                self._changed(call)

    def changed_since(self, revision: int, limit: int) -> list[TrackedCall]:
        """Return at most `limit` calls that changed after `revision`, in the order of their changes."""
        if revision >= self.revision:
            return []
        changed = [call for call in self._log.values() if call.revision > revision]
        changed.sort(key=lambda call: call.revision)
        return changed[:limit]

    def packet(
        self,
        room: str,
        sender: str,
        packet: models.DataPacket,
        now: float,
        present: Container[str] | None = None,
    ) -> None:
        """Handle a packet that the participant `sender`, or `SERVER`, has sent.

        `present` are the identities of the room's participants; None if they are unknown.
        """
        handler = self._handlers.get(packet.WhichOneof("value") or "")
        if handler is not None:
            self._present = present
            handler(room, sender, packet, now)

    def left(self, room: str, identity: str, now: float) -> None:
        """End the calls of a participant that has left."""
        for call in list(self._open.values()):
            if call.room == room and identity in (call.caller, call.callee):
                self._end(call, CallState.CALLEE_LEFT if identity == call.callee else CallState.CALLER_LEFT, now)

    def tick(self, now: float) -> None:
        """Expire calls; call it before `changed_since`."""
        for call in list(self._open.values()):
            if now >= call.deadline:
                ended = call.deadline if call.is_unreachable else call.started + call.timeout
                self._end(call, call.state_without_response(ended), ended)

    # Requests

    def _on_request(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        request = packet.rpc_request
        content = PayloadPreview(keep=self._keep)
        call = self._begin(room, sender, packet, now, request.id, request.method, content)
        if call is not None:
            call.version = request.version
            call.timeout = request.response_timeout_ms / 1000
            content.feed(request.payload.encode("utf-8", "replace"))

    def _on_header(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        header = packet.stream_header
        if header.topic == wire.REQUEST_TOPIC:
            self._on_request_header(room, sender, packet, now)
        elif header.topic == wire.RESPONSE_TOPIC:
            call = self._call_of(room, sender, packet, header.attributes.get(wire.ATTR_REQUEST_ID, ""))
            if call is not None and call.response_stream is None:
                call.response, call.response_stream = self._open_stream(call, (room, sender, header.stream_id), header)
                if header.HasField("inline_content"):
                    self._end(call, CallState.ANSWERED, now)

    def _on_request_header(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        header = packet.stream_header
        attributes = wire.parse_request_attributes(header)
        call = self._begin(
            room, sender, packet, now, attributes.request_id, attributes.method, PayloadPreview(keep=False)
        )
        if call is not None:
            call.version, call.timeout = attributes.version, attributes.timeout_ms / 1000
            call.request, call.request_stream = self._open_stream(call, (room, sender, header.stream_id), header)

    def _open_stream(
        self, call: TrackedCall, key: StreamKey, header: models.DataStream.Header
    ) -> tuple[PayloadPreview, StreamKey | None]:
        """Return the payload of a stream, and the key of its further packets if there will be any."""
        announced = header.total_length if header.HasField("total_length") else None
        content = PayloadPreview(keep=self._keep, deflated=header.compression == _DEFLATE_RAW, announced=announced)
        if header.HasField("inline_content"):
            content.feed(header.inline_content)
        elif key not in self._streams:
            self._streams[key] = call, content
            return content, key
        return content, None

    def _begin(
        self,
        room: str,
        sender: str,
        packet: models.DataPacket,
        now: float,
        request_id: str,
        method: str,
        content: PayloadPreview,
    ) -> TrackedCall | None:
        """Add a call; None for a duplicate request or one with an invalid ID."""
        if not 0 < len(request_id) <= wire.MAX_REQUEST_ID_LENGTH:
            self.unmatched += 1
            return None
        call = self._new_call(room, sender, packet, now)
        call.request_id, call.method, call.request = request_id, method[:MAX_TEXT], content
        known = self._open.get(call.key)
        if known is not None:
            # Callers repeat a request once a callee that was absent joins.
            self.unmatched += not known.is_unreachable
            self._note_presence(known)
            return None
        self._note_presence(call)
        self._open[call.key] = call
        if not call.is_internal:
            self.started += 1
            self._remember(call)
        return call

    def _note_presence(self, call: TrackedCall) -> None:
        call.callee_absent = self._present is not None and bool(call.callee) and call.callee not in self._present

    # Responses

    def _on_ack(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        call = self._call_of(room, sender, packet, packet.rpc_ack.request_id)
        if call is not None and call.acked is None:
            call.acked = now
            self._changed(call)

    def _on_response(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        response = packet.rpc_response
        call = self._call_of(room, sender, packet, response.request_id)
        if call is None:
            return
        if response.HasField("error"):
            call.code = response.error.code
            call.message = response.error.message[:MAX_TEXT]
            call.data = response.error.data[:MAX_ERROR_DATA] or None if self._keep else None
            self._end(call, CallState.FAILED, now)
            return
        call.response = PayloadPreview(keep=self._keep)
        call.response.feed(response.payload.encode("utf-8", "replace"))
        self._end(call, CallState.ANSWERED, now)

    def _call_of(self, room: str, sender: str, packet: models.DataPacket, request_id: str) -> TrackedCall | None:
        """Return the call that a packet of the callee belongs to."""
        receiver = packet.destination_identities[0] if packet.destination_identities else ""
        call = self._open.get((room, receiver, request_id))
        if call is None or call.callee not in (sender, ""):
            self.unmatched += (room, receiver, request_id) not in self._ended
            return None
        return call

    # Streams and encrypted packets

    def _on_chunk(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        found = self._streams.get((room, sender, packet.stream_chunk.stream_id))
        if found is not None:
            found[1].feed(packet.stream_chunk.content)
            self._changed(found[0])

    def _on_trailer(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        trailer = packet.stream_trailer
        request_id = wire.cancelled_request_id(trailer) or ""
        cancelled = self._open.get((room, sender or request_id, request_id))
        if cancelled is not None:
            self._note_presence(cancelled)
            self._end(cancelled, cancelled.state_without_response(now), now)
            return
        key = room, sender, trailer.stream_id
        call, _ = self._streams.pop(key, (None, None))
        if call is None:
            return
        if key == call.response_stream:
            self._end(call, CallState.ABORTED if trailer.reason else CallState.ANSWERED, now)
        elif trailer.reason:
            self._end(call, CallState.CANCELLED, now)

    def _on_encrypted(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        receiver = packet.destination_identities[0] if packet.destination_identities else ""
        entry = self._encrypted.get((room, sender, receiver))
        if entry is None or entry.ended is None or now - entry.ended > ENCRYPTED_GAP:
            entry = self._new_call(room, sender, packet, now)
            entry.state = CallState.ENCRYPTED
            self._encrypted[room, sender, receiver] = entry
            self._remember(entry)
        entry.ended = now
        entry.packets += 1
        entry.request.feed(packet.encrypted_packet.encrypted_value)
        self._changed(entry)

    # The log

    def _new_call(self, room: str, sender: str, packet: models.DataPacket, now: float) -> TrackedCall:
        receiver = packet.destination_identities[0] if packet.destination_identities else ""
        self._numbers += 1
        return TrackedCall(number=self._numbers, room=room, caller=sender, callee=receiver, started=now)

    def _remember(self, call: TrackedCall) -> None:
        self._log[call.number] = call
        self._changed(call)
        if len(self._log) > MAX_CALLS:
            _, oldest = self._log.popitem(last=False)
            self.forgotten += oldest.state is CallState.WAITING
            self._close(oldest)
            self._ended.discard(oldest.key)

    def _end(self, call: TrackedCall, state: CallState, now: float) -> None:
        call.state, call.ended = state, now
        if call.is_internal:
            self._close(call)
            return
        if call.code is None and (call.caller == SERVER or wire.is_our_request_id(call.request_id)):
            call.code = CALLER_CODES.get(state)
        is_failure = state not in NOT_FAILED
        self.failed += is_failure
        self._ended.add(call.key)
        responded = state in (CallState.ANSWERED, CallState.FAILED)
        self.methods.add(call.room, call.method, now - call.started if responded else None, failed=is_failure)
        self._close(call)
        self._changed(call)
        if responded:
            self._on_end(call)

    def _close(self, call: TrackedCall) -> None:
        """Stop matching packets to a call."""
        if call.state is CallState.ENCRYPTED:
            if self._encrypted.get((call.room, call.caller, call.callee)) is call:
                del self._encrypted[call.room, call.caller, call.callee]
            return
        if self._open.get(call.key) is call:
            del self._open[call.key]
        for stream in (call.request_stream, call.response_stream):
            if stream is not None:
                self._streams.pop(stream, None)

    def _changed(self, call: TrackedCall) -> None:
        self.revision += 1
        call.revision = self.revision
