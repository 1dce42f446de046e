"""No log record contains payloads or credentials, at any level."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import aiohttp
import pytest

from livekit import Room, RpcError, RpcInvocationData, TextStreamReader
from livekit.server import DevServer
from tests.server.client import PATIENCE, WireClient, http_url

MARK = "pssst"
"""Part of every secret text in the test."""
JWT = re.compile(r"eyJ[\w-]{8,}\.")
KEYS = {"thekey": f"{MARK}-the-secret-of-the-server-is-long"}


class AllRecords(logging.Handler):
    """Records every log record of every logger with all that a formatter could show."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        fields = {name: value for name, value in vars(record).items() if name not in ("args", "exc_info", "msg")}
        exception = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        self.shown.append(f"{record.name}: {record.getMessage()} {fields} {exception}")


@pytest.fixture
def logs() -> Iterator[AllRecords]:
    root, handler = logging.getLogger(), AllRecords()
    before = {name: logging.getLogger(name).level for name in ("", "livekit", "aiohttp")}
    root.addHandler(handler)
    for name in before:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def echo(invocation: RpcInvocationData) -> str:
    return invocation.payload


async def broken(invocation: RpcInvocationData) -> str:
    raise RpcError(2000, f"{MARK} message", f"{MARK} data")


async def too_long(invocation: RpcInvocationData) -> str:
    return MARK * 100_000


def of_no_type(invocation: RpcInvocationData) -> str:
    return {MARK: 1}  # type: ignore[return-value]  # as programs without types do


async def talk(alice: Room, bob: Room) -> None:
    """Send everything that a program can send, including most failures."""
    for handler in (echo, broken, too_long, of_no_type):
        bob.local_participant.register_rpc_method(handler.__name__, handler)
    bob.register_text_stream_handler("notes", _ignore)
    for method in ("echo", "broken", "too_long", "of_no_type", "missing"):
        for payload in (MARK, MARK * 10_000):
            try:
                await alice.local_participant.perform_rpc(
                    destination_identity="bob", method=method, payload=payload, response_timeout=PATIENCE
                )
            except RpcError:
                pass
    await alice.local_participant.publish_data(MARK, topic="notes")
    await alice.local_participant.send_text(MARK * 10_000, topic="notes", attributes={"k": MARK})
    await alice.local_participant.send_text(MARK, topic="no handler")
    await alice.local_participant.set_metadata(MARK)
    await alice.local_participant.set_attributes({"k": MARK})


def _ignore(reader: TextStreamReader, sender: str) -> None:
    reader.close()


async def garbage(server: DevServer) -> None:
    """Send invalid requests and packets."""
    token = server.token("mallory", room="demo", metadata=MARK, attributes={"k": MARK})
    async with aiohttp.ClientSession() as http:
        for path in (
            "/rtc",
            "/rtc/validate",
            "/rtc/v1",
            "/rtc/v1/validate",
            "/twirp/livekit.RoomService/ListRooms",
            "/no",
        ):
            for query in (
                {"access_token": token},
                {"join_request": MARK, "access_token": token},
                {"access_token": MARK},
            ):
                async with http.get(http_url(server, path, **query)):
                    pass
                async with http.post(http_url(server, path, **query), json={MARK: MARK}):
                    pass
        async with http.get(http_url(server, "/rtc"), headers={"Authorization": f"Bearer {MARK * 300_000}"}):
            pass
        client = WireClient(http, server, token, single=True)
        _ = await client.connect()
        for data in (MARK.encode(), MARK.encode() * 13_000):
            client.channels[True].send(data)
        assert client.socket is not None
        await client.socket.send_bytes(MARK.encode())
        _ = await client.until_closed()
        await client.close()


async def test_payloads_and_tokens_are_not_logged(logs: AllRecords) -> None:
    async with DevServer(port=0, keys=KEYS) as server:
        alice, bob = Room(), Room()
        await bob.connect(server.url, server.token("bob", room="demo"))
        await alice.connect(server.url, server.token("alice", room="demo", can_update_own_metadata=True))
        await talk(alice, bob)
        await garbage(server)
        await alice.disconnect()
        await bob.disconnect()
    assert len(logs.shown) > 10
    assert [line for line in logs.shown if MARK in line or JWT.search(line)] == []
    assert all(re.match(r"(livekit|asyncio)\b", line) for line in logs.shown)
