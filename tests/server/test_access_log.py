"""The access log has a record for every request, without secrets."""

from __future__ import annotations

import asyncio
import logging

import aiohttp
import pytest

from livekit.server import DevServer
from livekit.server.access_log import logger
from tests.server.client import http_url, open_client


@pytest.fixture(autouse=True)
def enabled(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger.name)


def records(caplog: pytest.LogCaptureFixture) -> list[dict[str, object]]:
    return [vars(record) for record in caplog.records if record.name == logger.name]


async def test_records_request_fields(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    token = server.token("alice", room="demo")
    async with aiohttp.ClientSession() as http:
        async with http.get(http_url(server, "/rtc/validate", access_token=token)) as response:
            assert response.status == 200
        async with http.get(http_url(server, "/no%0Asuch/path"), headers={"Authorization": f"Bearer {token}"}):
            pass
    await server.aclose()
    good, bad = records(caplog)
    assert (good["method"], good["path"], good["status"]) == ("GET", "/rtc/validate", 200)
    assert (good["remote"], good["connection"]) == ("127.0.0.1", "")
    assert isinstance(good["duration"], float)
    assert good["duration"] < 10
    assert (bad["path"], bad["status"]) == ("/no%0Asuch/path", 404)
    assert token not in caplog.text


async def test_websocket_record_names_participant_sid(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    async with open_client(server, "alice") as client:
        assert records(caplog) == []
    await server.aclose()
    [record] = records(caplog)
    assert (record["path"], record["status"], record["connection"]) == ("/rtc/v1", 101, client.sid)


async def test_malformed_request_is_logged_without_text(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /?access_token=a-secret HTTP/nonsense\r\n\r\n")
    assert b"400" in await reader.readline()
    writer.close()
    await writer.wait_closed()
    await server.aclose()
    [record] = records(caplog)
    assert record["status"] == 400
    assert "a-secret" not in caplog.text


async def test_connection_outlives_a_broken_log_handler(server: DevServer, caplog: pytest.LogCaptureFixture) -> None:
    class BrokenHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise ValueError("I/O operation on closed file")

    handler, logger = BrokenHandler(), logging.getLogger("livekit.access")
    logger.addHandler(handler)
    try:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        for _ in range(2):  # on the same connection
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\nOK")).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
    finally:
        logger.removeHandler(handler)
