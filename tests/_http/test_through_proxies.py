"""Joins, backend calls and webhooks through a real proxy."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from livekit import Room
from livekit._http import tunnel
from livekit.backend import Backend, RecipientNotFoundError
from livekit.errors import ConnectError, NotLiveKitError, ProxyError
from livekit.server import DevServer, WebhookSettings
from tests.support.proxy import TestProxy

pytestmark = pytest.mark.usefixtures("no_leaks")

CALL: dict[str, Any] = {"room": "demo", "destination_identity": "nobody", "method": "m", "payload": ""}


@pytest.fixture
async def embedded(no_leaks: None) -> AsyncIterator[DevServer]:
    async with DevServer(port=0) as server:
        yield server


async def join(server: DevServer, url: str | None = None) -> None:
    async with Room() as room:
        await room.connect(url or server.url, server.token("alice", room="demo"))


async def call(server: DevServer, url: str | None = None, session: aiohttp.ClientSession | None = None) -> None:
    backend = Backend(url or server.url, server.api_key, server.api_secret, session=session)
    with pytest.raises(RecipientNotFoundError):
        await backend.perform_rpc(**CALL)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
async def test_join_uses_a_tunnel(embedded: DevServer, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy(user="us@er:p/w").running() as proxy:
        monkeypatch.setenv(variable, proxy.url.replace("//", "//us%40er:p%2Fw@"))
        await join(embedded)
    assert proxy.requests == [f"CONNECT 127.0.0.1:{embedded.port} HTTP/1.1"]


async def test_refused_join_is_explained_through_the_tunnel(
    embedded: DevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TestProxy().running() as proxy, Room() as room:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(ConnectError, match="invalid authorization token"):
            await room.connect(embedded.url, "a.b.c")
    assert {request.split()[0] for request in proxy.requests} == {"CONNECT"}


async def test_proxy_resolves_the_name(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy(target=("127.0.0.1", embedded.port)).running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        await join(embedded, "ws://inside.invalid")
        await call(embedded, "ws://inside.invalid")
    assert proxy.requests[0] == "CONNECT inside.invalid:80 HTTP/1.1"
    assert proxy.requests[1].startswith("POST http://inside.invalid/twirp/")


async def test_no_proxy_connects_directly(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy().running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "example.com, 127.0.0.0/8")
        await join(embedded)
        await call(embedded)
    assert proxy.requests == []


async def test_backend_sends_plain_requests_to_the_proxy(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy(user="user:pässword").running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:p%C3%A4ssword@"))
        await call(embedded)
        backend = Backend(embedded.url, embedded.api_key, embedded.api_secret)
        with pytest.raises(RecipientNotFoundError):
            await asyncio.to_thread(backend.perform_rpc_sync, **CALL)
    target = f"POST http://127.0.0.1:{embedded.port}/twirp/livekit.RoomService/PerformRpc HTTP/1.1"
    assert proxy.requests == [target] * 2


async def test_session_of_the_user_keeps_its_settings(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy().running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with aiohttp.ClientSession() as session:
            await call(embedded, session=session)
        assert proxy.requests == []
        async with aiohttp.ClientSession(trust_env=True) as session:
            await call(embedded, session=session)
        assert len(proxy.requests) == 1


async def test_webhooks_use_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = "http://user:hidden@hooks.invalid/hook?key=1"
    async with TestProxy(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with DevServer(port=0, webhooks=WebhookSettings([hook])) as server:
            monkeypatch.setenv("NO_PROXY", "127.0.0.1")
            await join(server)
    assert set(proxy.requests) == {"POST http://hooks.invalid/hook?key=1 HTTP/1.1"}


REFUSALS = [
    (
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        407,
        "requires a user and password: HTTP_PROXY=http://USER:",
    ),
    (b"HTTP/1.1 403 Forbidden\r\n\r\n<html>no</html>", 403, "NO_PROXY"),
    (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>no</html>", 502, "NO_PROXY"),
    (b"220 mail.example ESMTP\r\n\r\n", None, "does not answer in HTTP"),
    (b"", None, "closed the connection"),
]


@pytest.mark.parametrize(("answer", "status", "problem"), REFUSALS)
async def test_refusal_of_the_proxy_names_it(
    embedded: DevServer, answer: bytes, status: int | None, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TestProxy(answer=answer).running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        with pytest.raises(ProxyError, match=problem) as caught:
            await join(embedded)
        assert f"the proxy {proxy.url} (HTTP_PROXY)" in caught.value.message
        assert (caught.value.proxy, caught.value.status) == (proxy.url, status)
        backend = Backend(embedded.url, embedded.api_key, embedded.api_secret)
        with pytest.raises(ProxyError if status else NotLiveKitError, match=f"{proxy.url} \\(HTTP_PROXY\\)"):
            await backend.perform_rpc(**CALL)


async def test_wrong_password_is_not_shown(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestProxy(user="user:right").running() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url.replace("//", "//user:hidden@"))
        with pytest.raises(ProxyError, match="other user and password") as caught:
            await join(embedded)
    assert "hidden" not in str(caught.value)


async def test_unreachable_proxy_is_named(embedded: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy, problem in (
        ("http://127.0.0.1:1", "connection refused"),
        ("http://proxy.invalid:1", "does not resolve"),
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        match = rf"no connection to the proxy {proxy} \(HTTP_PROXY\): .*{problem}"
        with pytest.raises(ProxyError, match=match):
            await join(embedded)
        with pytest.raises(ProxyError, match=match):
            await call(embedded)


def certificate(folder: Path) -> Path:
    """Create a self-signed certificate of inside.invalid and 127.0.0.1, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(timezone.utc)
    names = [x509.DNSName("inside.invalid"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).sign(key, hashes.SHA256())
    pem, private = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "certificate.pem"
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, private, serialization.NoEncryption()))
    return path


async def test_tls_inside_the_tunnel(embedded: DevServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    gateway = TestProxy(target=("127.0.0.1", embedded.port))  # as a TLS terminator: only its pumps are used

    async def terminate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gateway.forward(reader, writer)

    server = await asyncio.start_server(terminate, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setattr(tunnel, "_default_context", lambda: ssl.create_default_context(cafile=path))
    try:
        async with TestProxy(target=("127.0.0.1", port)).running() as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
            await join(embedded, "wss://inside.invalid")
            await call(embedded, "wss://inside.invalid")
            monkeypatch.setattr(tunnel, "_default_context", ssl.create_default_context)
            with pytest.raises(ConnectError, match="TLS with inside.invalid:443 failed: self-signed certificate"):
                await join(embedded, "wss://inside.invalid")
    finally:
        server.close()
    assert set(proxy.requests) == {"CONNECT inside.invalid:443 HTTP/1.1"}
