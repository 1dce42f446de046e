"""Output of `livekit listen`, event by event; docs/cli.md lists the fields."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, cast

from livekit._util.aio import start_task
from livekit._util.enum_names import enum_name
from livekit._util.utf8 import utf8_length
from livekit.enums import DataPacketKind, DisconnectReason, TrackKind, TrackSource
from livekit.events import EventEmitter
from livekit.rpc import IncomingRpcNext, RpcError, RpcInterceptor, RpcInvocationData
from livekit.streams.info import StreamError

from .output import printable, to_json

if TYPE_CHECKING:
    from livekit import (
        DataPacket,
        Participant,
        Room,
        SipDTMF,
        TextStreamReader,
        TrackPublication,
        TranscriptionSegment,
    )
    from livekit.data import ChatMessage

MAX_SHOWN = 200
"""Characters of one value in text output; JSON output is not truncated."""

MAX_TEXT = 1 << 20
"""Bytes of the longest text stream that is printed."""

Fields = dict[str, object]


class Listener:
    """Prints the events of a room, one per line."""

    def __init__(self, stop: asyncio.Event, *, as_json: bool) -> None:
        """Print events; `stop` is set when the room disconnects or standard output fails."""
        self._stop = stop
        self._format = to_json if as_json else format_line
        self.failure: OSError | None = None
        """The error of standard output."""
        self.disconnect_reason = ""
        """The name of the reason; empty while connected."""

    def listen_to(self, room: Room) -> None:
        """Print all further events of a room."""
        emitter = cast("EventEmitter[str]", room)
        for event, describe in EVENTS.items():
            emitter.on(event, partial(self._on_event, event, describe))
        emitter.on("disconnected", self._on_disconnected)

    def show_tracks(self, room: Room) -> None:
        """Print the tracks that were published before the room was joined."""
        for participant in room.remote_participants.values():
            for publication in participant.track_publications.values():
                self.show("track_published", **_publication(publication, participant))

    def show(self, event: str, **fields: object) -> None:
        """Print one event."""
        time = datetime.now(tz=timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            print(self._format({"time": time, "event": event, **fields}), flush=True)
        except OSError as error:
            self.failure = error
            self._stop.set()

    def _on_event(self, event: str, describe: Callable[..., Fields], *args: object) -> None:
        self.show(event, **describe(*args))

    def _on_disconnected(self, reason: DisconnectReason.ValueType) -> None:
        self.disconnect_reason = enum_name(DisconnectReason, reason)
        if not self._stop.is_set():
            self.show("disconnected", reason=self.disconnect_reason)
            self._stop.set()


class TextListener:
    """Prints text streams once they are complete."""

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show
        self._readers: set[asyncio.Task[None]] = set()

    def __call__(self, reader: TextStreamReader, sender: str) -> None:
        """Handle a new text stream."""
        task = start_task(self._read(reader, sender))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def aclose(self) -> None:
        """Cancel all readers."""
        for task in self._readers:
            task.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _read(self, reader: TextStreamReader, sender: str) -> None:
        stream: Fields = {"from": sender, "topic": reader.info.topic}
        chunks: list[str] = []
        size = 0
        try:
            async for chunk in reader:
                chunks.append(chunk)
                size += utf8_length(chunk)
                if size > MAX_TEXT:
                    reader.close()
                    self._show("text_received", **stream, error=f"more than {MAX_TEXT} bytes")
                    return
        except StreamError as error:
            self._show("text_received", **stream, error=str(error))
            return
        self._show("text_received", **stream, text="".join(chunks))


class CallListener(RpcInterceptor):
    """Prints incoming RPC calls with their response or error, unsupported methods included."""

    def __init__(self, show: Callable[..., None]) -> None:
        self._show = show

    async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
        call: Fields = {
            "from": None if invocation.is_from_backend else invocation.caller_identity,
            "method": invocation.method,
            "payload": invocation.payload,
        }
        try:
            response = await next(invocation)
        except RpcError as error:
            self._show("call", **call, code=int(error.code), message=error.message)
            raise
        self._show("call", **call, answer=response)
        return response


def format_line(entry: Fields) -> str:
    """Return an event as a line of text: ``12:03:04.567  data_received  from=alice topic=chat payload=hi``."""
    fields = {key: value for key, value in entry.items() if key not in ("time", "event")}
    values = "  ".join(f"{key}={_shown(value)}" for key, value in fields.items() if value not in (None, ""))
    return f"{str(entry['time'])[11:23]}  {entry['event']}  {values}".rstrip()


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…")


def _identity(participant: Participant | None) -> str | None:
    return None if participant is None else participant.identity


def _joined(participant: Participant) -> Fields:
    return {"identity": participant.identity, "name": participant.name}


def _left(participant: Participant) -> Fields:
    reason = participant.disconnect_reason
    return {"identity": participant.identity, "reason": None if reason is None else enum_name(DisconnectReason, reason)}


def _name_changed(participant: Participant, old: str, new: str) -> Fields:
    return {"identity": participant.identity, "name": new}


def _metadata_changed(participant: Participant, old: str, new: str) -> Fields:
    return {"identity": participant.identity, "metadata": new}


def _attributes(changed: dict[str, str], participant: Participant) -> Fields:
    return {"identity": participant.identity, "changed": changed}


def _room_metadata(old: str, new: str) -> Fields:
    return {"metadata": new}


def _data(packet: DataPacket) -> Fields:
    sender = {"from": _identity(packet.participant), "topic": packet.topic}
    try:
        payload: Fields = {"payload": packet.data.decode()}
    except UnicodeDecodeError:
        payload = {"payload_base64": base64.b64encode(packet.data).decode()}
    return {**sender, "reliable": packet.kind == DataPacketKind.KIND_RELIABLE, **payload}


def _chat(message: ChatMessage) -> Fields:
    return {"from": _identity(message.participant), "message": message.message, "deleted": message.deleted}


def _dtmf(tone: SipDTMF) -> Fields:
    return {"from": _identity(tone.participant), "code": tone.code, "digit": tone.digit}


def _transcription(
    segments: list[TranscriptionSegment], participant: Participant | None, publication: object
) -> Fields:
    texts = [{"text": segment.text, "final": segment.final} for segment in segments]
    return {"identity": _identity(participant), "segments": texts}


def _publication(publication: TrackPublication, participant: Participant) -> Fields:
    source = enum_name(TrackSource, publication.source).removeprefix("SOURCE_").lower()
    kind = enum_name(TrackKind, publication.kind).removeprefix("KIND_").lower()
    fields: Fields = {"identity": participant.identity, "track": publication.sid, "kind": kind, "source": source}
    return {**fields, "name": publication.name, "muted": publication.muted}


def _muted(participant: Participant, publication: TrackPublication) -> Fields:
    return _publication(publication, participant)


def _no_fields() -> Fields:
    return {}


EVENTS: dict[str, Callable[..., Fields]] = {
    "participant_connected": _joined,
    "participant_disconnected": _left,
    "participant_name_changed": _name_changed,
    "participant_metadata_changed": _metadata_changed,
    "participant_attributes_changed": _attributes,
    "room_metadata_changed": _room_metadata,
    "track_published": _publication,
    "track_unpublished": _publication,
    "track_muted": _muted,
    "track_unmuted": _muted,
    "data_received": _data,
    "chat_message_received": _chat,
    "sip_dtmf_received": _dtmf,
    "transcription_received": _transcription,
    "reconnecting": _no_fields,
    "reconnected": _no_fields,
}
"""All events except `connected`, `call`, `text_received` and `disconnected`."""
