"""A POST without asyncio, to servers that misbehave."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Generator

import pytest

from livekit.backend import Backend, BackendTimeoutError
from livekit.backend.blocking import post
from livekit.backend.twirp import MAX_ANSWER, Request
from livekit.errors import NotLiveKitError, ServerUnreachableError

TIMEOUT = 0.5


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Generator[str]:
    """The URL of a server that takes one connection and does `answer`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            taken, _ = listener.accept()
            with taken, contextlib.suppress(OSError):
                answer(taken)
                taken.shutdown(socket.SHUT_WR)
                nothing(taken)  # to close with something unread would be a reset

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def nothing(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def headers_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while True:
        connection.sendall(b"X: y\r\n")
        time.sleep(0.05)


def body_without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("answer", [nothing, headers_without_end, body_without_end])
def test_the_deadline_is_kept(answer: Callable[[socket.socket], None]) -> None:
    started = time.monotonic()
    with serving(answer) as url, pytest.raises(TimeoutError):
        post(Request(f"{url}/x", {}, b""), TIMEOUT)
    assert time.monotonic() - started < TIMEOUT + 3.0


def test_a_request_that_is_not_taken() -> None:
    def blocked(connection: socket.socket) -> None:
        time.sleep(2 * TIMEOUT)

    with serving(blocked) as url, pytest.raises(TimeoutError):
        post(Request(f"{url}/x", {}, b"x" * 50_000_000), TIMEOUT)


def test_no_more_than_allowed_is_read() -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * (1 << 20))

    with serving(endless) as url:
        status, body = post(Request(f"{url}/x", {}, b""), 30.0)
    assert (status, len(body)) == (200, MAX_ANSWER)


def test_what_is_sent() -> None:
    got = bytearray()

    def answer(connection: socket.socket) -> None:
        while not got.endswith(b"body"):
            got.extend(connection.recv(65536))
        connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")

    with serving(answer) as url:
        assert post(Request(f"{url}/a/b", {"X-Test": "1"}, b"body"), 30.0) == (404, b"no")
    assert got.startswith(b"POST /a/b HTTP/1.1\r\n")
    assert b"X-Test: 1\r\n" in got
    assert b"Connection: close\r\n" in got


@pytest.mark.parametrize("said", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_something_else(said: bytes) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with serving(answer) as url, pytest.raises(http.client.HTTPException):
        post(Request(f"{url}/x", {}, b""), 30.0)
    with serving(answer) as url, pytest.raises(NotLiveKitError):
        Backend(url, "k", "s").perform_rpc_sync(room="r", destination_identity="a", method="m", payload="")


def test_plain_http_where_tls_is_expected() -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with serving(answer) as url:
        backend = Backend(url.replace("http", "wss"), "k", "s")
        with pytest.raises(ServerUnreachableError, match="use ws:// instead of wss://"):
            backend.perform_rpc_sync(room="r", destination_identity="a", method="m", payload="")


async def test_beside_a_running_loop() -> None:
    with serving(nothing) as url, pytest.raises(BackendTimeoutError):
        Backend(url, "k", "s").perform_rpc_sync(
            room="r", destination_identity="a", method="m", payload="", response_timeout=TIMEOUT
        )
