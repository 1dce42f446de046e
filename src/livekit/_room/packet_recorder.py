"""Records a room's data packets as JSON lines, for bug reports and tests.

`RoomOptions.record` or the environment variable LIVEKIT_RECORD enables it and names the file to append to. Application
content (payloads, stream contents, error messages and data) is recorded only as its size in bytes, unless
`RecordOptions.payloads` is True or LIVEKIT_RECORD_PAYLOADS is 1.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from livekit._util.enum_names import enum_name
from livekit.options import RecordOptions
from livekit.protocol import models

logger = logging.getLogger("livekit")

Fields = dict[str, Any]

MAX_DIGITS = 20
"""Digits of the largest number that is recorded as one: `int` raises ValueError for thousands of them."""


class PacketRecorder:
    """Appends a JSON line for each packet. A file that cannot be written ends the recording with one warning.

    Each line is an object with `time` (Unix seconds), `local` (the local identity), `way` ("out" or "in"), `peer` (the
    sender, or the receivers), `kind`, and the fields of that kind: `request_id`, `method`, `timeout_ms`, `stream_id`,
    sizes in bytes.
    """

    def __init__(self, options: RecordOptions) -> None:
        self.identity = ""
        self._payloads = options.payloads
        self._path = options.path
        self._file: TextIO | None = None
        try:
            self._file = Path(options.path).open("a", encoding="utf-8", buffering=1)  # noqa: SIM115 - until close()
        except (OSError, ValueError) as error:
            self._stop(error)

    def record_sent(self, packet: models.DataPacket) -> models.DataPacket:
        """Record an outgoing packet and return it, as a filter of `PacketFilter`."""
        self._write("out", list(packet.destination_identities), packet)
        return packet

    def record_received(self, packet: models.DataPacket) -> None:
        """Record an incoming packet."""
        self._write("in", packet.participant_identity, packet)

    def close(self) -> None:
        """Close the file. Later packets are ignored."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:  # the disk is full, and the buffer holds a line
                self._stop(error)

    def _stop(self, error: Exception) -> None:
        """Stop recording: an observer must not disturb the room that it observes."""
        logger.warning("packets of %s are no longer recorded in %s: %s", self.identity or "a room", self._path, error)
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _write(self, direction: str, peer: str | list[str], packet: models.DataPacket) -> None:
        if self._file is None:
            return
        try:
            self._file.write(self._line(direction, peer, packet) + "\n")
        except (OSError, ValueError) as error:  # ValueError: lone surrogates
            self._stop(error)

    def _line(self, direction: str, peer: str | list[str], packet: models.DataPacket) -> str:
        kind = packet.WhichOneof("value") or "empty"
        line: Fields = {
            "time": round(time.time(), 6),
            "local": self.identity,
            "way": direction,
            "peer": peer,
            "kind": kind,
        }
        describe = _DESCRIBE.get(kind)
        if describe is not None:
            line.update(describe(getattr(packet, kind), self._content))
        return json.dumps(line, ensure_ascii=False, separators=(",", ":"))

    def _content(self, name: str, content: str | bytes) -> Fields:
        """Return the size of application content and, if payloads are recorded, the content."""
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        fields: Fields = {f"{name}_bytes": len(data)}
        if self._payloads:
            fields[name] = content if isinstance(content, str) else data.decode("utf-8", "replace")
        return fields


Content = Callable[[str, str | bytes], Fields]


def _request(request: models.RpcRequest, content: Content) -> Fields:
    return {
        "request_id": request.id,
        "method": request.method,
        "timeout_ms": request.response_timeout_ms,
        "version": request.version,
        **content("payload", request.payload),
    }


def _ack(ack: models.RpcAck, content: Content) -> Fields:
    return {"request_id": ack.request_id}


def _response(response: models.RpcResponse, content: Content) -> Fields:
    if not response.HasField("error"):
        return {"request_id": response.request_id, **content("payload", response.payload)}
    error = response.error
    return {
        "request_id": response.request_id,
        "code": error.code,
        **content("message", error.message),
        **content("data", error.data),
    }


_ATTRIBUTES = {
    "lk.rpc_request_id": "request_id",
    "lk.rpc_request_method": "method",
    "lk.rpc_request_response_timeout_ms": "timeout_ms",
}


def _stream_header(header: models.DataStream.Header, content: Content) -> Fields:
    fields: Fields = {"stream_id": header.stream_id, "topic": header.topic, "total_bytes": header.total_length}
    fields.update({name: header.attributes[key] for key, name in _ATTRIBUTES.items() if key in header.attributes})
    timeout = str(fields.get("timeout_ms", ""))
    if timeout.isdecimal() and len(timeout) <= MAX_DIGITS:
        fields["timeout_ms"] = int(timeout)
    if header.compression:
        fields["compression"] = enum_name(models.DataStream.CompressionType, header.compression).lower()
    if header.HasField("inline_content"):
        fields.update(content("content", header.inline_content))
    return fields


def _stream_chunk(chunk: models.DataStream.Chunk, content: Content) -> Fields:
    return {"stream_id": chunk.stream_id, "index": chunk.chunk_index, **content("content", chunk.content)}


def _stream_trailer(trailer: models.DataStream.Trailer, content: Content) -> Fields:
    fields: Fields = {"stream_id": trailer.stream_id, "reason": trailer.reason}
    if "lk.rpc_request_id" in trailer.attributes:
        fields["request_id"] = trailer.attributes["lk.rpc_request_id"]
    return fields


def _user(packet: models.UserPacket, content: Content) -> Fields:
    return {"topic": packet.topic, **content("payload", packet.payload)}


_DESCRIBE: dict[str, Callable[[Any, Content], Fields]] = {
    "rpc_request": _request,
    "rpc_ack": _ack,
    "rpc_response": _response,
    "stream_header": _stream_header,
    "stream_chunk": _stream_chunk,
    "stream_trailer": _stream_trailer,
    "user": _user,
}
