"""POST requests to servers that misbehave, sent from synchronous code."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Generator

import pytest

from livekit.backend import Backend, BackendTimeoutError
from livekit.backend.http import post
from livekit.backend.sync import run_sync
from livekit.backend.twirp import MAX_RESPONSE_SIZE, TwirpRequest
from livekit.errors import NotLiveKitError, ServerUnreachableError

TIMEOUT = 0.5


def post_sync(request: TwirpRequest, timeout: float) -> tuple[int, bytes]:
    response = run_sync(post(request, timeout))
    return response.status, response.body


@contextlib.contextmanager
def serving(respond: Callable[[socket.socket], None]) -> Generator[str]:
    """Run a server that accepts one connection and calls `respond` with it; yields its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10.0)

        def serve() -> None:
            connection, _ = listener.accept()
            connection.settimeout(None)
            with connection, contextlib.suppress(OSError):
                respond(connection)
                connection.shutdown(socket.SHUT_WR)
                read_to_end(connection)  # closing with unread data would reset the connection

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def read_to_end(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def trickle_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n")
        time.sleep(0.05)


def trickle_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("respond", [read_to_end, trickle_headers, trickle_body])
def test_deadline_covers_the_whole_exchange(respond: Callable[[socket.socket], None]) -> None:
    started = time.monotonic()
    with serving(respond) as url, pytest.raises(TimeoutError):
        post_sync(TwirpRequest(f"{url}/x", {}, b""), TIMEOUT)
    assert time.monotonic() - started < TIMEOUT + 3.0


def test_deadline_covers_a_request_that_the_server_does_not_read() -> None:
    def block(connection: socket.socket) -> None:
        time.sleep(2 * TIMEOUT)

    with serving(block) as url, pytest.raises(TimeoutError):
        post_sync(TwirpRequest(f"{url}/x", {}, b"x" * 50_000_000), TIMEOUT)


def test_deadline_covers_the_tls_handshake() -> None:
    started = time.monotonic()
    with serving(read_to_end) as url, pytest.raises(TimeoutError):
        post_sync(TwirpRequest(f"{url.replace('http', 'https')}/x", {}, b""), TIMEOUT)
    assert time.monotonic() - started < TIMEOUT + 3.0


def test_response_size_is_limited() -> None:
    def respond_endlessly(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * (1 << 20))

    with serving(respond_endlessly) as url:
        status, body = post_sync(TwirpRequest(f"{url}/x", {}, b""), 30.0)
    assert (status, len(body)) == (200, MAX_RESPONSE_SIZE)


def test_request_on_the_wire() -> None:
    received = bytearray()

    def respond(connection: socket.socket) -> None:
        while not received.endswith(b"body"):
            received.extend(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

    with serving(respond) as url:
        assert post_sync(TwirpRequest(f"{url}/a/b", {"X-Test": "1"}, b"body"), 30.0) == (404, b"no")
    assert received.startswith(b"POST /a/b HTTP/1.1\r\n")
    assert b"X-Test: 1\r\n" in received
    assert b"Connection: close\r\n" in received


def test_redirects_are_not_followed() -> None:
    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    with serving(respond) as url:
        assert post_sync(TwirpRequest(f"{url}/x", {}, b""), 30.0) == (302, b"")


@pytest.mark.parametrize("response", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_response_that_is_not_http(response: bytes) -> None:
    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)

    with serving(respond) as url, pytest.raises(NotLiveKitError):
        post_sync(TwirpRequest(f"{url}/x", {}, b""), 30.0)
    with serving(respond) as url, pytest.raises(NotLiveKitError):
        Backend(url, "k", "s").perform_rpc_sync(room="r", destination_identity="a", method="m", payload="")


def test_plain_http_where_tls_is_expected() -> None:
    def respond(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(respond) as url:
        backend = Backend(url.replace("http", "wss"), "k", "s")
        with pytest.raises(ServerUnreachableError, match="use ws:// instead of wss://"):
            backend.perform_rpc_sync(room="r", destination_identity="a", method="m", payload="")


async def test_deadline_beside_a_running_loop() -> None:
    with serving(read_to_end) as url, pytest.raises(BackendTimeoutError):
        Backend(url, "k", "s").perform_rpc_sync(
            room="r", destination_identity="a", method="m", payload="", response_timeout=TIMEOUT
        )
