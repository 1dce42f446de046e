"""Webhooks over HTTP, verified with the official SDKs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from livekit import Room
from livekit.protocol import models
from livekit.protocol.webhook import WebhookEvent
from livekit.server import DevServer, RoomSettings, WebhookSettings
from tests.server.client import open_client
from tests.server.webhooks.receiver import Receiver

AT_ONCE = RoomSettings(departure_timeout=0)
STAY = ["room_started", "participant_joined alice", "participant_left alice", "room_finished"]
"""Events when Alice joins and leaves."""

VERIFY = """
import { WebhookReceiver } from "livekit-server-sdk";
const receiver = new WebhookReceiver("devkey", "secret");
const [body, header] = JSON.parse(process.argv[1]);
const event = await receiver.receive(body, header);
console.log(JSON.stringify([event.event, event.room.name, event.participant?.identity ?? "", event.id]));
"""


@asynccontextmanager
async def serving(urls: Sequence[str], attempts: int = 6, timeout: float = 5.0) -> AsyncGenerator[DevServer]:
    settings = WebhookSettings(urls, first_delay=0.02, longest_delay=0.1, attempts=attempts, timeout=timeout)
    async with DevServer(port=0, webhooks=settings, room_settings=AT_ONCE) as server:
        yield server


async def come_and_go(server: DevServer, identity: str = "alice") -> None:
    room = Room()
    await room.connect(server.url, server.token(identity, room="demo"))
    await room.disconnect()


async def test_join_and_leave_are_delivered(no_leaks: None) -> None:
    before = int(time.time())
    async with Receiver() as receiver, serving([receiver.url]) as server:
        await come_and_go(server)
        await receiver.until(len(STAY))
    assert receiver.names == STAY
    assert len({event.id for event in receiver.events}) == len(STAY)
    for event in receiver.events:
        assert event.id.startswith("EV_")
        assert before <= event.created_at <= time.time()
        assert event.room.name == "demo"
        assert event.room.sid == receiver.events[0].room.sid
    joined, left = receiver.events[1].participant, receiver.events[2].participant
    assert (joined.state, left.state) == (models.ParticipantInfo.ACTIVE, models.ParticipantInfo.DISCONNECTED)
    assert left.disconnect_reason == models.DisconnectReason.CLIENT_INITIATED
    assert joined.sid == left.sid


async def test_participant_without_transport_is_aborted(no_leaks: None) -> None:
    async with Receiver() as receiver, serving([receiver.url]) as server:
        async with open_client(server, "alice", connect=False) as client:
            await client.open_socket()
            _ = await client.next_signal("join")
        await receiver.until(1)
    assert receiver.names == ["room_started", "participant_connection_aborted alice", "room_finished"]


async def test_failed_delivery_is_retried(no_leaks: None) -> None:
    async with Receiver() as receiver, serving([receiver.url]) as server:
        receiver.answers = [500, 503]
        await come_and_go(server)
        await receiver.until(len(STAY))
    assert receiver.names == STAY
    assert len(receiver.bodies) == len(STAY) + 2
    assert len({body for body, _ in receiver.bodies[:3]}) == 1, "the same event, with the same id"


@pytest.mark.parametrize("status", [307, 400, 404])
async def test_rejected_event_is_not_retried(status: int, no_leaks: None) -> None:
    async with Receiver() as receiver, serving([receiver.url]) as server:
        receiver.answers = [status]
        await come_and_go(server)
        await receiver.until(len(STAY) - 1)
    assert receiver.names == STAY[1:]
    assert receiver.events[0].num_dropped == 1


async def test_receiver_restarts(no_leaks: None) -> None:
    async with Receiver() as gone:
        port = gone.port
    async with serving([f"http://127.0.0.1:{port}/hook"], attempts=100) as server:
        await come_and_go(server)
        async with Receiver(port=port) as receiver:
            await receiver.until(len(STAY))
            assert receiver.names == STAY


async def test_unreachable_receiver(caplog: pytest.LogCaptureFixture, no_leaks: None) -> None:
    async with Receiver() as gone:
        url = gone.url
    async with serving([url], attempts=2) as server:
        await come_and_go(server)
        before = time.monotonic()
    assert time.monotonic() - before < 5.0
    assert "dropped" in caplog.text
    assert "a-secret" not in caplog.text


async def test_slow_receiver_does_not_delay_rooms_or_other_receivers(no_leaks: None) -> None:
    async with Receiver() as slow, Receiver() as quick, serving([slow.url, quick.url]) as server:
        slow.gate.clear()
        await come_and_go(server)
        await quick.until(len(STAY))
        await come_and_go(server, "bob")
        await quick.until(2 * len(STAY))
        assert len(slow.bodies) == 1, "one is on its way at a time"
        assert slow.events == []
        slow.gate.set()
        await slow.until(2 * len(STAY))
    assert slow.names == quick.names


async def test_unanswered_delivery_is_retried(no_leaks: None) -> None:
    async with Receiver() as receiver, serving([receiver.url], attempts=100, timeout=0.2) as server:
        receiver.gate.clear()
        await come_and_go(server)
        await receiver.until_asked(2)
        receiver.gate.set()
        await receiver.until(len(STAY))


async def test_events_of_server_shutdown_are_delivered(no_leaks: None) -> None:
    async with Receiver() as receiver:
        room = Room()
        async with serving([receiver.url]) as server:
            await room.connect(server.url, server.token("alice", room="demo"))
        assert receiver.names == STAY
        left = receiver.events[2].participant
        assert left.disconnect_reason == models.DisconnectReason.SERVER_SHUTDOWN
        await room.disconnect()


async def test_unresponsive_receiver_does_not_block_shutdown(no_leaks: None) -> None:
    async with Receiver() as receiver:
        receiver.gate.clear()
        async with serving([receiver.url], timeout=60.0) as server:
            await come_and_go(server)
            await receiver.until_asked(1)
            before = time.monotonic()
        assert time.monotonic() - before < 5.0
        receiver.gate.set()


async def test_configured_key_signs_deliveries(no_leaks: None) -> None:
    keys = {"first": "a-secret-that-is-long-enough-for-hs256", "second": "another-secret-that-is-long-enough-x"}
    async with Receiver("second", keys["second"]) as receiver:
        settings = WebhookSettings([receiver.url], api_key="second")
        async with DevServer(port=0, keys=keys, webhooks=settings, room_settings=AT_ONCE) as server:
            await come_and_go(server)
            await receiver.until(len(STAY))


@pytest.mark.peers
async def test_javascript_verifier_accepts_signatures(js_peers: Path, no_leaks: None) -> None:
    async with Receiver() as receiver, serving([receiver.url]) as server:
        await come_and_go(server)
        await receiver.until(len(STAY))
    event: WebhookEvent = receiver.events[1]
    expected = [event.event, event.room.name, event.participant.identity, event.id]
    good, bad = receiver.bodies[1], (receiver.bodies[1][0], receiver.bodies[0][1])
    assert json.loads(await verify(js_peers, good)) == expected
    assert "sha256 checksum of body does not match" in await verify(js_peers, bad)


async def verify(folder: Path, request: tuple[str, str]) -> str:
    arguments = ("node", "--input-type=module", "-e", VERIFY, json.dumps(request))
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return out.decode()
