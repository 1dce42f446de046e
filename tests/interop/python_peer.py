"""Participants in Python, driven by lines of JSON: see `harness.py`. Runs with the official SDK and with ours.

It reads requests `{"id": 1, "do": "call", …}` from stdin, and writes the replies `{"reply": 1, "value": …}` or
`{"reply": 1, "error": {…}}`, and events, to stdout. The SDK logs to stderr.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Literal

from python_audio import Audio  # type: ignore[import-not-found,unused-ignore]  # pyright: ignore[reportMissingImports]

from livekit import rtc

LONGEST_LINE = 1 << 24
TOPIC = "topic"


def say(**message: object) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def echo(data: rtc.RpcInvocationData) -> str:
    return data.payload


def describe(data: rtc.RpcInvocationData) -> str:
    seen = {"request_id": data.request_id, "caller": data.caller_identity, "response_timeout": data.response_timeout}
    return json.dumps(seen)


def repeat(data: rtc.RpcInvocationData) -> str:
    asked = json.loads(data.payload)
    return str(asked["text"]) * int(asked["times"])


def nothing(data: rtc.RpcInvocationData) -> None:
    return None


def fail(data: rtc.RpcInvocationData) -> str:
    error = json.loads(data.payload)
    details = error.get("data")
    raise rtc.RpcError(error["code"], error["message"], details and details * error.get("times", 1))


def crash(data: rtc.RpcInvocationData) -> str:
    raise KeyError("a secret of the handler")


async def sleep(data: rtc.RpcInvocationData) -> str:
    await asyncio.sleep(float(data.payload))
    return "slept"


HANDLERS: tuple[rtc.RpcHandler, ...] = (echo, describe, repeat, nothing, fail, crash, sleep)


class Member:
    """One participant in one room."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.identity = ""
        self.audio = Audio(self.room)
        self.reading: set[asyncio.Future[None]] = set()

    async def join(self, url: str, token: str, key: str, connections: str, audio: str) -> str:
        """Join, with a `key` in an encrypted room, on "1" or "2" peer connections, and with `audio`."""
        self.listen()
        if audio:
            self.audio.listen()
        # By default the official SDK ratchets the key 16 times for each packet that it does not open: seconds.
        keys = rtc.KeyProviderOptions(shared_key=key.encode(), ratchet_window_size=0)
        options = rtc.RoomOptions(
            encryption=rtc.E2EEOptions(keys) if key else None,
            single_peer_connection=connections != "2",
        )
        await self.room.connect(url, token, options)
        self.identity = self.room.local_participant.identity
        for handler in HANDLERS:
            name = getattr(handler, "__name__", "")
            self.room.local_participant.register_rpc_method(name, partial(self.answer, name, handler))
        return self.identity

    # data

    def listen(self) -> None:
        """Report received packets and streams, with a digest of their content."""
        self.room.on("data_received", self.got_packet)
        self.room.register_text_stream_handler(TOPIC, self.got_stream)
        self.room.register_byte_stream_handler(TOPIC, self.got_stream)

    def got(self, what: str, sender: str, content: bytes, **more: object) -> None:
        digest = hashlib.sha256(content).hexdigest()
        say(event="got", who=self.identity, what=what, sender=sender, size=len(content), digest=digest, **more)

    def got_packet(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else ""
        self.got("packet", sender, packet.data, topic=packet.topic, reliable=packet.kind == 1)

    def got_stream(self, reader: rtc.TextStreamReader | rtc.ByteStreamReader, sender: str) -> None:
        task = asyncio.ensure_future(self.read(reader, sender))
        self.reading.add(task)
        task.add_done_callback(self.reading.discard)

    async def read(self, reader: rtc.TextStreamReader | rtc.ByteStreamReader, sender: str) -> None:
        what = "text" if isinstance(reader, rtc.TextStreamReader) else "bytes"
        content, error = b"", None
        try:
            async for piece in reader:
                content += piece.encode() if isinstance(piece, str) else piece
        except rtc.StreamError as failed:
            error = str(failed)
        self.got(what, sender, content, attributes=reader.info.attributes, failed=error is not None)

    async def publish(self, content: str, to: list[str], reliable: bool) -> None:
        await self.room.local_participant.publish_data(
            content, topic=TOPIC, destination_identities=to, reliable=reliable
        )

    async def send_text(self, content: str, to: list[str], attributes: dict[str, str]) -> None:
        await self.room.local_participant.send_text(
            content, topic=TOPIC, destination_identities=to, attributes=attributes
        )

    async def write_text(self, pieces: list[str], to: list[str], reason: str) -> None:
        writer = await self.room.local_participant.stream_text(topic=TOPIC, destination_identities=to)
        for piece in pieces:
            await writer.write(piece)
        await writer.aclose(reason=reason)

    async def write_bytes(self, content: str, to: list[str]) -> None:
        """Return the base64-decoded bytes of `content`."""
        writer = await self.room.local_participant.stream_bytes("name", topic=TOPIC, destination_identities=to)
        await writer.write(base64.b64decode(content))
        await writer.aclose()

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        await self.room.local_participant.set_attributes(attributes)

    async def answer(self, method: str, handler: rtc.RpcHandler, data: rtc.RpcInvocationData) -> str | None:
        """Run a handler, and report when it starts and how it ends."""
        report = partial(say, who=self.identity, method=method, caller=data.caller_identity)
        report(event="started")
        how = "returned"
        try:
            result = handler(data)
            return result if result is None or isinstance(result, str) else await result
        except asyncio.CancelledError:
            how = "cancelled"
            raise
        except Exception:
            how = "raised"
            raise
        finally:
            report(event="ended", how=how)

    # audio

    async def play(self, frequency: float) -> str:
        return str(await self.audio.play(frequency))

    async def mute(self, muted: bool) -> None:
        self.audio.mute(muted)

    async def subscribe(self, other: str, wanted: bool) -> None:
        self.audio.subscribe(other, wanted)

    async def hears(self, other: str, frequency: float) -> None:
        await self.audio.hears(other, frequency)

    async def silent(self, other: str, frequency: float) -> None:
        await self.audio.silent(other, frequency)

    async def reconnect(self, full: bool) -> None:
        """Reconnect as after a failure of the network: resume, or join again."""
        reconnected = asyncio.Event()
        self.room.once("reconnected", reconnected.set)
        kinds = rtc.SimulateScenarioKind
        await self.room.simulate_scenario(kinds.SIMULATE_FULL_RECONNECT if full else kinds.SIMULATE_SIGNAL_RECONNECT)
        await reconnected.wait()

    async def listed(self, other: str) -> None:
        """Wait until the room lists a participant."""
        await self.until("participant_connected", lambda: other in self.room.remote_participants)

    async def gone(self, other: str) -> None:
        """Wait until the room does not list a participant."""
        await self.until("participant_disconnected", lambda: other not in self.room.remote_participants)

    async def until(
        self, event: Literal["participant_connected", "participant_disconnected"], holds: Callable[[], bool]
    ) -> None:
        """Wait until `condition` holds, checking on each event."""
        seen = asyncio.Event()

        def on_event(participant: rtc.RemoteParticipant) -> None:
            seen.set()

        self.room.on(event, on_event)
        try:
            while not holds():
                seen.clear()
                await seen.wait()
        finally:
            self.room.off(event, on_event)

    async def call(self, to: str, method: str, payload: str, timeout: float | None) -> str:
        return await self.room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload, response_timeout=timeout
        )

    async def leave(self) -> None:
        await self.audio.aclose()
        await self.room.disconnect()


class Program:
    """Answers requests, each in its own task."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.running: dict[int, asyncio.Task[None]] = {}

    async def serve(self) -> None:
        reader = asyncio.StreamReader(limit=LONGEST_LINE)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            request = json.loads(line)
            number = request.pop("id")
            if request["do"] == "cancel":
                await asyncio.sleep(0)  # let a call that was just asked for begin
                call = self.running.get(request["call"])
                if call is not None:  # else it has just ended
                    call.cancel()
                say(reply=number, value=None)
                continue
            task = asyncio.create_task(self.answer(number, **request))
            self.running[number] = task
        for member in self.members.values():
            await member.leave()

    async def answer(self, number: int, do: str, who: str = "", **arguments: str) -> None:
        try:
            act: Callable[..., Awaitable[object]] = self.join if do == "join" else getattr(self.members[who], do)
            say(reply=number, value=await act(**arguments))
        except rtc.RpcError as error:
            described = {"code": int(error.code), "message": error.message, "data": error.data or None}
            say(reply=number, error={"type": "RpcError", **described})
        except (Exception, asyncio.CancelledError) as error:
            say(reply=number, error={"type": type(error).__name__, "message": str(error)})
        finally:
            del self.running[number]

    async def join(self, url: str, token: str, key: str = "", connections: str = "1", audio: str = "") -> str:
        member = Member()
        identity = await member.join(url, token, key, connections, audio)
        self.members[identity] = member
        return identity


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(Program().serve())
