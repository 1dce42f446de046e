"""A room before, during and after its connection."""

from __future__ import annotations

import asyncio
from datetime import datetime, timezone

import pytest

from livekit import (
    ConnectionState,
    E2EEOptions,
    KeyProviderOptions,
    Room,
    RoomOptions,
    RpcInterceptor,
    RpcInvocationData,
)
from livekit.protocol import models, rtc
from livekit.rpc.invocation import IncomingRpcNext
from livekit.testing import RoomEnvironment
from tests.support.mailbox import Mailbox


def ignore_stream(reader: object, sender: str) -> None:
    """Handle a stream by doing nothing."""


memory = pytest.mark.parametrize("environment", ["memory"], indirect=True)


async def test_room_is_empty_before_connect() -> None:
    room = Room()
    assert (room.name, room.metadata, room.num_participants, room.num_publishers) == ("", "", 0, 0)
    assert (room.remote_participants, room.is_recording) == ({}, False)
    assert room.connection_state == ConnectionState.CONN_DISCONNECTED
    assert repr(room) == "rtc.Room(sid=unknown, name=, metadata=, connection_state=CONN_DISCONNECTED)"
    for member in ("local_participant", "e2ee_manager", "creation_time"):
        with pytest.raises(RuntimeError, match="not connected"):
            getattr(room, member)
    with pytest.raises(RuntimeError, match="not connected"):
        await room.sid
    await room.disconnect()


@memory
async def test_room_has_the_servers_properties(environment: RoomEnvironment) -> None:
    alice = await environment.join("alice")
    info = models.Room(
        sid="RM_1", name="r", metadata="m", num_participants=3, num_publishers=2, creation_time=60,
        active_recording=True, empty_timeout=300, departure_timeout=20,
    )  # fmt: skip
    session = alice._require_session()
    session.on_signal(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=info)))
    assert (await alice.sid, alice.name, alice.metadata) == ("RM_1", "r", "m")
    assert (alice.num_participants, alice.num_publishers, alice.is_recording) == (3, 2, True)
    assert (alice.empty_timeout, alice.departure_timeout) == (300.0, 20.0)
    assert alice.creation_time == datetime(1970, 1, 1, 0, 1, tzinfo=timezone.utc)
    assert repr(alice) == "rtc.Room(sid=RM_1, name=r, metadata=m, connection_state=CONN_CONNECTED)"
    info.creation_time_ms = 60_500
    session.on_signal(rtc.SignalResponse(room_update=rtc.RoomUpdate(room=info)))
    assert alice.creation_time == datetime(1970, 1, 1, 0, 1, 0, 500_000, tzinfo=timezone.utc)


@memory
async def test_connecting_twice_raises(environment: RoomEnvironment) -> None:
    async with Room() as room:
        connecting = asyncio.ensure_future(room.connect(environment.url, environment.token("alice")))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already connected or connecting"):
            await room.connect(environment.url, environment.token("alice"))
        await connecting
        with pytest.raises(RuntimeError, match="already connected or connecting"):
            await room.connect(environment.url, environment.token("alice"))
        assert room.isconnected()
    assert not room.isconnected()


@memory
async def test_options_of_another_type_raise(environment: RoomEnvironment) -> None:
    room = Room()
    with pytest.raises(TypeError, match="options must be RoomOptions, not dict"):
        await room.connect(environment.url, environment.token("alice"), {"dynacast": True})  # type: ignore[arg-type]
    assert not room.isconnected()


@memory
async def test_encryption_can_be_switched_per_room(environment: RoomEnvironment) -> None:
    options = RoomOptions(encryption=E2EEOptions(KeyProviderOptions(shared_key=b"k")))
    alice, bob = await environment.join("alice", options=options), await environment.join("bob")
    assert alice.e2ee_manager.enabled
    assert alice.e2ee_manager.key_provider is not None
    assert alice.e2ee_manager.key_provider.export_shared_key(0) == b"k"
    assert not bob.e2ee_manager.enabled


@memory
async def test_streams_of_unregistered_topics_are_ignored(environment: RoomEnvironment) -> None:
    alice, bob = await environment.pair()
    opened: Mailbox[str] = Mailbox()
    for topic in ("removed", "kept"):
        bob.register_text_stream_handler(topic, lambda reader, _: opened.put(f"text {reader.info.topic}"))
        bob.register_byte_stream_handler(topic, lambda reader, _: opened.put(f"bytes {reader.info.topic}"))
    bob.unregister_text_stream_handler("removed")
    bob.unregister_byte_stream_handler("removed")
    for topic in ("removed", "kept"):
        await alice.local_participant.send_text("x", topic=topic)
        writer = await alice.local_participant.stream_bytes("x.bin", topic=topic)
        await writer.aclose()
    assert [await opened.get(), await opened.get()] == ["text kept", "bytes kept"]
    bob.register_text_stream_handler("removed", ignore_stream)


def test_registering_a_topic_twice_raises() -> None:
    room = Room()
    room.register_text_stream_handler("t", ignore_stream)
    room.register_byte_stream_handler("t", ignore_stream)
    with pytest.raises(ValueError, match="t"):
        room.register_text_stream_handler("t", ignore_stream)
    with pytest.raises(ValueError, match="t"):
        room.register_byte_stream_handler("t", ignore_stream)


async def test_interceptors_added_before_connect_wrap_every_call(environment: RoomEnvironment) -> None:
    class Guard(RpcInterceptor):
        calls = 0

        async def intercept_incoming(self, invocation: RpcInvocationData, next: IncomingRpcNext) -> str | None:
            self.calls += 1
            return await next(invocation)

    bob, guard = Room(), Guard()
    bob.add_rpc_interceptor(guard)
    bob.register_rpc_method("echo", lambda invocation: invocation.payload)
    bob.register_rpc_method("gone", lambda invocation: invocation.payload)
    bob.unregister_rpc_method("gone")
    alice = await environment.join("alice")
    for count in (1, 2):
        await bob.connect(environment.url, environment.token(f"bob-{count}"))
        answer = await alice.local_participant.perform_rpc(
            destination_identity=f"bob-{count}", method="echo", payload="hi"
        )
        assert (answer, guard.calls) == ("hi", count), "kept across connections"
        await bob.disconnect()
    bob.remove_rpc_interceptor(guard)
    await bob.connect(environment.url, environment.token("bob-3"))
    await alice.local_participant.perform_rpc(destination_identity="bob-3", method="echo", payload="hi")
    assert guard.calls == 2
    await bob.disconnect()
