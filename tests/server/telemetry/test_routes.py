"""`/metrics` and `/debug/state`, and who may read them."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from livekit._version import __version__
from livekit.protocol import agent, models
from livekit.server import DevServer, WebhookSettings
from livekit.server.telemetry import process
from tests.server.agents.test_routes import worker
from tests.server.client import http_url, open_client
from tests.server.webhooks.receiver import Receiver

PAGES = ["/metrics", "/debug/state"]
SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)')


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def get(http: aiohttp.ClientSession, server: DevServer, path: str, **headers: str) -> tuple[int, str]:
    async with http.get(http_url(server, path), headers=headers) as response:
        return response.status, await response.text()


async def metrics(http: aiohttp.ClientSession, server: DevServer) -> dict[str, float]:
    """Return all samples by name and labels, as written."""
    status, page = await get(http, server, "/metrics")
    assert status == 200
    samples: dict[str, float] = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            found = SAMPLE.fullmatch(line)
            assert found is not None, line
            samples[line.rpartition(" ")[0]] = float(found[3])
    return samples


async def state(http: aiohttp.ClientSession, server: DevServer) -> dict[str, Any]:
    status, page = await get(http, server, "/debug/state")
    assert status == 200
    found: dict[str, Any] = json.loads(page)
    return found


async def test_metrics_of_an_idle_server(server: DevServer, http: aiohttp.ClientSession) -> None:
    async with http.get(http_url(server, "/metrics")) as response:
        assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    samples = await metrics(http, server)
    assert samples["livekit_room_total"] == 0
    assert samples["livekit_rpc_call_total"] == 0
    assert samples['livekit_http_requests_total{route="/metrics",status="200"}'] == 1
    assert samples["process_cpu_seconds_total"] > 0
    assert any(name.startswith(f'livekit_server_info{{version="{__version__}"') for name in samples)


async def test_metrics_of_rooms(server: DevServer, http: aiohttp.ClientSession) -> None:
    async with open_client(server, "alice") as alice, open_client(server, "bob") as bob, open_client(server, "carol"):
        request = models.RpcRequest(id="1", method="m", payload="p")
        alice.send(models.DataPacket(rpc_request=request, destination_identities=["bob"]))
        alice.send(models.DataPacket(stream_header=models.DataStream.Header(topic="lk.rpc_request")))
        alice.send(models.DataPacket(stream_header=models.DataStream.Header(topic="other")))
        for _ in range(3):
            await bob.next_packet()
        alice.channels[True].send(b"\xff")
        alice.send(models.DataPacket(user=models.UserPacket(payload=b"x")))
        await bob.next_packet()
        samples = await metrics(http, server)
    assert samples["livekit_room_total"] == 1
    assert samples['livekit_participant_total{kind="STANDARD"}'] == 3
    assert samples["livekit_room_started_total"] == 1
    assert samples["livekit_participant_joined_total"] == 3
    assert samples["livekit_rpc_call_total"] == 2
    assert samples["livekit_data_packet_dropped_total"] == 1
    incoming, outgoing = (f'{{direction="{way}",kind="reliable"}}' for way in ("incoming", "outgoing"))
    assert samples["livekit_data_packet_total" + incoming] == 4
    assert samples["livekit_data_packet_total" + outgoing] == 1 + 3 * 2
    assert samples["livekit_data_packet_bytes_total" + outgoing] > samples["livekit_data_packet_bytes_total" + incoming]
    assert samples['livekit_data_packet_total{direction="incoming",kind="lossy"}'] == 0


async def test_metrics_of_left_participants(server: DevServer, http: aiohttp.ClientSession) -> None:
    async with open_client(server, "alice"), open_client(server, "bob", connect=False) as bob:
        await bob.open_socket()
        await bob.next_signal("join")
        server.rooms.close(asyncio.get_running_loop().time())
        samples = await metrics(http, server)
    assert samples["livekit_room_total"] == 0
    assert samples['livekit_participant_left_total{reason="SERVER_SHUTDOWN"}'] == 2
    assert samples["livekit_participant_joined_total"] == 1
    assert samples["livekit_participant_aborted_total"] == 1


async def test_rejected_requests_are_counted_by_route(server: DevServer, http: aiohttp.ClientSession) -> None:
    for path in ("/rtc/validate", "/one", "/two", "/twirp/livekit.RoomService/ListRooms", "/twirp/x/y"):
        await get(http, server, path)
    samples = await metrics(http, server)
    counted = {name for name in samples if name.startswith("livekit_http")}
    assert 'livekit_http_requests_total{route="/rtc/validate",status="401"}' in counted
    assert samples['livekit_http_requests_total{route="none",status="404"}'] == 2
    assert samples['livekit_http_requests_total{route="/twirp/{route}",status="404"}'] == 2


async def test_metrics_of_agents_and_webhooks(http: aiohttp.ClientSession) -> None:
    async with Receiver() as receiver:
        url = receiver.url.partition("?")[0]
        async with DevServer(port=0, webhooks=WebhookSettings([receiver.url])) as server, worker(server) as wire:
            worker_id = await wire.register("helper")
            await wire.say(agent.WorkerMessage(simulate_job=agent.SimulateJobRequest(room=models.Room(name="demo"))))
            await wire.accept("agent")
            async with open_client(server, "alice"):
                await receiver.until(2)
                samples, found = await metrics(http, server), await state(http, server)
    assert samples['livekit_agent_worker_total{agent_name="helper"}'] == 1
    assert samples['livekit_agent_job_total{state="running"}'] == 1
    assert samples[f'livekit_webhook_total{{url="{url}",result="dropped"}}'] == 0
    assert found["webhooks"][url]["waiting"] <= 2
    assert [one["id"] for one in found["agents"]["workers"]] == [worker_id]
    assert [one["identity"] for one in found["agents"]["running"]] == ["agent"]
    assert "a-secret" not in json.dumps([samples, found])


async def test_state_shows_how_long_an_unused_room_has_been_empty(
    server: DevServer, http: aiohttp.ClientSession
) -> None:
    server.rooms.create("unused", asyncio.get_running_loop().time() - 5.0)
    [room] = (await state(http, server))["rooms"]
    assert 5.0 <= room["empty_for"] < 65.0


async def test_state_has_rooms_and_versions_without_secrets(server: DevServer, http: aiohttp.ClientSession) -> None:
    async with open_client(server, "alice") as alice, open_client(server, "carol") as carol:
        token = server.token("bob", room="demo", metadata="secret-metadata", attributes={"k": "secret-attribute"})
        async with http.ws_connect(http_url(server, "/rtc", access_token=token)):
            server.rooms.rooms[0].update_metadata("secret-topic")
            alice.send(models.DataPacket(user=models.UserPacket(payload=b"secret-payload"), sequence=7))
            await carol.next_packet()
            found = await state(http, server)
    assert found["versions"]["livekit-pure"] == __version__
    assert found["versions"]["aiohttp"] == aiohttp.__version__
    assert found["uptime"] >= 0
    [room] = found["rooms"]
    assert (room["name"], room["metadata_bytes"], room["empty_for"]) == ("demo", len("secret-topic"), None)
    one, _, two = room["participants"]
    assert (one["identity"], one["sid"], one["state"], one["last_sequence"]) == ("alice", alice.sid, "ACTIVE", 7)
    assert (one["client"]["sdk"], one["transport_lost_for"], one["waiting_bytes"]) == ("PYTHON", None, 0)
    assert (two["identity"], two["state"], two["metadata_bytes"], two["attributes"]) == ("bob", "JOINED", 15, 1)
    assert two["waiting_bytes"] > 0, "the packet waits for its transport"
    assert found["traffic"]["received"]["reliable"]["packets"] == 1
    shown = json.dumps(found)
    assert "secret" not in shown
    assert token not in shown


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example.com"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"Origin": "https://page.example.com"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_remote_requests_are_rejected(
    server: DevServer, http: aiohttp.ClientSession, path: str, headers: Mapping[str, str]
) -> None:
    status, text = await get(http, server, path, **headers)
    assert status == 403
    assert "livekit_" not in text
    assert (await get(http, server, path, Host="localhost"))[0] == 200


def test_process_metrics_without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process, "_SELF", tmp_path)
    assert process.resident_bytes() is None
    assert process.open_files() is None


async def test_unknown_sdk_is_reported_by_number(server: DevServer, http: aiohttp.ClientSession) -> None:
    async with open_client(server, "alice"):
        server.rooms.rooms[0].participants["alice"].client.MergeFromString(bytes((1 << 3, 99)))
        (room,) = (await state(http, server))["rooms"]
        assert room["participants"][0]["client"]["sdk"] == "99"
