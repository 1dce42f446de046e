"""The embedded server in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from yarl import URL

from livekit import Room
from livekit.server import DevServer, RoomSettings, ServerStartError
from livekit.testing import ServerThread


def test_rooms_of_any_event_loop_can_join() -> None:
    async def join(server: ServerThread) -> str:
        async with Room() as room:
            await room.connect(server.url, server.token("alice", room="r"))
            return room.local_participant.identity

    with ServerThread() as server:
        assert [asyncio.run(join(server)) for _ in range(2)] == ["alice", "alice"]


@pytest.mark.parametrize(("settings", "kept"), [({}, False), ({"room_settings": RoomSettings()}, True)])
def test_rooms_end_with_their_last_participant_unless_configured(settings: dict[str, RoomSettings], kept: bool) -> None:
    async def join_and_leave(server: ServerThread) -> None:
        async with Room() as room:
            await room.connect(server.url, server.token("alice", room="r"))

    def is_kept(inner: DevServer) -> bool:
        room = inner.rooms.get("r")
        return room is not None and not room.participants

    with ServerThread(**settings) as server:
        asyncio.run(join_and_leave(server))
        while server.call(lambda inner: any(room.participants for room in inner.rooms.rooms)):
            pass
        assert server.call(is_kept) is kept


def test_call_runs_on_the_servers_thread() -> None:
    with ServerThread() as server:
        assert server.call(lambda _: threading.current_thread().name) == "livekit test server"
        assert server.call(lambda inner: (type(inner), inner.url)) == (DevServer, server.url)


def test_call_raises_the_error_of_its_action() -> None:
    def fail(_: DevServer) -> None:
        raise LookupError("no such room")

    with ServerThread() as server:
        with pytest.raises(LookupError, match="no such room"):
            server.call(fail)
        assert server.call(lambda inner: inner.api_key) == server.api_key


def test_exit_closes_the_port_and_ends_the_thread() -> None:
    with ServerThread() as server:
        port = URL(server.url).port or 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert "livekit test server" not in [thread.name for thread in threading.enumerate()]


def test_failed_start_raises_in_the_callers_thread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ServerThread()
        server._server = DevServer(port=taken.getsockname()[1])
        with pytest.raises(ServerStartError), server:
            pass
    server._thread.join(5)
    assert not server._thread.is_alive()
