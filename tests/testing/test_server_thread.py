"""The embedded server in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest
from yarl import URL

from livekit import Room
from livekit.server import DevServer, ServerStartError
from livekit.testing import ServerThread


def test_rooms_of_any_event_loop_can_join() -> None:
    async def join(server: ServerThread) -> str:
        async with Room() as room:
            await room.connect(server.url, server.token("alice", room="r"))
            return room.local_participant.identity

    with ServerThread() as server:
        assert [asyncio.run(join(server)) for _ in range(2)] == ["alice", "alice"]


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
