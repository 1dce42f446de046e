"""Limits without another test, and their documentation in SECURITY.md."""

from __future__ import annotations

import json
import re
from pathlib import Path

import aiohttp
import pytest

from livekit.protocol import models, rtc
from livekit.protocol import room as room_pb
from livekit.server import DevServer, limits
from livekit.server.auth import TokenAuthority
from livekit.server.join_request import parse_join
from livekit.server.room_manager import RoomFullError
from livekit.server.services.room_service import RoomService
from tests.server.client import http_url, join_request, open_client
from tests.server.recording_link import grants, join, make_rooms, user_packet

ROOT = Path(__file__).parents[2]
CONSTANTS = {name: value for name, value in vars(limits).items() if name.isupper()}
ROWS = re.compile(r"^\| `([A-Z_]+)` \| ([^|]+) \|", re.MULTILINE)


def shown(value: float) -> str:
    """Format a limit as SECURITY.md does: whole sizes in KiB and MiB."""
    for unit, name in ((1024 * 1024, "MiB"), (1024, "KiB")):
        if value >= 16 * 1024 and value % unit == 0:
            return f"{value // unit:,} {name}"
    return f"{value:,g}" if value % 1 else f"{int(value):,}"


def test_security_md_lists_every_limit() -> None:
    documented = {name: text.strip() for name, text in ROWS.findall((ROOT / "SECURITY.md").read_text())}
    assert documented == {name: shown(value) for name, value in CONSTANTS.items()}


def test_every_limit_is_used_by_the_server_and_by_a_test() -> None:
    for folder in ("src/livekit/server", "tests"):
        paths = [path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
        text = "\n".join(path.read_text() for path in paths)
        unused = [name for name in CONSTANTS if f"limits.{name}" not in text and f'"{name}"' not in text]
        assert unused == [], folder


async def test_signal_message_limit_applies_after_decompression(server: DevServer) -> None:
    url = http_url(server, "/rtc", access_token=server.token("alice", room="demo"))
    async with aiohttp.ClientSession() as http, http.ws_connect(url, compress=15) as socket:
        await socket.send_bytes(bytes(8 * limits.MAX_SIGNAL_MESSAGE))
        async for _ in socket:
            pass
        assert socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


def test_capabilities_are_deduplicated_and_bounded() -> None:
    def kept(*numbers: int) -> list[int]:
        client = models.ClientInfo()
        client.MergeFromString(b"".join(b"\x68" + bytes([number]) for number in numbers))
        request = join_request(rtc.JoinRequest(client_info=client))
        return list(parse_join({"join_request": request}, single_peer_connection=True).client.capabilities)

    assert kept(*range(1, 100)) == list(range(1, limits.MAX_CAPABILITIES + 1))
    assert kept(*[1] * 10_000) == [1]


def test_data_track_limits() -> None:
    alice = join(make_rooms(), "alice")

    def publish(handle: int, **fields: object) -> str:
        request = rtc.PublishDataTrackRequest(pub_handle=handle, name=f"track {handle}")
        request.MergeFrom(rtc.PublishDataTrackRequest(**fields))  # type: ignore[arg-type]  # by the test's words
        alice.request(rtc.SignalRequest(publish_data_track_request=request))
        newest = next(signal for signal in reversed(alice.link.signals) if signal.WhichOneof("message") != "update")
        reason = newest.request_response.reason
        return "" if newest.HasField("publish_data_track_response") else rtc.RequestResponse.Reason.Name(reason)

    long = models.DataTrackSchemaId(name="s" * limits.MAX_DATA_TRACK_INFO)
    assert publish(1, schema=long) == "INVALID_REQUEST"
    assert [publish(handle) for handle in range(1, limits.MAX_DATA_TRACKS + 1)] == [""] * limits.MAX_DATA_TRACKS
    assert publish(limits.MAX_DATA_TRACKS + 1) == "LIMIT_EXCEEDED"


def test_participant_limit() -> None:
    rooms = make_rooms()
    for number in range(20):
        join(rooms, f"{number}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_PARTICIPANTS", 20)
        with pytest.raises(RoomFullError):
            join(rooms, "one more")
        join(rooms, "7")


async def test_lossy_packets_beyond_backlog_are_dropped(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_LOSSY_BACKLOG", -1)
    async with open_client(server, "alice") as alice, open_client(server, "bob") as bob:
        alice.send(user_packet(b"lossy"), reliable=False)
        alice.send(user_packet(b"reliable"))
        assert (await bob.next_packet())[0].user.payload == b"reliable"
        assert bob.packets.empty()


def test_server_tokens_have_lifetimes() -> None:
    authority = TokenAuthority({"key": "a-secret-that-is-long-enough-for-hs256"})
    for token, lifetime in (
        (authority.refresh(grants("alice"), models.ParticipantInfo(identity="alice")), limits.TOKEN_LIFETIME),
        (authority.sign_body("key", b"{}"), limits.WEBHOOK_TOKEN_LIFETIME),
    ):
        claims = json.loads(authority._jws.decode(token, options={"verify_signature": False}))
        assert claims["exp"] - claims["nbf"] == lifetime


def test_nonces_are_remembered_up_to_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_NONCES", 2)
    rooms = make_rooms()
    alice = join(rooms, "alice")
    service = RoomService(rooms, lambda: 0.0)
    backend = grants("", roomAdmin=True)
    for number in (1, 1, 2, 1, 3, 1):
        request = room_pb.SendDataRequest(room="demo", data=b"%d" % number, nonce=bytes([number]) * 16)
        service.send_data(backend, request)
    assert alice.payloads() == [b"1", b"2", b"3", b"1"]
