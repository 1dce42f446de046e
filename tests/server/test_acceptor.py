from __future__ import annotations

import asyncio
import logging
import socket
from functools import partial
from typing import Any

import pytest

from livekit import Room
from livekit.backend import Backend
from livekit.errors import ResourceExhaustedError
from livekit.server import DevServer
from livekit.server.listener import _RequestErrors  # pyright: ignore[reportPrivateUsage]
from tests.support.descriptors import no_free_descriptors

pytestmark = pytest.mark.usefixtures("no_leaks")


async def test_connections_without_free_descriptors_get_503_and_one_warning(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    clients = [socket.socket() for _ in range(3)]
    async with DevServer(port=0) as server:
        with no_free_descriptors():
            for client in clients:
                client.setblocking(False)
                await loop.sock_connect(client, ("127.0.0.1", server.port))
                response = await loop.sock_recv(client, 4096)
                assert response.startswith(b"HTTP/1.1 503 ")
                assert b"Retry-After: 1\r\n" in response
        for client in clients:
            client.close()
        async with Room() as room:
            await room.connect(server.url, server.token("alice", room="demo"))
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == [
        record.message for record in caplog.records if "no free file descriptors" in record.message
    ]
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_client_without_free_descriptors_gets_a_typed_error() -> None:
    url = "ws://127.0.0.1:1"
    arguments: dict[str, Any] = {"room": "r", "destination_identity": "i", "method": "m", "payload": ""}
    backend = Backend(url, "key", "secret")
    call = partial(backend.perform_rpc, **arguments)
    call_sync = partial(backend.perform_rpc_sync, **arguments)
    with no_free_descriptors():
        with pytest.raises(ResourceExhaustedError, match="no free file descriptors"):
            await Room().connect(url, "a.b.c")
        with pytest.raises(ResourceExhaustedError, match="no free file descriptors"):
            await call()
        with pytest.raises(ResourceExhaustedError, match="no free file descriptors"):
            call_sync()


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "https://["])
async def test_malformed_origin_is_refused(origin: str, caplog: pytest.LogCaptureFixture) -> None:
    async with DevServer(port=0) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 403 ")
        writer.close()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def failed_request(error: Exception) -> logging.LogRecord:
    return logging.LogRecord("x", logging.ERROR, "", 0, "Error handling request", (), (type(error), error, None))


def test_failures_of_requests_that_clients_cause_are_not_logged_with_tracebacks() -> None:
    errors = _RequestErrors()
    assert not errors.filter(failed_request(ConnectionResetError("Cannot write to closing transport")))
    assert not errors.filter(failed_request(asyncio.TimeoutError()))
    assert not errors.filter(failed_request(MemoryError()))
    assert errors.filter(failed_request(RuntimeError("a defect")))
    assert not errors.filter(failed_request(RuntimeError("a defect"))), "once in ten seconds"
