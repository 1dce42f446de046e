"""`livekit dev`, run as a program."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import aiohttp
import pytest

from livekit import Room, RpcInvocationData
from livekit.api import TokenVerifier
from livekit.cli import ExitCode
from tests.server.webhooks.receiver import Receiver
from tests.support.processes import LIVEKIT, clean_environment, output_of, read_until, running

DEV = (*LIVEKIT, "dev", "--port", "0")
LAST_LINE = "Press Ctrl-C to stop."
JWT = r"^  (ey\S+)$"


def echo(data: RpcInvocationData) -> str:
    return data.payload


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signals_stop_the_server(number: signal.Signals) -> None:
    async with running(*DEV) as server:
        shown = await read_until(server, LAST_LINE)
        url = re.search(r"ws://127\.0\.0\.1:\d+", shown)
        assert url is not None
        async with aiohttp.ClientSession() as http, http.get(url[0].replace("ws", "http", 1)) as response:
            assert response.status == 200
        server.send_signal(number)
        out, err = await server.communicate()
        assert server.returncode == ExitCode.DONE
        assert out.decode().strip() == "Stopped."
        assert err == b""


async def test_banner_connects_two_participants() -> None:
    async with running(*DEV) as server:
        shown = await read_until(server, LAST_LINE)
        url = re.search(r"ws://\S+(?=\n)", shown)
        assert url is not None
        assert shown.count(url[0]) == 3  # on its own, in the Python lines and in the JavaScript lines
        tokens = re.findall(JWT, shown, re.MULTILINE)
        claims = [TokenVerifier("devkey", "secret").verify(token) for token in tokens]
        assert [claim.identity for claim in claims] == ["alice", "bob"]

        alice, bob = Room(), Room()
        await alice.connect(url[0], tokens[0])
        await bob.connect(url[0], tokens[1])
        alice.local_participant.register_rpc_method("echo", echo)
        answer = await bob.local_participant.perform_rpc(destination_identity="alice", method="echo", payload="hi")
        assert answer == "hi"
        await bob.disconnect()
        await alice.disconnect()


async def test_banner_has_the_console_url() -> None:
    async with running(*DEV) as server:
        shown = await read_until(server, LAST_LINE)
        console = re.search(r"^  Console     (http://127\.0\.0\.1:\d+/)$", shown, re.MULTILINE)
        assert console is not None
        async with aiohttp.ClientSession() as http, http.get(console[1], headers={"Accept": "text/html"}) as response:
            assert "<title>livekit dev</title>" in await response.text()


async def test_no_console_disables_the_page() -> None:
    async with running(*DEV, "--no-console") as server:
        shown = await read_until(server, LAST_LINE)
        assert "Console" not in shown
        url = re.search(r"ws://127\.0\.0\.1:\d+", shown)
        assert url is not None
        address = url[0].replace("ws", "http", 1)
        async with aiohttp.ClientSession() as http, http.get(address, headers={"Accept": "text/html"}) as response:
            assert await response.text() == "OK"


async def test_stops_with_participants_in_a_room() -> None:
    async with running(*DEV) as server:
        shown = await read_until(server, LAST_LINE)
        url = re.search(r"ws://\S+(?=\n)", shown)
        assert url is not None
        room = Room()
        await room.connect(url[0], re.findall(JWT, shown, re.MULTILINE)[0])
        server.send_signal(signal.SIGINT)
        _, err = await server.communicate()
        assert (server.returncode, err) == (ExitCode.DONE, b"")
        await room.disconnect()


async def test_port_in_use_is_reported() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = await output_of(*LIVEKIT, "dev", "--port", str(port))
    assert code == ExitCode.CANNOT_LISTEN
    assert out == ""
    assert err.startswith("livekit: ")
    assert len(err.splitlines()) == 1
    assert f"port {port} on 127.0.0.1 is taken" in err


async def test_webrtc_ports_are_printed() -> None:
    async with running(*DEV, "--udp-port", "0", "--tcp-port", "0", "--node-ip", "127.0.0.1") as server:
        shown = await read_until(server, LAST_LINE)
    ports = re.search(r"^  WebRTC      UDP port (\d+), TCP port (\d+)$", shown, re.MULTILINE)
    assert ports is not None
    assert "0" not in ports.groups()


async def test_webrtc_port_in_use_is_reported() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        code, _, err = await output_of(*DEV, "--udp-port", str(port))
    assert code == ExitCode.CANNOT_LISTEN
    assert f"UDP port {port} on this machine is taken" in err


async def test_address_of_another_machine_is_reported() -> None:
    code, _, err = await output_of(*LIVEKIT, "dev", "--bind", "192.0.2.1", "--port", "0")
    assert code == ExitCode.CANNOT_LISTEN
    assert "192.0.2.1" in err


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        (("--keys", "k:s", "--keys", "k2:s2"), {"LIVEKIT_API_KEY": "unused", "LIVEKIT_API_SECRET": "unused"}),
        ((), {"LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}),
    ],
)
async def test_keys_sign_the_printed_tokens(arguments: tuple[str, ...], settings: dict[str, str]) -> None:
    async with running(*DEV, *arguments, **settings) as server:
        shown = await read_until(server, LAST_LINE)
    token = re.findall(JWT, shown, re.MULTILINE)[0]
    assert TokenVerifier("k", "s").verify(token).identity == "alice"


async def test_warns_if_livekit_url_names_another_server() -> None:
    async with running(*DEV, LIVEKIT_URL="wss://example.livekit.cloud") as server:
        await read_until(server, LAST_LINE)
        server.send_signal(signal.SIGINT)
        _, err = await server.communicate()
    assert "LIVEKIT_URL is wss://example.livekit.cloud" in err.decode()


async def test_allowed_origins_may_use_the_development_key() -> None:
    async with running(*DEV, "--allow-origin", "https://app.example.com") as server:
        shown = await read_until(server, LAST_LINE)
        url = re.search(r"ws://127\.0\.0\.1:\d+", shown)
        assert url is not None
        where = url[0].replace("ws", "http", 1) + "/rtc/validate"
        async with aiohttp.ClientSession() as http:
            for origin, status in (("https://app.example.com", 401), ("https://other.example.com", 403)):
                async with http.get(where, headers={"Origin": origin}) as response:
                    assert response.status == status


async def test_webhooks_and_json_logs() -> None:
    async with Receiver("k", "s") as receiver:
        options = ("--webhook", receiver.url, "--log-format", "json", "--access-log", "--departure-timeout", "0")
        async with running(*DEV, "--keys", "k:s", *options) as server:
            shown = await read_until(server, LAST_LINE)
            url = re.search(r"ws://\S+(?=\n)", shown)
            assert url is not None
            room = Room()
            await room.connect(url[0], re.findall(JWT, shown, re.MULTILINE)[0])
            await room.disconnect()
            await receiver.until(4)
            server.send_signal(signal.SIGINT)
            _, err = await server.communicate()
    assert (receiver.names[0], receiver.names[3]) == ("room_started", "room_finished")
    logged = [json.loads(line) for line in err.decode().splitlines() if "livekit.access" in line]
    assert [(line["logger"], line["path"]) for line in logged] == [("livekit.access", "/rtc/v1")]


async def test_timeouts_of_rooms() -> None:
    async with running(*DEV, "--empty-timeout", "2m", "--departure-timeout", "1s") as server:
        shown = await read_until(server, LAST_LINE)
        url = re.search(r"ws://\S+(?=\n)", shown)
        assert url is not None
        room = Room()
        await room.connect(url[0], re.findall(JWT, shown, re.MULTILINE)[0])
        assert (room.empty_timeout, room.departure_timeout) == (120.0, 1.0)
        await room.disconnect()
    code, _, err = await output_of(*DEV, "--departure-timeout", "soon")
    assert code == ExitCode.USAGE
    assert "'soon' is not a duration such as 90, 45s" in err


async def test_invalid_webhook_url_is_a_usage_error() -> None:
    code, _, err = await output_of(*DEV, "--webhook", "here")
    assert code == ExitCode.USAGE
    assert "'here' has no scheme, such as http://" in err


OUTPUTS = [
    ("closed pipe", ""),
    pytest.param(
        "/dev/full",
        "livekit: no further output: No space left on device\n",
        marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full"),
    ),
]


@pytest.mark.parametrize(("output", "noted"), OUTPUTS)
async def test_server_keeps_serving_if_its_output_fails(output: str, noted: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if output == "closed pipe":
        reading, stdout = os.pipe()
        os.close(reading)
    else:
        stdout = os.open(output, os.O_WRONLY)
    try:
        server = await asyncio.create_subprocess_exec(
            *LIVEKIT, "dev", "--port", str(port), stdout=stdout, stderr=PIPE, env=clean_environment()
        )
    finally:
        os.close(stdout)
    try:
        async with aiohttp.ClientSession() as http:
            for _ in range(2):  # the second request comes after the banner has failed
                await until_it_responds(http, f"http://127.0.0.1:{port}/", server)
        server.send_signal(signal.SIGTERM)
        _, err = await server.communicate()
        assert (server.returncode, err.decode()) == (ExitCode.DONE, noted)
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.kill()
        await server.communicate()


async def until_it_responds(http: aiohttp.ClientSession, url: str, server: Process) -> None:
    while True:
        try:
            async with http.get(url) as response:
                assert response.status == 200
                return
        except aiohttp.ClientConnectionError:
            assert server.returncode is None, "the server has ended"
            await asyncio.sleep(0.05)
