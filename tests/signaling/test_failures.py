"""All causes of a failed connection, against real sockets."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from aiohttp import web
from yarl import URL

from livekit._http.failures import classify_exception
from livekit._http.refusals import MAX_SERVER_TEXT, Refusal
from livekit.errors import (
    AuthenticationError,
    ConnectError,
    NotLiveKitError,
    ServerUnreachableError,
)
from livekit.protocol import rtc
from livekit.signaling import RouteMissingError, SignalConnection, SignalParameters, SignalUrls, parse_server_url
from livekit.signaling.failures import classify_status

pytestmark = pytest.mark.usefixtures("no_leaks")

TOKEN = "header.claims.signature"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def ignore_progress(_: str) -> None:
    """Ignore progress."""


async def attempt(url: str, token: str = TOKEN) -> rtc.SignalResponse:
    """Connect and wait for the first message."""
    urls = SignalUrls.single(parse_server_url(url), SignalParameters())
    connection = await SignalConnection.open(urls, token, ignore_progress)
    try:
        return await connection.receive()
    finally:
        await connection.abort()


@asynccontextmanager
async def http_server(websocket: Handler, validate: Handler) -> AsyncGenerator[str, None]:
    app = web.Application()
    app.router.add_get("/rtc/v1", websocket)
    app.router.add_get("/rtc/v1/validate", validate)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"ws://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tcp_server(talk: Talk) -> AsyncGenerator[str, None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def answering(status: int, text: str = "") -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text)

    return answer


REFUSALS = [
    (401, "invalid API key: APIxyz", AuthenticationError, "LIVEKIT_API_KEY"),
    (401, "invalid token: token is expired (exp)", AuthenticationError, "new token"),
    (401, "invalid token: error in cryptographic primitive", AuthenticationError, "LIVEKIT_API_SECRET"),
    (401, "invalid token: eyJh.eyJi.c-_D, error: token is expired (exp)", AuthenticationError, "invalid token: …, err"),
    (401, "permissions denied", AuthenticationError, "roomJoin"),
    (403, "", AuthenticationError, "key and secret"),
    (404, "requested room does not exist", ConnectError, "Create the room"),
    (404, "404 page not found", RouteMissingError, "LiveKit server"),
    (400, "identity cannot be empty", ConnectError, "identity cannot be empty"),
    (408, "", ServerUnreachableError, "Try again later"),
    (429, "too many", ServerUnreachableError, "over a limit"),
    (503, "no node", ServerUnreachableError, "no node"),
    (200, "<html>Welcome</html>", NotLiveKitError, "instead of opening a WebSocket"),
]


@pytest.mark.parametrize(("status", "text", "kind", "hint"), REFUSALS)
async def test_refusal_is_classified_by_status_and_text(
    status: int, text: str, kind: type[ConnectError], hint: str
) -> None:
    async with http_server(answering(status), answering(status, text)) as url:
        with pytest.raises(kind, match=hint) as caught:
            await attempt(url)
    assert type(caught.value) is kind
    if text and "<" not in text and "eyJ" not in text and kind is not RouteMissingError:
        assert text in caught.value.message
    if isinstance(caught.value, AuthenticationError):
        assert caught.value.status == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirect_is_not_followed_and_its_target_is_named(status: int) -> None:
    followed: list[str] = []

    async def redirect(request: web.Request) -> web.StreamResponse:
        location = f"https://user:hidden@other.example{request.path}?join_request=hidden#x"
        return web.Response(status=status, headers={"Location": location})

    async def follow(request: web.Request) -> web.StreamResponse:
        followed.append(request.path)
        return web.Response()

    async with http_server(redirect, follow) as url:
        with pytest.raises(NotLiveKitError, match=rf"redirects to https://other.example/rtc/v1 \({status}\)") as caught:
            await attempt(url)
    assert "wss://other.example" in caught.value.message
    assert "hidden" not in caught.value.message
    assert not followed


@pytest.mark.parametrize("location", [None, "", "http://[", "/elsewhere", "//h", "ws:"])
async def test_redirect_to_anywhere_is_told(location: str | None) -> None:
    async def redirect(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={} if location is None else {"Location": location})

    async with http_server(redirect, redirect) as url:
        with pytest.raises(ConnectError, match="302"):
            await attempt(url)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize("is_date", [False, True])
@pytest.mark.parametrize("name", ["Retry-After", "retry-after"])
async def test_retry_after_is_reported(status: int, is_date: bool, name: str) -> None:
    until = datetime.now(timezone.utc) + timedelta(seconds=30)
    value = format_datetime(until, usegmt=True) if is_date else "30"

    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={name: value})

    async with http_server(refuse, refuse) as url:
        with pytest.raises(ServerUnreachableError, match=r"It asks to try again in (29|30) s") as caught:
            await attempt(url)
    assert caught.value.retry_after == pytest.approx(30, abs=2)


@pytest.mark.parametrize(
    ("token", "problem"), [("ws://127.0.0.1:1", "the token is a URL"), ("Bearer a.b.c", "must not begin with 'Bearer'")]
)
async def test_mistaken_token_is_explained(token: str, problem: str) -> None:
    with pytest.raises(AuthenticationError, match=problem):
        await attempt("ws://127.0.0.1:1", token)


async def test_token_is_sent_in_a_header_and_never_in_messages() -> None:
    authorizations: list[str | None] = []

    async def refuse(request: web.Request) -> web.StreamResponse:
        authorizations.append(request.headers.get("Authorization"))
        assert TOKEN not in str(request.url)
        return web.Response(status=401, text="invalid API key")

    async with http_server(refuse, refuse) as url:
        with pytest.raises(AuthenticationError) as caught:
            await attempt(url)
    assert authorizations == [f"Bearer {TOKEN}"] * 2
    assert TOKEN not in str(caught.value)


async def test_refusal_without_a_validate_route_is_still_explained() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with http_server(answering(401), hang_up) as url:
        with pytest.raises(AuthenticationError, match="refused the token"):
            await attempt(url)


async def test_refused_connection() -> None:
    async with http_server(answering(200), answering(200)) as url:
        pass
    with pytest.raises(ServerUnreachableError, match=r"no connection to 127\.0\.0\.1"):
        await attempt(url)


async def test_unresolvable_name() -> None:
    with pytest.raises(ServerUnreachableError, match=r"'nowhere\.invalid' does not resolve"):
        await attempt("ws://nowhere.invalid:7880")


async def test_tls_to_a_server_without_tls() -> None:
    async with http_server(answering(404), answering(404)) as url:
        with pytest.raises(ServerUnreachableError, match="ws://"):
            await attempt(url.replace("ws:", "wss:"))


async def test_server_that_does_not_speak_http() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()

    async with tcp_server(talk) as url:
        with pytest.raises(NotLiveKitError, match="does not answer in HTTP"):
            await attempt(url)


async def test_server_that_closes_the_connection() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with tcp_server(talk) as url:
        with pytest.raises(ConnectError, match=r"closed the connection|failed"):
            await attempt(url)


@pytest.mark.parametrize(
    ("first", "kind", "match"),
    [
        (b"\xff\xff\xff", NotLiveKitError, "invalid signal message"),
        ("hello", NotLiveKitError, "binary"),
        (None, ConnectError, "closed the signal connection"),
    ],
)
async def test_websocket_of_another_protocol(first: bytes | str | None, kind: type[ConnectError], match: str) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if isinstance(first, bytes):
            await socket.send_bytes(first)
        elif first is not None:
            await socket.send_str(first)
        await socket.close()
        return socket

    async with http_server(serve, answering(200)) as url:
        with pytest.raises(kind, match=match):
            await attempt(url)


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tökén"])
async def test_malformed_token_is_not_sent(token: str) -> None:
    with pytest.raises(AuthenticationError, match="token"):
        await attempt("ws://127.0.0.1:1", token)


def test_long_response_is_truncated() -> None:
    error = classify_status(Refusal(400, "x" * 10_000), URL("ws://h:1/rtc"))
    assert len(error.message) < MAX_SERVER_TEXT + 200


@pytest.mark.parametrize("error", [ValueError("odd"), ssl.SSLError("bad record"), OSError("broken")])
def test_any_exception_becomes_a_connect_error(error: Exception) -> None:
    assert "h:80" in classify_exception(error, URL("ws://h:80")).message
