"""Calls as they pass through the server: requests, acknowledgements and responses put together. No I/O, no clock."""

from __future__ import annotations

import enum
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from livekit.protocol import models
from livekit.rpc import wire

from .content import Content

MAX_CALLS = 300
"""Calls that are remembered; over it, the oldest is forgotten."""
MAX_TEXT = 512
"""Characters that are kept of a method's name, an error's message and the like."""
MAX_ERROR_DATA = 4_096
"""Characters that are kept of an error's data."""
ANSWER_GRACE = 10.0
"""Seconds after its timeout for which an answer of a call is waited for: callers keep some for the way."""
SEALED_GAP = 2.0
"""Encrypted packets of one sender to one receiver count as one entry until there were none for so many seconds."""
SERVER = ""
"""The caller of calls that the server itself makes."""

_Key = tuple[str, str, str]
_DEFLATE_RAW = models.DataStream.CompressionType.DEFLATE_RAW


class CallState(str, enum.Enum):
    WAITING = "waiting"
    ANSWERED = "answered"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNANSWERED = "unanswered"
    BROKEN_OFF = "broken off"
    """The callee or the caller left before the answer was complete, or the callee took it back."""
    SEALED = "sealed"
    """Encrypted packets, of which nothing but their number can be known."""


@dataclass(slots=True, eq=False, kw_only=True)
class TrackedCall:
    """One call, or packets that may be some. Times are seconds of the watch's clock."""

    number: int
    """From 1, in the order of the requests."""
    room: str
    caller: str
    """Its identity; `SERVER` for the server itself."""
    callee: str
    """Its identity; empty for a request to everybody."""
    started: float
    request_id: str = ""
    method: str = ""
    version: int = 0
    timeout: float = 0.0
    """Seconds, as the caller tells."""
    state: CallState = CallState.WAITING
    acked: float | None = None
    ended: float | None = None
    code: int | None = None
    message: str = ""
    data: str | None = None
    """Of the error; None where payloads are not kept, or the error has none."""
    request: Content = field(default_factory=lambda: Content(keep=False))
    response: Content | None = None
    packets: int = 0
    """How many encrypted ones, if it is `SEALED`."""
    revision: int = 0
    """Grows with every change of any call."""
    request_stream: _Key | None = None
    response_stream: _Key | None = None

    @property
    def key(self) -> _Key:
        """What the answer is recognised by. The caller of a call of the server is called as its request."""
        return self.room, self.caller or self.request_id, self.request_id

    @property
    def is_quiet(self) -> bool:
        """The console itself asks for something."""
        return self.caller == SERVER and self.method == wire.METHODS_METHOD


class CallTracker:
    """Fed with every packet, in order; remembers the newest calls."""

    def __init__(self, on_end: Callable[[TrackedCall], None] = lambda call: None) -> None:
        """`on_end` is told of each call that was answered, well or with an error."""
        self.revision = 0
        self.started = 0
        """How many calls there were."""
        self.failed = 0
        """How many of them did not end well."""
        self.forgotten = 0
        """How many made room for newer ones before they had ended."""
        self.unmatched = 0
        """Answers without a request, and requests that cannot be told from another one."""
        self._on_end = on_end
        self._keep = False
        self._numbers = 0
        self._log: OrderedDict[int, TrackedCall] = OrderedDict()
        self._open: dict[_Key, TrackedCall] = {}
        self._streams: dict[_Key, tuple[TrackedCall, Content]] = {}
        self._sealed: dict[_Key, TrackedCall] = {}
        self._takers: dict[str, Callable[[str, str, models.DataPacket, float], None]] = {
            "rpc_request": self._take_request,
            "rpc_ack": self._take_ack,
            "rpc_response": self._take_response,
            "stream_header": self._take_header,
            "stream_chunk": self._take_chunk,
            "stream_trailer": self._take_trailer,
            "encrypted_packet": self._take_sealed,
        }

    @property
    def keeps_payloads(self) -> bool:
        return self._keep

    def keep_payloads(self, keep: bool) -> None:
        """Keep the beginning of payloads from now on, or keep none and forget those that are kept."""
        self._keep = keep
        if not keep:
            for call in self._log.values():
                call.data = None
                call.request.forget()
                if call.response is not None:
                    call.response.forget()
                self._changed(call)

    def changed_since(self, revision: int, most: int) -> list[TrackedCall]:
        """The calls that changed after `revision`, in the order of their changes, the first `most` of them."""
        if revision >= self.revision:
            return []
        changed = [call for call in self._log.values() if call.revision > revision]
        changed.sort(key=lambda call: call.revision)
        return changed[:most]

    def packet(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        """A packet passes, from the participant `sender` or, with `SERVER`, from the server itself."""
        taker = self._takers.get(packet.WhichOneof("value") or "")
        if taker is not None:
            taker(room, sender, packet, now)

    def left(self, room: str, identity: str, now: float) -> None:
        """A participant is gone, and with it the calls it took part in."""
        for call in list(self._open.values()):
            if call.room == room and identity in (call.caller, call.callee):
                self._end(call, CallState.BROKEN_OFF, now)

    def tick(self, now: float) -> None:
        """Give up on answers that do not come any more; call it before looking."""
        for call in list(self._open.values()):
            if now >= call.started + call.timeout + ANSWER_GRACE:
                self._end(call, CallState.UNANSWERED, call.started + call.timeout)

    # Requests

    def _take_request(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        request = packet.rpc_request
        content = Content(keep=self._keep)
        call = self._begin(room, sender, packet, now, request.id, request.method, content)
        if call is not None:
            call.version = request.version
            call.timeout = request.response_timeout_ms / 1000
            content.feed(request.payload.encode("utf-8", "replace"))

    def _take_header(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        header = packet.stream_header
        if header.topic == wire.REQUEST_TOPIC:
            self._take_request_header(room, sender, packet, now)
        elif header.topic == wire.RESPONSE_TOPIC:
            call = self._answered_by(room, sender, packet, header.attributes.get(wire.ATTR_REQUEST_ID, ""))
            if call is not None and call.response_stream is None:
                call.response, call.response_stream = self._open_stream(call, (room, sender, header.stream_id), header)
                if header.HasField("inline_content"):
                    self._end(call, CallState.ANSWERED, now)

    def _take_request_header(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        header = packet.stream_header
        told = wire.parse_request_attributes(header)
        call = self._begin(room, sender, packet, now, told.request_id, told.method, Content(keep=False))
        if call is not None:
            call.version, call.timeout = told.version, told.timeout_ms / 1000
            call.request, call.request_stream = self._open_stream(call, (room, sender, header.stream_id), header)

    def _open_stream(
        self, call: TrackedCall, key: _Key, header: models.DataStream.Header
    ) -> tuple[Content, _Key | None]:
        """The content of a stream, and what its packets are recognised by if there will be more of them."""
        announced = header.total_length if header.HasField("total_length") else None
        content = Content(keep=self._keep, deflated=header.compression == _DEFLATE_RAW, announced=announced)
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
        content: Content,
    ) -> TrackedCall | None:
        """A new entry; None for a request that is there already or cannot be answered."""
        if not 0 < len(request_id) <= wire.MAX_REQUEST_ID_LENGTH:
            self.unmatched += 1
            return None
        call = self._new_call(room, sender, packet, now)
        call.request_id, call.method, call.request = request_id, method[:MAX_TEXT], content
        if call.key in self._open:
            self.unmatched += 1
            return None
        self._open[call.key] = call
        if not call.is_quiet:
            self.started += 1
            self._remember(call)
        return call

    # Answers

    def _take_ack(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        call = self._answered_by(room, sender, packet, packet.rpc_ack.request_id)
        if call is not None and call.acked is None:
            call.acked = now
            self._changed(call)

    def _take_response(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        response = packet.rpc_response
        call = self._answered_by(room, sender, packet, response.request_id)
        if call is None:
            return
        if response.HasField("error"):
            call.code = response.error.code
            call.message = response.error.message[:MAX_TEXT]
            call.data = response.error.data[:MAX_ERROR_DATA] or None if self._keep else None
            self._end(call, CallState.FAILED, now)
            return
        call.response = Content(keep=self._keep)
        call.response.feed(response.payload.encode("utf-8", "replace"))
        self._end(call, CallState.ANSWERED, now)

    def _answered_by(self, room: str, sender: str, packet: models.DataPacket, request_id: str) -> TrackedCall | None:
        """The call that a packet of the callee belongs to."""
        receiver = packet.destination_identities[0] if packet.destination_identities else ""
        call = self._open.get((room, receiver, request_id))
        if call is None or call.callee not in (sender, ""):
            self.unmatched += 1
            return None
        return call

    # Streams, and what nobody can read

    def _take_chunk(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        found = self._streams.get((room, sender, packet.stream_chunk.stream_id))
        if found is not None:
            found[1].feed(packet.stream_chunk.content)
            self._changed(found[0])

    def _take_trailer(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        trailer = packet.stream_trailer
        request_id = wire.cancelled_request_id(trailer) or ""
        cancelled = self._open.get((room, sender or request_id, request_id))
        if cancelled is not None:
            self._end(cancelled, CallState.CANCELLED, now)
            return
        key = room, sender, trailer.stream_id
        call, _ = self._streams.pop(key, (None, None))
        if call is None:
            return
        if key == call.response_stream:
            self._end(call, CallState.BROKEN_OFF if trailer.reason else CallState.ANSWERED, now)
        elif trailer.reason:
            self._end(call, CallState.CANCELLED, now)

    def _take_sealed(self, room: str, sender: str, packet: models.DataPacket, now: float) -> None:
        receiver = packet.destination_identities[0] if packet.destination_identities else ""
        entry = self._sealed.get((room, sender, receiver))
        if entry is None or entry.ended is None or now - entry.ended > SEALED_GAP:
            entry = self._new_call(room, sender, packet, now)
            entry.state = CallState.SEALED
            self._sealed[room, sender, receiver] = entry
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

    def _end(self, call: TrackedCall, state: CallState, now: float) -> None:
        call.state, call.ended = state, now
        if call.is_quiet:
            self._close(call)
            return
        self.failed += state is not CallState.ANSWERED
        self._close(call)
        self._changed(call)
        if state in (CallState.ANSWERED, CallState.FAILED):
            self._on_end(call)

    def _close(self, call: TrackedCall) -> None:
        """Expect nothing more of a call."""
        if call.state is CallState.SEALED:
            if self._sealed.get((call.room, call.caller, call.callee)) is call:
                del self._sealed[call.room, call.caller, call.callee]
            return
        self._open.pop(call.key, None)
        for stream in (call.request_stream, call.response_stream):
            if stream is not None:
                self._streams.pop(stream, None)

    def _changed(self, call: TrackedCall) -> None:
        self.revision += 1
        call.revision = self.revision
