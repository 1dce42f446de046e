"""Tests of `RtcEngine.connect`: success, failures, and cancellation at any moment."""

from __future__ import annotations

import asyncio

import pytest

from livekit.engine import EngineState
from livekit.errors import (
    AuthenticationError,
    ConnectError,
    ConnectTimeoutError,
    NotLiveKitError,
    ServerUnreachableError,
)
from livekit.options import RoomOptions
from livekit.testing import NetworkRelay, TokenServer
from tests.engine.recording_listener import RecordingListener
from tests.support.leaks import Resources

MOMENTS = [milliseconds / 1000 for milliseconds in range(0, 120, 6)]


async def test_falls_back_to_two_peer_connections_without_the_v1_route(server: TokenServer, room_name: str) -> None:
    async with NetworkRelay(server.url) as relay:
        relay.signals.missing = ("/rtc/v1",)
        alice = RecordingListener(relay.url, server.token("alice", room=room_name))
        await alice.engine.connect()
        assert any(path.startswith("/rtc?") for path in relay.signals.paths)
        assert len(alice.peers) == 3
        await alice.engine.close()


async def test_server_without_signaling_route_is_not_livekit(
    server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    async with NetworkRelay(server.url) as relay:
        relay.signals.missing = ("/rtc",)
        alice = RecordingListener(relay.url, server.token("alice", room=room_name), options)
        with pytest.raises(NotLiveKitError, match="URL"):
            await alice.engine.connect()


async def test_token_without_room_join_raises_authentication_error(
    server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    alice = RecordingListener(server.url, server.token("alice", room=room_name, room_join=False), options)
    with pytest.raises(AuthenticationError) as caught:
        await alice.engine.connect()
    assert caught.value.status in {401, 403}


async def test_expired_token_is_reported_as_expired(server: TokenServer, room_name: str, options: RoomOptions) -> None:
    alice = RecordingListener(server.url, server.token("alice", room=room_name, ttl=-120.0), options)
    with pytest.raises(AuthenticationError, match="expired"):
        await alice.engine.connect()


async def test_tampered_token_raises_authentication_error(
    server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    header, claims, signature = server.token("alice", room=room_name).split(".")
    alice = RecordingListener(server.url, f"{header}.{claims}.{signature[::-1]}", options)
    with pytest.raises(AuthenticationError, match=r"40[13]"):
        await alice.engine.connect()


async def test_refused_tcp_connection_raises_server_unreachable(
    server: TokenServer, room_name: str, options: RoomOptions
) -> None:
    async with NetworkRelay(server.url) as relay:
        url = relay.url
    alice = RecordingListener(url, server.token("alice", room=room_name), options)
    with pytest.raises(ServerUnreachableError):
        await alice.engine.connect()
    assert alice.states == [EngineState.CONNECTING, EngineState.DISCONNECTED]


@pytest.mark.usefixtures("no_leaks")
async def test_silent_server_raises_connect_timeout(options: RoomOptions) -> None:
    closed = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        closed.set()

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    options.connect_timeout = 0.3
    alice = RecordingListener(f"ws://127.0.0.1:{port}", "token", options)
    with pytest.raises(ConnectTimeoutError, match=rf"waiting for 127\.0\.0\.1:{port} to answer"):
        await alice.engine.connect()
    await closed.wait()
    listener.close()
    await listener.wait_closed()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_connect_cancelled_at_any_moment_releases_everything(
    server: TokenServer, room_name: str, options: RoomOptions, moment: float
) -> None:
    before = Resources.now()
    alice = RecordingListener(server.url, server.token("alice", room=room_name), options)
    connecting = asyncio.ensure_future(alice.engine.connect())
    await asyncio.wait({connecting}, timeout=moment)
    connecting.cancel()
    await asyncio.wait({connecting})
    if not connecting.cancelled():
        assert connecting.exception() is None, "cancelled after it had connected"
        await alice.engine.close()
    assert alice.states[-1] is EngineState.DISCONNECTED
    await before.assert_restored()


@pytest.mark.parametrize("moment", MOMENTS[::4])
async def test_close_at_any_moment_of_connecting_releases_everything(
    server: TokenServer, room_name: str, options: RoomOptions, moment: float
) -> None:
    before = Resources.now()
    alice = RecordingListener(server.url, server.token("alice", room=room_name), options)
    connecting = asyncio.ensure_future(alice.engine.connect())
    await asyncio.wait({connecting}, timeout=moment)
    await asyncio.wait_for(alice.engine.close(), 2)
    if not connecting.done() or connecting.exception() is not None:
        with pytest.raises(ConnectError):
            await connecting
    assert alice.states[-1] is EngineState.DISCONNECTED
    await before.assert_restored()


async def test_second_connect_raises(server: TokenServer, room_name: str, options: RoomOptions) -> None:
    alice = RecordingListener(server.url, server.token("alice", room=room_name), options)
    await alice.engine.connect()
    with pytest.raises(RuntimeError, match="once"):
        await alice.engine.connect()
    await alice.engine.close()
