"""HTTP routes: authorization of a join, and its refusals."""

from __future__ import annotations

import base64

import aiohttp
import pytest

from livekit.protocol import models, rtc
from livekit.server import DevServer, RoomSettings, limits
from livekit.server.auth import TokenAuthority
from tests.server.client import http_url, join_request, open_client

EMPTY = join_request(rtc.JoinRequest())
PATHS = {"/rtc": {}, "/rtc/v1": {"join_request": EMPTY}}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_root_is_the_health_check(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http, http.get(http_url(server, "/")) as response:
        assert (response.status, await response.text()) == (200, "OK")


@pytest.mark.parametrize("path", PATHS)
async def test_validate_accepts_valid_token(server: DevServer, path: str) -> None:
    token = server.token("alice", room="demo")
    async with aiohttp.ClientSession() as http:
        url = http_url(server, f"{path}/validate", **PATHS[path])
        async with http.get(url, headers=bearer(token)) as response:
            assert (response.status, await response.text()) == (200, "success")
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        url = http_url(server, f"{path}/validate", access_token=token, **PATHS[path])
        async with http.get(url) as response:
            assert response.status == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("headers", "status", "text"),
    [
        ({}, 401, "no permissions to access the room"),
        ({"Authorization": "Basic x"}, 401, "invalid authorization header"),
        (bearer("nonsense"), 401, "invalid authorization token"),
        (bearer(TokenAuthority({"nobody": "x"}).mint({}, api_key="nobody", lifetime=36_000)), 401, "invalid API key"),
        (bearer(TokenAuthority({"devkey": "x"}).mint({}, api_key="devkey", lifetime=36_000)), 401, "signature"),
        (bearer(TokenAuthority({"devkey": "secret"}).mint({}, api_key="devkey", lifetime=-99)), 401, "expired"),
        (
            bearer(TokenAuthority({"devkey": "secret"}).mint({}, api_key="devkey", lifetime=36_000)),
            401,
            "no permissions",
        ),
    ],
    ids=["none", "basic", "nonsense", "key", "signature", "expired", "grants"],
)
async def test_every_route_refuses_alike(
    server: DevServer, path: str, headers: dict[str, str], status: int, text: str
) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(http_url(server, f"{path}/validate", **PATHS[path]), headers=headers) as response:
            assert response.status == status
            assert text in await response.text()
            assert response.headers["Access-Control-Allow-Origin"] == "*"
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            _ = await http.ws_connect(http_url(server, path, **PATHS[path]), headers=headers)
        assert caught.value.status == status


async def test_cors_allows_any_origin(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http:
        for path in PATHS:
            async with http.options(http_url(server, f"{path}/validate")) as response:
                assert response.status == 204
                assert response.headers["Access-Control-Allow-Origin"] == "*"
                assert "Authorization" in response.headers["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("path", PATHS)
async def test_join_requires_websocket(server: DevServer, path: str) -> None:
    async with aiohttp.ClientSession() as http:
        url = http_url(server, path, **PATHS[path])
        async with http.get(url, headers=bearer(server.token("alice", room="demo"))) as response:
            assert response.status == 404


async def test_malformed_join_request(server: DevServer) -> None:
    headers = bearer(server.token("alice", room="demo"))
    async with aiohttp.ClientSession() as http:
        async with http.get(http_url(server, "/rtc/v1/validate"), headers=headers) as response:
            assert (response.status, await response.text()) == (400, "join_request is required")
        async with http.get(http_url(server, "/rtc/v1/validate", join_request="*"), headers=headers) as response:
            assert response.status == 400


async def test_long_join_requests_and_tokens_are_accepted(server: DevServer) -> None:
    noise = "".join(chr(33 + (i * i * 7919) % 90) for i in range(200_000))
    request = rtc.WrappedJoinRequest(join_request=rtc.JoinRequest(metadata=noise).SerializeToString())
    encoded = base64.urlsafe_b64encode(request.SerializeToString()).decode()
    assert len(encoded) > 250_000
    token = server.token("alice", room="demo", can_update_own_metadata=True, attributes={"a": "x" * 20_000})
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/rtc/v1/validate", join_request=encoded)
        async with http.get(url, headers=bearer(token)) as response:
            assert (response.status, await response.text()) == (200, "success")


async def test_metadata_at_join_requires_grant(server: DevServer) -> None:
    encoded = join_request(rtc.JoinRequest(metadata="m"))
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/rtc/v1/validate", join_request=encoded)
        async with http.get(url, headers=bearer(server.token("alice", room="demo"))) as response:
            assert response.status == 401


async def test_full_room_is_refused() -> None:
    async with (
        DevServer(port=0, room_settings=RoomSettings(max_participants=1)) as server,
        open_client(server, "alice", connect=False) as alice,
    ):
        await alice.open_socket()
        _ = await alice.next_signal("join")
        async with aiohttp.ClientSession() as http:
            headers = bearer(server.token("bob", room="demo"))
            async with http.get(http_url(server, "/rtc/validate"), headers=headers) as response:
                assert (response.status, await response.text()) == (200, "success")
            upgrade = {**headers, "Upgrade": "websocket", "Connection": "Upgrade"}
            async with http.get(http_url(server, "/rtc"), headers=upgrade) as response:
                assert (response.status, await response.text()) == (500, "connection closed by media")


async def test_metadata_at_join_is_announced(server: DevServer) -> None:
    request = rtc.JoinRequest(metadata="m", participant_attributes={"a": "1"}, client_info=models.ClientInfo())
    token = server.token("alice", room="demo", can_update_own_metadata=True, attributes={"b": "2"})
    async with aiohttp.ClientSession() as http:
        url = http_url(server, "/rtc/v1", join_request=join_request(request))
        async with http.ws_connect(url, headers=bearer(token)) as socket:
            info = rtc.SignalResponse.FromString(await socket.receive_bytes()).join.participant
    assert (info.metadata, dict(info.attributes)) == ("m", {"a": "1", "b": "2"})


async def test_long_metadata_and_attributes_are_refused_by_the_join_only(server: DevServer) -> None:
    tokens = (
        server.token("alice", room="demo", metadata="m" * (limits.MAX_METADATA + 1)),
        server.token("alice", room="demo", attributes={"a": "v" * limits.MAX_ATTRIBUTES}),
    )
    async with aiohttp.ClientSession() as http:
        for headers in map(bearer, tokens):
            async with http.get(http_url(server, "/rtc/validate"), headers=headers) as response:
                assert response.status == 200
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(http_url(server, "/rtc"), headers=headers)
            assert refused.value.status == 500


async def test_query_parameters_of_a_join(server: DevServer) -> None:
    async with aiohttp.ClientSession() as http:
        headers = bearer(server.token("alice", room="demo", can_update_own_metadata=True))
        query = {"publish": "screen", "attributes": "malformed"}
        async with http.get(http_url(server, "/rtc/validate", **query), headers=headers) as response:
            assert (response.status, await response.text()) == (400, "cannot decode attributes")
        async with http.ws_connect(http_url(server, "/rtc", **query), headers=headers) as socket:
            join = rtc.SignalResponse.FromString(await socket.receive_bytes()).join
            assert join.participant.identity == "alice#screen"
            assert not join.participant.permission.can_subscribe


async def test_media_tracks_of_a_join_request_are_accepted(server: DevServer) -> None:
    request = rtc.JoinRequest(add_track_requests=[rtc.AddTrackRequest(cid="1"), rtc.AddTrackRequest(cid="2")])
    url = http_url(server, "/rtc/v1", join_request=join_request(request))
    headers = bearer(server.token("alice", room="demo"))
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=headers) as socket:
        accepted: list[str] = []
        while len(accepted) < 2:
            response = rtc.SignalResponse.FromString(await socket.receive_bytes(timeout=10))
            if response.HasField("track_published"):
                accepted.append(response.track_published.cid)
        assert accepted == ["1", "2"]
